package stage

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// blob returns where the original of the sums lies in the cache.
func (w hubWorld) blob() string {
	locked, _ := w.lock().Source("sums")
	return filepath.Join(w.worker.Volume, revision.CacheFolder, "sha256", locked.Files[0].SHA256)
}

func (w *world) download(r recipe.Recipe, dataset string) string {
	i := slices.IndexFunc(pipeline.Downloads(r), func(unit pipeline.Node) bool { return unit.Name == dataset })
	return filepath.Join(w.worker.Volume, "mix", ".stages", "download", pipeline.Downloads(r)[i].Key)
}

// rewrite changes a file as the storage, or another writer, may: its times stay.
func rewrite(t *testing.T, path string, edit func([]byte) []byte) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(path, 0o644), os.WriteFile(path, edit(content), 0o644), os.Chtimes(path, info.ModTime(), info.ModTime())} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// flip changes one byte of a row, and leaves a row that can be read.
func flip(content []byte) []byte {
	return bytes.Replace(content, []byte("sum of 7?"), []byte("sum of 9?"), 1)
}

// newRecord returns a recipe that reads the same originals anew.
func newRecord(r recipe.Recipe) recipe.Recipe {
	r.Domains = slices.Clone(r.Domains)
	r.Domains[0].Datasets = slices.Clone(r.Domains[0].Datasets)
	r.Domains[0].Datasets[0].Record.Where = `row.answer != "#### 7"`
	return r
}

var damages = map[string]func(content []byte) []byte{
	"another byte": flip,
	"shorter":      func(content []byte) []byte { return content[:len(content)-30] },
	"longer":       func(content []byte) []byte { return append(content, content[:60]...) },
	"no rows":      func(content []byte) []byte { return bytes.Repeat([]byte{0}, len(content)) },
	"empty":        func([]byte) []byte { return nil },
}

// TestADamagedOriginalGivesNoRow: an original is compared with its digest whenever its rows are read. One that was changed since it was
// downloaded is fetched again, once, and the mix is what it would have been.
func TestADamagedOriginalGivesNoRow(t *testing.T) {
	whole := newHubWorld(t)
	want := whole.build(newRecord(onHub("main"))).Published
	for what, damage := range damages {
		for how, build := range map[string]func(w hubWorld, r recipe.Recipe) pipeline.Graph{
			"in one process": func(w hubWorld, r recipe.Recipe) pipeline.Graph { return w.build(r) },
			"by Jobs": func(w hubWorld, r recipe.Recipe) pipeline.Graph {
				_, graph := w.jobs(r, map[string]pipeline.Result{}, "")
				return graph
			},
		} {
			t.Run(what+", "+how, func(t *testing.T) {
				t.Parallel()
				w := newHubWorld(t)
				build(w, onHub("main"))
				rewrite(t, w.blob(), damage)
				w.hub.ResetCounts()
				if got := build(w, newRecord(onHub("main"))).Published; *got != *want {
					t.Errorf("published %+v, want %+v", got, want)
				}
				if w.hub.Downloads() != 1 {
					t.Errorf("%d downloads, want the one of the original that was damaged", w.hub.Downloads())
				}
				if got := w.digest(".cache/sha256/" + filepath.Base(w.blob())); got != filepath.Base(w.blob()) {
					t.Errorf("the cache keeps an original with the digest %s under the name %s", got, filepath.Base(w.blob()))
				}
				if info, err := os.Stat(filepath.Join(w.download(onHub("main"), "sums"), "files", "00000")); err != nil || info.Size() != int64(len(recipes.Sums("What is the sum of", 120))) {
					t.Errorf("the download has lost its original: %v", err)
				}
			})
		}
	}
}

// TestADamagedOriginalThatIsGone: where its bytes can be had no more, the build ends, and what was published stays.
func TestADamagedOriginalThatIsGone(t *testing.T) {
	w := newHubWorld(t)
	revision := w.build(onHub("main")).Published.Revision
	rewrite(t, w.blob(), flip)
	w.asks(hub.New(hub.Options{}, hub.Repo{ID: "acme/rows", SHA: commitOf(2), Files: map[string]hub.File{"sums.jsonl": {Content: []byte("{}\n")}}}))
	w.fails(newRecord(onHub("main")), contract.SourceDrifted, "data set sums", "sums.jsonl is no longer whole in the cache", "the source no longer has it")
	if w.current() != revision {
		t.Errorf("the link shows %s, want %s", w.current(), revision)
	}
}

// TestADamagedOriginalThatASplitMayNotFetch: on a cluster the split of an unbounded cache has no credentials, and the message says what has.
func TestADamagedOriginalThatASplitMayNotFetch(t *testing.T) {
	w := newHubWorld(t)
	w.build(onHub("main"))
	rewrite(t, w.blob(), flip)
	w.asks(hub.New(hub.Options{}, hub.Repo{ID: "acme/rows", SHA: commitOf(1), Gated: "auto", Files: map[string]hub.File{
		"sums.jsonl": {Content: []byte(recipes.Sums("What is the sum of", 120)), LFS: true},
	}}))
	w.fails(newRecord(onHub("main")), contract.SourceGated, "data set sums", "has to be fetched again", "data.datasetmix.io/forceAt")
}

