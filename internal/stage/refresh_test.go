package stage

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// TestARefreshThatFindsTheSame asks for the listing, downloads no byte, and runs nothing but the download.
func TestARefreshThatFindsTheSame(t *testing.T) {
	w := newHubWorld(t)
	results := map[string]pipeline.Result{}
	_, first := w.jobs(onHub("main"), results, "")
	for _, request := range []string{"r1", "r2"} {
		w.hub.ResetCounts()
		ran, graph := w.jobs(onHub("main").Refreshed(request), results, "")
		if diff := cmp.Diff([]string{"download facts", "download products", "download sums"}, ran); diff != "" {
			t.Errorf("%s ran (-want +got):\n%s", request, diff)
		}
		if w.hub.Downloads() != 0 || w.hub.Count(hub.KindInfo) != 3 {
			t.Errorf("%s asked %v", request, w.hub.Counts())
		}
		if *graph.Published != *first.Published {
			t.Errorf("%s published %+v, want %+v", request, graph.Published, first.Published)
		}
		if got := len(w.unitsOf(pipeline.StageDownload)); got != 3 {
			t.Errorf("%d folders of downloads after %s: those of earlier requests are superseded", got, request)
		}
	}
	if err := forgery.Check(filepath.Join(w.worker.Volume, "mix", "revisions", first.Published.Revision)); err != nil {
		t.Error(err)
	}
	// What was resolved last is what another edit is built from.
	r := onHub("main").Refreshed("r2")
	r.Seed = 43
	ran, _ := w.jobs(r, maps.Clone(results), "")
	if ran[0] != "split facts" || w.hub.Downloads() != 0 {
		t.Errorf("after another seed: %v, %v", ran, w.hub.Counts())
	}
}

// TestARefreshOfAMovedBranch builds what moved, and fetches only that.
func TestARefreshOfAMovedBranch(t *testing.T) {
	w := newHubWorld(t)
	results := map[string]pipeline.Result{}
	_, first := w.jobs(onHub("main"), results, "")
	w.commit(2, 90)
	if ran, _ := w.jobs(onHub("main"), maps.Clone(results), ""); ran != nil {
		t.Errorf("nobody asked, and it ran %v", ran)
	}
	w.hub.ResetCounts()
	ran, second := w.jobs(onHub("main").Refreshed("r1"), results, "")
	want := []string{"download facts", "download products", "download sums", "split sums", "balance mix", "mix train", "mix test", "publish mix"}
	if diff := cmp.Diff(want, ran); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	if got := w.hub.Bytes(); got != int64(len(recipes.Sums("What is the sum of", 90))) {
		t.Errorf("%d bytes were downloaded, want those of the file that changed", got)
	}
	if second.Published.Revision == first.Published.Revision || w.current() != second.Published.Revision {
		t.Errorf("published %s after %s, current is %s", second.Published.Revision, first.Published.Revision, w.current())
	}
	if sum, _ := w.lock().Source("sums"); sum.Revision != commitOf(2) || sum.Rows != 90 {
		t.Errorf("the lock says %+v", sum)
	}
	if err := forgery.Check(filepath.Join(w.worker.Volume, "mix", "revisions", second.Published.Revision)); err != nil {
		t.Error(err)
	}
}

// TestPinnedSourcesAreNotAskedAgain, whatever is asked for.
func TestPinnedSourcesAreNotAskedAgain(t *testing.T) {
	w := newHubWorld(t)
	results := map[string]pipeline.Result{}
	w.jobs(onHub(commitOf(1)), results, "")
	if ran, _ := w.jobs(onHub(commitOf(1)).Refreshed("r1"), results, ""); ran != nil {
		t.Errorf("ran %v", ran)
	}
}

// TestAFolderThatChanged is read again when that is asked for; before, a split says what to do.
func TestAFolderThatChanged(t *testing.T) {
	w := filled(t)
	results := map[string]pipeline.Result{}
	_, first := w.jobs(recipes.Two(), results, "")
	w.put("sums.jsonl", recipes.Sums("What is the sum of", 90))
	if ran, _ := w.jobs(recipes.Two(), maps.Clone(results), ""); ran != nil {
		t.Errorf("nobody asked, and it ran %v", ran)
	}
	r := recipes.Two()
	r.Seed = 43
	w.fails(r, contract.ChecksumMismatch, "sums.jsonl", "data.datasetmix.io/requestedAt", "--refresh")
	ran, second := w.jobs(recipes.Two().Refreshed("r1"), results, "")
	if ran[3] != "split sums" || second.Published.Revision == first.Published.Revision {
		t.Errorf("ran %v, published %s after %s", ran, second.Published.Revision, first.Published.Revision)
	}
	w.worker.Anew = true // the local build's way of asking
	w.put("sums.jsonl", recipes.Sums("What is the sum of", 60))
	if third := w.build(recipes.Two()).Published.Revision; third == second.Published.Revision || third == first.Published.Revision {
		t.Errorf("a build that looks again published %s", third)
	}
}

