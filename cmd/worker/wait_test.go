package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// TestWaitsForWhatTheStagesPublish: the worker builds a mix, and the worker that waits finds it.
func TestWaitsForWhatTheStagesPublish(t *testing.T) {
	p := place(t)
	published := p.build(t)
	content, err := os.ReadFile(filepath.Join(p.volume, "small", "current", revision.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	for _, address := range []string{"datasetmix://small", "datasetmix://small@" + published.Revision} {
		t.Setenv(addressVariable, address)
		if code := command(t.Context(), []string{"wait"}, p); code != 0 {
			t.Fatalf("%s: exit code %d", address, code)
		}
		var done waited
		if content, err := os.ReadFile(p.message); err != nil || json.Unmarshal(content, &done) != nil {
			t.Fatalf("the message is %s: %v", content, err)
		}
		if want := (waited{published.Revision, hex.EncodeToString(sum[:]), filepath.Join(p.volume, "small/revisions", published.Revision)}); done != want {
			t.Errorf("it ended with %+v, want %+v", done, want)
		}
	}
}

func TestWaitsThatFail(t *testing.T) {
	p := place(t)
	t.Setenv(addressVariable, "")
	for name, c := range map[string]struct {
		args   []string
		reason contract.Reason
		says   string
	}{
		"no such command": {[]string{"sleep"}, contract.InvalidTask, "the commands wait, read, serve and receive"},
		"no address":      {[]string{"wait"}, contract.InvalidTask, "names no mix"},
		"no such flag":    {[]string{"wait", "--until"}, contract.InvalidTask, "until"},
		"no such choice":  {[]string{"wait", "--verify", "all", "datasetmix://small"}, contract.InvalidTask, "digests or sizes"},
		"nothing in time": {[]string{"wait", "--timeout", "10ms", "--every", "1ms", "datasetmix://small"}, contract.SourceNotFound, "was not published in time"},
	} {
		t.Run(name, func(t *testing.T) {
			if code := command(t.Context(), c.args, p); code != c.reason.ExitCode() {
				t.Errorf("exit code %d, want %d", code, c.reason.ExitCode())
			}
			if content, err := os.ReadFile(p.message); err != nil || !strings.Contains(string(content), c.says) {
				t.Errorf("the message is %q, %v; want one that says %q", content, err, c.says)
			}
		})
	}
	if code := command(t.Context(), []string{"wait", "--help"}, p); code != 0 {
		t.Errorf("help ends with %d", code)
	}
}