// TestADamagedOriginalOfAProbe takes no row out that should stay.
func TestADamagedOriginalOfAProbe(t *testing.T) {
	r := onHub("main")
	r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{{Name: "probe", Source: recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/probe"}}, Preset: "gsm8k"}}}
	probe := hub.Repo{ID: "acme/probe", SHA: commitOf(3), Files: map[string]hub.File{"probe.jsonl": {Content: []byte(recipes.Sums("What is the sum of", 9))}}}
	whole := newHubWorld(t)
	whole.hub.Put(probe)
	want := whole.build(newRecord(r)).Published
	w := newHubWorld(t)
	w.hub.Put(probe)
	w.build(r)
	rewrite(t, filepath.Join(w.download(r, "probe"), "files", "00000"), flip)
	if got := w.build(newRecord(r)).Published; *got != *want {
		t.Errorf("published %+v, want %+v", got, want)
	}
}

// TestAFileOfAClaimThatIsAnother with the same size and times is found, and there is no other to fetch.
func TestAFileOfAClaimThatIsAnother(t *testing.T) {
	w := filled(t)
	w.build(recipes.Two())
	rewrite(t, filepath.Join(w.claims, "sums.jsonl"), flip)
	w.fails(newRecord(recipes.Two()), contract.ChecksumMismatch, "data set sums", "sums.jsonl has the SHA-256 ", "when it was read first", "build --refresh")
}

// TestTheListOfOriginalsIsThatOfTheDownload: the rows, the manifest and the lock are of what the download found, and of nothing
// else that its list says later.
func TestTheListOfOriginalsIsThatOfTheDownload(t *testing.T) {
	other := forgery.Digest([]byte("other"))
	for what, edit := range map[string]func(o *original){
		"another digest":  func(o *original) { o.SHA256 = other },
		"another size":    func(o *original) { o.Size++ },
		"a digest's path": func(o *original) { o.SHA256 = "../../../victim/thesis.tex" },
		"a negative size": func(o *original) { o.Size = -1 },
		"no path":         func(o *original) { o.Path = "" },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t)
			w.build(onHub("main"))
			list := func() string { return filepath.Join(w.download(onHub("main"), "sums"), originalsName) }
			edited := func(content []byte) []byte {
				var list []original
				if err := json.Unmarshal(content, &list); err != nil {
					t.Fatal(err)
				}
				edit(&list[0])
				encoded, err := json.Marshal(list)
				if err != nil {
					t.Fatal(err)
				}
				return encoded
			}
			resized := onHub("main")
			resized.Splits = slices.Clone(resized.Splits)
			resized.Splits[1].Size = recipe.Size{Policy: recipe.KeepTotal} // no split runs again
			for what, r := range map[string]recipe.Recipe{"a split": newRecord(onHub("main")), "a publication": resized} {
				rewrite(t, list(), edited)
				if diff := cmp.Diff(newHubWorld(t).build(r).Published, w.build(r).Published); diff != "" {
					t.Errorf("%s by a damaged list (-want +got):\n%s", what, diff)
				}
			}
		})
	}
}

// FuzzOriginals: whatever a list of originals holds, it is that of the download, or VolumeInvalid.
func FuzzOriginals(f *testing.F) {
	good := []pipeline.OriginalFile{{Path: "a", Size: 1, SHA256: forgery.Digest([]byte("a"))}}
	for _, list := range [][]pipeline.OriginalFile{good, nil, {{Path: "a", Size: -1, SHA256: "../.."}}, append(good, good...)} {
		encoded, err := json.Marshal(list)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Add([]byte(`[{"path":"a","size":1e9,"sha256":"","validator":"x"}]`))
	f.Add([]byte(`{"path":`))
	volume, err := store.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { volume.Close() })
	done := &pipeline.DownloadResult{Digest: revision.OriginalsDigest(good)}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		folder := volume.Path(strconv.Itoa(os.Getpid()))
		if err := os.MkdirAll(folder.String(), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(folder.Join(originalsName).String(), encoded, 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := readOriginals(folder, done)
		if err != nil {
			if contract.ReasonOf(err) != contract.VolumeInvalid {
				t.Errorf("%s: %v", contract.ReasonOf(err), err)
			}
			return
		}
		var got []pipeline.OriginalFile
		for _, o := range list {
			o.Path = good[0].Path // which is in no digest
			got = append(got, o.OriginalFile)
		}
		if diff := cmp.Diff(good, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", encoded, diff)
		}
	})
}
