package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

const fromBranch = `apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: local}
spec:
  seed: 1
  splits:
  - {name: train, share: 5, size: {policy: KeepTotal}}
  domains:
  - name: math
    share: 1
    datasets:
    - name: sums
      source: {huggingFace: {repo: acme/sums, revision: main}}
      record: {preset: gsm8k}
  output:
    volume: {claimName: datasets}
`

// revisionOf returns the revision that a build's output ends with.
func revisionOf(t *testing.T, out string, err error) string {
	t.Helper()
	found := regexp.MustCompile(`-> revisions/(\w+)\n$`).FindStringSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return found[1]
}

// TestBuildByALock: a branch that moved, and builds that follow it, that do not, and that go back.
func TestBuildByALock(t *testing.T) {
	standIn := hub.New(hub.Options{})
	t.Setenv("HF_ENDPOINT", hub.Start(t, standIn))
	commit := func(digit, content string) {
		standIn.Put(hub.Repo{ID: "acme/sums", SHA: strings.Repeat(digit, 40), Files: map[string]hub.File{"data/train.jsonl": {Content: []byte(content), LFS: true}}})
	}
	const one, other = `{"question":"1+1?","answer":"#### 2"}` + "\n", `{"question":"2+2?","answer":"#### 4"}` + "\n"
	manifest, data := write(t, fromBranch), t.TempDir()
	build := func(more ...string) string {
		t.Helper()
		out, err := run(t, append([]string{"build", "-f", manifest, "--data", data}, more...)...)
		return revisionOf(t, out, err)
	}

	commit("1", one)
	first := build()
	lock := filepath.Join(t.TempDir(), "lock.json")
	encoded, err := os.ReadFile(filepath.Join(data, "local", "current", revision.LockFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, encoded, 0o644); err != nil {
		t.Fatal(err)
	}
	commit("2", one+other)
	if got := build(); got != first {
		t.Errorf("nobody asked, and the revision is %s instead of %s", got, first)
	}
	second := build("--refresh")
	if second == first {
		t.Error("--refresh did not follow the branch")
	}
	standIn.ResetCounts()
	if got := build("--refresh"); got != second || standIn.Downloads() != 0 {
		t.Errorf("a second --refresh: revision %s with %d downloads, want %s with none", got, standIn.Downloads(), second)
	}
	if got := build("--lock", lock); got != first {
		t.Errorf("by the lock the revision is %s, want %s", got, first)
	}

	if _, err := run(t, "build", "-f", manifest, "--data", data, "--lock", lock, "--refresh"); err == nil {
		t.Error("--lock and --refresh go together")
	}
	for what, c := range map[string]struct{ manifest, lock, want string }{
		"a lock of another request":  {strings.Replace(fromBranch, "revision: main", "revision: next", 1), string(encoded), `for "huggingFace acme/sums at main", and the mix asks for "huggingFace acme/sums at next"`},
		"a lock of another data set": {strings.Replace(fromBranch, "name: sums", "name: totals", 1), string(encoded), "does not lock totals"},
		"a damaged lock":             {fromBranch, string(encoded[1:]), "it is not a lock"},
	} {
		if err := os.WriteFile(lock, []byte(c.lock), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := run(t, "build", "-f", write(t, c.manifest), "--data", data, "--lock", lock)
		if contract.ReasonOf(err) != contract.InvalidTask || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if _, err := run(t, "build", "-f", manifest, "--data", data, "--lock", lock+"x"); contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("no lock: %v", err)
	}
}
