package await

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

func TestParseReference(t *testing.T) {
	for address, want := range map[string]Reference{
		"datasetmix://six":                   {Folder: "six"},
		"datasetmix://team/six@0123456789":   {Folder: "team/six", Revision: "0123456789"},
		"datasetmix://six@abcdefabcd":        {Folder: "six", Revision: "abcdefabcd"},
		"datasetmix://six@abcdefabc":         {},
		"datasetmix://six@":                  {},
		"datasetmix://six@abcdefabcd/../../": {},
		"datasetmix://../six":                {},
		"datasetmix:///six":                  {},
		"datasetmix://.":                     {},
		"datasetmix://":                      {},
		"hf://six":                           {},
		"":                                   {},
	} {
		got, err := ParseReference(address)
		if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (want == Reference{}) {
			t.Errorf("%q (-want +got), %v:\n%s", address, err, diff)
		}
		if err == nil && got.String() != address {
			t.Errorf("%q is written as %q", address, got)
		}
		if err != nil && contract.ReasonOf(err) != contract.InvalidTask {
			t.Errorf("%q has the reason %s", address, contract.ReasonOf(err))
		}
	}
}

const found = "0123456789"

// publish writes a revision as publishing does: under another name first, then renamed, then the link.
func publish(t *testing.T, mix string) revision.Manifest {
	t.Helper()
	manifest := revision.Manifest{
		Version: revision.ManifestVersion, Name: "six", Revision: found,
		Recipe: recipe.Recipe{
			Name: "six", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "six", Format: recipe.JSONL, KeepRevisions: 1},
			Splits: []recipe.Split{{Name: "train", Share: 1, Size: recipe.Size{Policy: recipe.KeepTotal}}},
			Domains: []recipe.Domain{{Name: "math", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{
				Name: "sums", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "sums.jsonl"}}, Record: recipe.Record{Preset: "gsm8k"},
			}}}},
		},
	}
	staged := filepath.Join(mix, ".staging")
	for path, content := range map[string]string{"mixed/train_mixed.jsonl": "{}\n{}\n", "mixed/info.json": "{}", "README.md": ""} {
		write(t, filepath.Join(staged, path), content)
		sum := sha256.Sum256([]byte(content))
		manifest.Files = append(manifest.Files, revision.PublishedFile{Path: path, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
	}
	encoded, err := manifest.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(staged, revision.ManifestFile), string(encoded))
	if err := os.MkdirAll(filepath.Join(mix, "revisions"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(staged, filepath.Join(mix, "revisions", found)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("revisions", found), filepath.Join(mix, "current")); err != nil {
		t.Fatal(err)
	}
	manifest, err = revision.ParseManifest(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// waitOn waits for an address on a volume; what it says goes to told.
func waitOn(t *testing.T, folder, address string, told func(string)) Wait {
	t.Helper()
	volume, err := store.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { volume.Close() })
	of, err := ParseReference(address)
	if err != nil {
		t.Fatal(err)
	}
	return Wait{Volume: volume, Of: of, Every: time.Millisecond, Say: time.Hour, Waiting: told}
}

// TestWaitsUntilPublished: each step of a build is told once, and the revision is found by either name.
func TestWaitsUntilPublished(t *testing.T) {
	for _, address := range []string{"datasetmix://six", "datasetmix://six@" + found} {
		t.Run(address, func(t *testing.T) {
			folder := t.TempDir()
			mix := filepath.Join(folder, "six")
			write(t, filepath.Join(folder, "other", "file"), "")
			var told []string
			var want revision.Manifest
			w := waitOn(t, folder, address, func(found string) {
				switch told = append(told, found); len(told) {
				case 1:
					write(t, filepath.Join(mix, ".stages", "file"), "")
				case 2:
					write(t, filepath.Join(mix, "revisions", ".staging", "file"), "")
				case 3:
					want = publish(t, mix)
				}
			})
			got, err := w.Published(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the manifest (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{
				"the volume has no such folder; it has other",
				"the mix is being built, and none of its revisions is published yet",
				"no revision is published yet",
			}, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			for _, digests := range []bool{true, false} {
				if err := w.Verify(t.Context(), got, digests); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestARevisionThatDoesNotCome(t *testing.T) {
	folder := t.TempDir()
	publish(t, filepath.Join(folder, "six"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := waitOn(t, folder, "datasetmix://six@ffffffffff", func(string) {}).Published(ctx)
	if err == nil || contract.ReasonOf(err) != contract.SourceNotFound || !strings.Contains(err.Error(), "there are the revisions "+found) {
		t.Errorf("%s: %v", contract.ReasonOf(err), err)
	}
}

func TestDamageIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, at string)
		sizes  bool   // found by the lengths already
		says   string // what Verify says; empty where there is no manifest to verify by
	}{
		"a byte": {func(t *testing.T, at string) { write(t, filepath.Join(at, "mixed/train_mixed.jsonl"), "{}\n[]\n") }, false,
			"mixed/train_mixed.jsonl was changed"},
		"a row less": {func(t *testing.T, at string) { write(t, filepath.Join(at, "mixed/train_mixed.jsonl"), "{}\n") }, true,
			"has 3 bytes, the manifest says 6"},
		"a file less": {func(t *testing.T, at string) {
			if err := os.Remove(filepath.Join(at, "mixed/info.json")); err != nil {
				t.Fatal(err)
			}
		}, true, "mixed/info.json, which the manifest lists, cannot be read"},
		"a link that leads out": {func(t *testing.T, at string) {
			file := filepath.Join(at, "README.md")
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/dev/null", file); err != nil {
				t.Fatal(err)
			}
		}, true, "README.md"},
		"the manifest": {func(t *testing.T, at string) {
			content, err := os.ReadFile(filepath.Join(at, revision.ManifestFile))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(at, revision.ManifestFile), strings.Replace(string(content), `"seed": 1`, `"seed": 2`, 1))
		}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			mix := filepath.Join(folder, "six")
			publish(t, mix)
			c.damage(t, filepath.Join(mix, "revisions", found))
			w := waitOn(t, folder, "datasetmix://six", func(string) {})
			manifest, err := w.Published(t.Context())
			if c.says == "" {
				if contract.ReasonOf(err) != contract.VolumeInvalid {
					t.Errorf("a manifest that was changed: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			err = w.Verify(t.Context(), manifest, true)
			if err == nil || contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want one that says %q", err, c.says)
			}
			if err := w.Verify(t.Context(), manifest, false); (err != nil) != c.sizes {
				t.Errorf("by sizes: %v", err)
			}
		})
	}
}
