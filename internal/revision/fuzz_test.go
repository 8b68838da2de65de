package revision

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// FuzzParseManifest: what is accepted is what Encode writes, to the byte; and whatever a manifest holds, Encode writes what is
// accepted. The fuzzer cannot guess a digest, so the second half fills it in.
func FuzzParseManifest(f *testing.F) {
	rows := int64(3)
	for _, m := range []Manifest{
		{Version: ManifestVersion, Name: "n"},
		{Version: ManifestVersion, Name: "small", Revision: "0123456789", Recipe: recipes.Small(), Files: []PublishedFile{{Path: "a", Bytes: 1, Rows: &rows, SHA256: "ab"}},
			Sources: []Origin{{Dataset: "gsm8k", License: "mit", Files: []pipeline.OriginalFile{{Path: "x", Size: 1, SHA256: "ab"}}}},
			Stages:  []Finished{{Stage: pipeline.StageDownload, Node: pipeline.Node{Name: "a", Key: "b"}}}},
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
		} else if contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%s: %v", contract.ReasonOf(err), err)
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
		if len(got.ByKey()) > len(got.Stages) {
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
			if contract.ReasonOf(err) != contract.InvalidTask {
				t.Errorf("reason %s: %v", contract.ReasonOf(err), err)
			}
			return
		}
		for _, source := range lock.Sources {
			if !recipe.IsName(source.Name) || !isRevision(source.Revision) {
				t.Errorf("a source %q at %q", source.Name, source.Revision)
			}
			for _, file := range source.Files {
				if !contract.IsSHA256(file.SHA256) || file.Size < 0 || file.Path == "" {
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