// everything is what a whole build of two runs.
var everything = []string{
	"download facts", "download products", "download sums", "split facts", "split products", "split sums",
	"balance mix", "mix train", "mix test", "publish mix",
}

// same reports whether a path still is the file, or folder, that it was.
func same(t *testing.T, path string, before os.FileInfo) bool {
	t.Helper()
	return os.SameFile(before, stat(t, path))
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// overwrite changes a file in place, and so under all its names.
func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestAgain: a request to build again builds every stage; a revision that is what it was stays, and one that was damaged is
// replaced by what it was.
func TestAgain(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		w := newHubWorld(t)
		r := onHub(commitOf(1))
		_, first := w.jobs(r, map[string]pipeline.Result{}, "")
		file := filepath.Join(w.worker.Volume, "mix", "revisions", first.Published.Revision, "mixed", "train_mixed.jsonl")
		content := w.read("mix/current/mixed/train_mixed.jsonl")
		if damaged {
			overwrite(t, file, []byte(strings.Replace(content, "sum", "SUM", 1)))
		}
		before := stat(t, file)
		w.hub.ResetCounts()
		ran, graph := w.jobs(r, map[string]pipeline.Result{}, "f1")
		if diff := cmp.Diff(everything, ran); diff != "" {
			t.Errorf("ran (-want +got):\n%s", diff)
		}
		if *graph.Published != *first.Published || w.hub.Downloads() != 0 {
			t.Errorf("published %+v with %d downloads, want %+v with none: the originals are whole", graph.Published, w.hub.Downloads(), first.Published)
		}
		if same(t, file, before) == damaged {
			t.Errorf("damaged %t: the published file is the same one: %t", damaged, !damaged)
		}
		if w.read("mix/current/mixed/train_mixed.jsonl") != content {
			t.Error("the published file has other bytes than before")
		}
		if err := forgery.Check(filepath.Dir(filepath.Dir(file))); err != nil {
			t.Error(err)
		}
	}
}

// TestAgainOnce: a worker that is lost after its unit was finished finds it finished for this request, and one that is told of
// the next request does not.
func TestAgainOnce(t *testing.T) {
	w := newHubWorld(t)
	r := onHub(commitOf(1))
	w.jobs(r, map[string]pipeline.Result{}, "f1")
	for _, unit := range []string{w.unitsOf(pipeline.StageDownload)[0], w.unitsOf(pipeline.StageMix)[0], w.unitsOf(pipeline.StagePublish)[0]} {
		before := stat(t, unit)
		w.jobs(r, map[string]pipeline.Result{}, "f1")
		if !same(t, unit, before) {
			t.Errorf("%s was built twice for one request", unit)
		}
		w.jobs(r, map[string]pipeline.Result{}, "f2 "+unit)
		if same(t, unit, before) {
			t.Errorf("%s was not built for another request", unit)
		}
		w.jobs(r, map[string]pipeline.Result{}, "f1")
	}
}

// TestADamagedOriginalIsFetchedAgain where everything is built again.
func TestADamagedOriginalIsFetchedAgain(t *testing.T) {
	w := newHubWorld(t)
	r := onHub(commitOf(1))
	_, first := w.jobs(r, map[string]pipeline.Result{}, "")
	sum, _ := w.lock().Source("sums")
	blob := filepath.Join(w.worker.Volume, revision.CacheFolder, "sha256", sum.Files[0].SHA256)
	overwrite(t, blob, make([]byte, sum.Bytes))
	w.hub.ResetCounts()
	if _, graph := w.jobs(r, map[string]pipeline.Result{}, "f1"); *graph.Published != *first.Published || w.hub.Downloads() != 1 {
		t.Errorf("published %+v with %d downloads", graph.Published, w.hub.Downloads())
	}
}
