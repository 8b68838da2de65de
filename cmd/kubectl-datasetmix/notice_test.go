package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// localMix reads two files of a folder.
const localMix = `
apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: mix, namespace: default}
spec:
  seed: 1
  splits: [{name: all, share: 1, size: {policy: KeepTotal}}]
  domains:
  - name: d
    share: 1
    datasets: [{name: a, source: {volume: {claimName: c}}, record: {question: row.q, referenceAnswer: row.a, answerType: text}}]
  output: {volume: {claimName: out}}
`

// put writes a file.
func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ways returns the lines of a build's output by stage: how each unit came to be, and why.
func ways(out string) map[string]string {
	found := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^ +[0-9.]+s +(\w+) +\d+/\d+ +\w+ +(built|reused|read again|repaired) (.*)$`).FindAllStringSubmatch(out, -1) {
		_, why, _ := strings.Cut(line[3], ", since ")
		found[line[1]] = strings.TrimSuffix(line[2]+", "+why, ", ")
	}
	return found
}

// TestBuildNoticesLocalFiles: what has happened to the files of a folder since the last build, what the next one says of it, and
// which questions it publishes.
func TestBuildNoticesLocalFiles(t *testing.T) {
	const first, second = `{"q":"one?","a":"1"}` + "\n", `{"q":"two?","a":"2"}` + "\n"
	for _, c := range []struct {
		name           string
		change         func(t *testing.T, folder string)
		download, next string // how the download and the split came to be
		want           []string
	}{
		{"nothing", func(*testing.T, string) {}, "reused", "reused", []string{"one?", "two?"}},
		{"edited", func(t *testing.T, folder string) {
			put(t, filepath.Join(folder, "a.jsonl"), first+`{"q":"three?","a":"3"}`+"\n")
		}, "read again, a.jsonl was changed", "built", []string{"one?", "three?", "two?"}},
		{"edited to the same length", func(t *testing.T, folder string) {
			put(t, filepath.Join(folder, "a.jsonl"), strings.Replace(first, "one?", "six?", 1))
		}, "read again, a.jsonl was changed", "built", []string{"six?", "two?"}},
		{"replaced by one of the same length and time", func(t *testing.T, folder string) {
			replaced(t, filepath.Join(folder, "b.jsonl"), strings.Replace(second, "two?", "ten?", 1))
		}, "read again, b.jsonl was replaced", "built", []string{"one?", "ten?"}},
		{"removed", func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, "b.jsonl")); err != nil {
				t.Fatal(err)
			}
		}, "read again, b.jsonl is gone", "built", []string{"one?"}},
		{"added and edited", func(t *testing.T, folder string) {
			put(t, filepath.Join(folder, "0.jsonl"), `{"q":"zero?","a":"0"}`+"\n")
			put(t, filepath.Join(folder, "a.jsonl"), `{"q":"a?","a":"0"}`+"\n")
		}, "read again, 0.jsonl is new, a.jsonl was changed", "built", []string{"a?", "two?", "zero?"}},
		{"many files", func(t *testing.T, folder string) {
			for _, name := range []string{"c", "d", "e", "f", "g", "h"} {
				put(t, filepath.Join(folder, name+".jsonl"), `{"q":"`+name+`?","a":"0"}`+"\n")
			}
		}, "read again, c.jsonl is new, d.jsonl is new, e.jsonl is new, f.jsonl is new, 2 more files differ", "built", []string{"c?", "d?", "e?", "f?", "g?", "h?", "one?", "two?"}},
		{"touched", func(t *testing.T, folder string) {
			if err := os.Chtimes(filepath.Join(folder, "a.jsonl"), time.Now(), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}, "read again, a.jsonl was changed", "reused", []string{"one?", "two?"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder, data := t.TempDir(), t.TempDir()
			put(t, filepath.Join(folder, "a.jsonl"), first)
			put(t, filepath.Join(folder, "b.jsonl"), second)
			build := []string{"build", "-f", write(t, localMix), "--data", data, "--claim", "c=" + folder}
			out, err := run(t, build...)
			if err != nil {
				t.Fatal(err)
			}
			for stage, how := range ways(out) {
				if how != "built" {
					t.Errorf("the first build: %s is %s", stage, how)
				}
			}
			c.change(t, folder)
			if out, err = run(t, build...); err != nil {
				t.Fatal(err)
			}
			got := ways(out)
			if len(got) != 5 || got["download"] != c.download || got["split"] != c.next || got["publish"] != c.next {
				t.Errorf("the output says %v of\n%s", got, out)
			}
			wantPublished(t, data, c.want)
		})
	}
}

// TestBuildRepairsTheListOfADownload: a build whose finished download has lost or changed the list of its files reads them again.
func TestBuildRepairsTheListOfADownload(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, list string)
		why    string
	}{
		{"cut", func(t *testing.T, list string) { put(t, list, "[{") }, "is damaged"},
		{"of no file", func(t *testing.T, list string) { put(t, list, "[]") }, "originals.json"},
		{"removed", func(t *testing.T, list string) {
			if err := os.Remove(list); err != nil {
				t.Fatal(err)
			}
		}, "the download is gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder, data := t.TempDir(), t.TempDir()
			put(t, filepath.Join(folder, "a.jsonl"), `{"q":"one?","a":"1"}`+"\n")
			build := []string{"build", "-f", write(t, localMix), "--data", data, "--claim", "c=" + folder}
			if _, err := run(t, build...); err != nil {
				t.Fatal(err)
			}
			lists, err := filepath.Glob(filepath.Join(data, "mix", ".stages", "download", "*", "originals.json"))
			if err != nil || len(lists) != 1 {
				t.Fatalf("the lists of downloads are %v, %v", lists, err)
			}
			c.damage(t, lists[0])
			out, err := run(t, build...)
			if err != nil {
				t.Fatal(err)
			}
			got := ways(out)["download"]
			if !strings.HasPrefix(got, "repaired") || !strings.Contains(got, c.why) {
				t.Errorf("the download is %q, want it repaired since %q", got, c.why)
			}
			wantPublished(t, data, []string{"one?"})
		})
	}
}

// wantPublished compares the questions that are published with those that should be.
func wantPublished(t *testing.T, data string, want []string) {
	t.Helper()
	published, err := os.ReadFile(filepath.Join(data, "mix", "current", "raw", "d", "a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, question := range want {
		if !strings.Contains(string(published), `"question":"`+question+`"`) {
			t.Errorf("%q is not published in\n%s", question, published)
		}
	}
	if n := strings.Count(string(published), "\n"); n != len(want) {
		t.Errorf("%d rows are published, want %d", n, len(want))
	}
}

// replaced puts another file of the same length and time in a file's place.
func replaced(t *testing.T, name, content string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	put(t, name+"~", content)
	if err := os.Chtimes(name+"~", info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+"~", name); err != nil {
		t.Fatal(err)
	}
}

// TestBuildSaysThatAFolderIsGone, and leaves what is published as it is.
func TestBuildSaysThatAFolderIsGone(t *testing.T) {
	folder, data := filepath.Join(t.TempDir(), "corpora"), t.TempDir()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(folder, "a.jsonl"), `{"q":"one?","a":"1"}`+"\n")
	build := []string{"build", "-f", write(t, localMix), "--data", data, "--claim", "c=" + folder}
	if _, err := run(t, build...); err != nil {
		t.Fatal(err)
	}
	current := filepath.Join(data, "mix", "current")
	before, err := os.Readlink(current)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{filepath.Join(folder, "a.jsonl"), folder} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
		_, err := run(t, build...)
		if contract.ReasonOf(err) != contract.SourceNotFound || !strings.Contains(err.Error(), "data set a, which an earlier build has read, and whose revisions stay as they are") {
			t.Errorf("%s is gone: %v", gone, err)
		}
	}
	if after, err := os.Readlink(current); err != nil || after != before {
		t.Errorf("current is %s, %v; it was %s", after, err, before)
	}
}
