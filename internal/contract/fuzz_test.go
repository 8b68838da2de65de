package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// FuzzParseMessage: whatever a container leaves is a message or an error. A message that is sent on comes back the same, in no
// more bytes than Kubernetes keeps.
func FuzzParseMessage(f *testing.F) {
	dropped := map[string]int64{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		dropped[strings.Repeat(name, 2000)] = 1
	}
	for _, m := range []Message{
		{Stage: recipe.Download, Unit: recipe.Unit{Name: "a", Key: "b"}, Result: &recipe.Result{}},
		{Stage: recipe.Divide, Result: &recipe.Result{Split: &recipe.Divided{Dropped: dropped}}}, // packed
		{Failure: &FailureNote{Reason: InvalidData, Message: strings.Repeat("é", 2000)}},
	} {
		encoded, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	bomb, err := pack(make([]byte, 2*mostUnpacked))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bomb)
	f.Add([]byte(`{"version":"datasetmix.result/v1","packed":""}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		m, err := ParseMessage(encoded)
		if err != nil {
			return
		}
		sent, err := m.Encode()
		if err != nil {
			return // It is too long, even packed.
		}
		if len(sent) > MessageLimit {
			t.Fatalf("%d bytes", len(sent))
		}
		got, err := ParseMessage(sent)
		if err != nil {
			t.Fatalf("%s does not survive a round trip: %v", encoded, err)
		}
		again, err := got.Encode()
		if diff := cmp.Diff(string(sent), string(again)); err != nil || diff != "" {
			t.Errorf("%s changes on its way: %v\n%s", encoded, err, diff)
		}
	})
}

// FuzzParseTask: any bytes are a task or an InvalidTask failure, and so is each of its units. A task that is read is written and
// read again as the same.
func FuzzParseTask(f *testing.F) {
	encoded, err := json.Marshal(smallTask(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded, 0)
	f.Add(encoded, -1)
	f.Add([]byte(`{"version":"datasetmix.task/v1","stage":"mix","units":[{"name":"a","key":"b"}],"recipe":{"splits":null},"results":{"b":{}}}`), 0)
	f.Add([]byte(`{"version":"datasetmix.task/v2"}`), 0)
	f.Fuzz(func(t *testing.T, encoded []byte, index int) {
		task, err := ParseTask(encoded)
		if err == nil {
			_, unitError := task.Unit(index)
			if unitError != nil && ReasonOf(unitError) != InvalidTask {
				t.Fatalf("unit %d: %s: %v", index, ReasonOf(unitError), unitError)
			}
			roundTrip(t, task)
			return
		}
		if ReasonOf(err) != InvalidTask {
			t.Fatalf("%s: %v", ReasonOf(err), err)
		}
	})
}

func roundTrip(t *testing.T, task Task) {
	t.Helper()
	first, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseTask(first)
	if err != nil {
		t.Fatalf("%s cannot be read again: %v", first, err)
	}
	second, err := json.Marshal(got)
	if diff := cmp.Diff(string(first), string(second)); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
}

// FuzzParseManifest: what is accepted is what Encode writes, to the byte; and whatever a manifest holds, Encode writes what is
// accepted. The fuzzer cannot guess a digest, so the second half fills it in.
func FuzzParseManifest(f *testing.F) {
	rows := int64(3)
	for _, m := range []Manifest{
		{Version: ManifestVersion, Name: "n"},
		{Version: ManifestVersion, Name: "small", Revision: "0123456789", Recipe: small(), Files: []PublishedFile{{Path: "a", Bytes: 1, Rows: &rows, SHA256: "ab"}},
			Sources: []Origin{{Dataset: "gsm8k", License: "mit", Files: []Original{{"x", 1, "ab"}}}},
			Stages:  []Finished{{Stage: recipe.Download, Unit: recipe.Unit{Name: "a", Key: "b"}}}},
	} {
		encoded, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if m, err := ParseManifest(encoded); err == nil {
			if again, err := m.Encode(); err != nil || string(again) != string(encoded) {
				t.Errorf("an accepted manifest is not canonical: %q", encoded)
			}
		} else if ReasonOf(err) != VolumeInvalid {
			t.Errorf("%s: %v", ReasonOf(err), err)
		}
		var m Manifest
		if json.Unmarshal(encoded, &m) != nil {
			return
		}
		m.Version = ManifestVersion
		own, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseManifest(own)
		if valid := m.Recipe.Validate(); (err == nil) != (valid == nil) {
			t.Fatalf("%s: %v, and its recipe: %v", own, err, valid)
		}
		if len(got.Results()) > len(got.Stages) {
			t.Error("there are results of no stage")
		}
	})
}

// FuzzParseLock: any bytes are a lock or an InvalidTask failure. What a lock that is read says can name files and parts of addresses,
// and it is written and read again as it is.
func FuzzParseLock(f *testing.F) {
	encoded, err := LockOf(locked()).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	for _, digest := range []string{"../../victim", "/dev/zero", strings.Repeat("A", 64), ""} {
		f.Add([]byte(strings.Replace(string(encoded), hexOf("probe"), digest, 1)))
	}
	f.Add([]byte(strings.Replace(string(encoded), commit, "../..", 1)))
	f.Add([]byte(`{"version":"datasetmix.lock/v1","sources":[{"name":"a","request":{},"files":[{"path":"","size":-1,"sha256":""}]}]}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		lock, err := ParseLock(encoded)
		if err != nil {
			if ReasonOf(err) != InvalidTask {
				t.Errorf("reason %s: %v", ReasonOf(err), err)
			}
			return
		}
		for _, source := range lock.Sources {
			if !recipe.IsName(source.Name) || !isRevision(source.Revision) {
				t.Errorf("a source %q at %q", source.Name, source.Revision)
			}
			for _, file := range source.Files {
				if !IsSHA256(file.SHA256) || file.Size < 0 || file.Path == "" {
					t.Errorf("a file %+v", file)
				}
			}
		}
		written, err := lock.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseLock(written)
		if diff := cmp.Diff(lock, again); err != nil || diff != "" {
			t.Errorf("read again: %v\n%s", err, diff)
		}
	})
}
