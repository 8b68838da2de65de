package stage

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// elsewhere returns a recipe of another mix on the same volume.
func elsewhere(r recipe.Recipe) recipe.Recipe {
	r.Name, r.Output.Path, r.Seed = "other", "other", r.Seed+1
	return r
}

// TestASecondMixDownloadsNothing, neither of files that the Hub knows by their SHA-256 nor of those that git knows.
func TestASecondMixDownloadsNothing(t *testing.T) {
	w := newHubWorld(t)
	w.build(onHub("main"))
	if got := w.hub.Downloads(); got != 3 {
		t.Fatalf("the first mix made %d downloads, want one of each file", got)
	}
	w.hub.ResetCounts()
	w.build(elsewhere(onHub("main")))
	if w.hub.Downloads() != 0 || w.hub.Bytes() != 0 {
		t.Errorf("the second mix made %d downloads of %d bytes", w.hub.Downloads(), w.hub.Bytes())
	}
	if files, _ := w.cached(); files != 3 {
		t.Errorf("%d originals in the cache, want 3", files)
	}
}

// bounded returns a recipe whose originals go once it is published, but for so many bytes.
func bounded(r recipe.Recipe, bytes int64) recipe.Recipe {
	r.Output.CacheSize = bytes
	return r
}

// TestTheCacheOfAPublishedMixIsBounded: what is built is the same, originals go, and one that is needed again is fetched again,
// at the commit at which it was found.
func TestTheCacheOfAPublishedMixIsBounded(t *testing.T) {
	free := newHubWorld(t)
	want := free.build(onHub("main")).Published
	for what, build := range map[string]func(*world, recipe.Recipe) pipeline.Graph{
		"in this process": (*world).build,
		"by Jobs": func(w *world, r recipe.Recipe) pipeline.Graph {
			_, graph := w.jobs(r, map[string]pipeline.Result{}, "")
			return graph
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newHubWorld(t)
			limit := int64(len(recipes.Facts(300)))
			if got := build(w.world, bounded(onHub("main"), limit)).Published; *got != *want {
				t.Errorf("published %+v, want %+v", got, want)
			}
			if _, bytes := w.cached(); bytes > limit {
				t.Errorf("%d bytes are left in the cache, at most %d may be", bytes, limit)
			}
			w.commit(2, 90) // nobody asks for it
			w.hub.ResetCounts()
			r := bounded(onHub("main"), 1)
			r.Domains[0].Datasets[0].Record.Where = `row.answer != "#### 7"`
			build(w.world, r)
			if sum, _ := w.lock().Source("sums"); sum.Rows != 120 || sum.Revision != commitOf(1) {
				t.Errorf("built from %+v, want the commit of the download", sum)
			}
			if w.hub.Downloads() > 1 {
				t.Errorf("%d downloads, want at most the one that is split anew", w.hub.Downloads())
			}
			if files, bytes := w.cached(); files != 0 {
				t.Errorf("%d originals of %d bytes are left, and none may be", files, bytes)
			}
		})
	}
}

// TestAnOriginalThatIsNowhere: it went from the cache, and the source has it no more, in every way in which sources lose files. The
// split says what to do.
func TestAnOriginalThatIsNowhere(t *testing.T) {
	file := func(name string, rows int) map[string]hub.File {
		return map[string]hub.File{name: {Content: []byte(recipes.Sums("What is the sum of", rows)), LFS: true}}
	}
	for what, c := range map[string]struct {
		now    hub.Repo
		reason contract.Reason
		says   string
	}{
		"other bytes":      {hub.Repo{ID: "acme/rows", SHA: commitOf(1), Files: file("sums.jsonl", 90)}, contract.SourceDrifted, "the source no longer has it"},
		"another file":     {hub.Repo{ID: "acme/rows", SHA: commitOf(1), Files: file("totals.jsonl", 120)}, contract.SourceDrifted, "the source no longer has it"},
		"nothing in it":    {hub.Repo{ID: "acme/rows", SHA: commitOf(1), Files: map[string]hub.File{"sums.jsonl": {}}}, contract.SourceDrifted, "the source no longer has it"},
		"another revision": {hub.Repo{ID: "acme/rows", SHA: commitOf(2), Files: file("sums.jsonl", 120)}, contract.SourceDrifted, "the source no longer has it"},
		"another name":     {hub.Repo{ID: "acme/lines", SHA: commitOf(1), Files: file("sums.jsonl", 120)}, contract.SourceDrifted, "the source no longer has it"},
		"a gate":           {hub.Repo{ID: "acme/rows", SHA: commitOf(1), Files: file("sums.jsonl", 120), Gated: "auto"}, contract.SourceGated, "has to be fetched again"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newHubWorld(t)
			w.jobs(bounded(onHub("main"), 1), map[string]pipeline.Result{}, "")
			w.asks(hub.New(hub.Options{}, c.now)) // history was rewritten
			r := bounded(onHub("main"), 1)
			r.Domains[0].Datasets[0].Record.Where = `row.answer != "#### 7"`
			w.fails(r, c.reason, "data set sums", "sums.jsonl is no longer whole in the cache", c.says)
		})
	}
}

// TestARefreshOfReleasedOriginals that finds the same downloads nothing, and needs nothing in the cache.
func TestARefreshOfReleasedOriginals(t *testing.T) {
	w := newHubWorld(t)
	results := map[string]pipeline.Result{}
	w.jobs(bounded(onHub("main"), 1), results, "")
	w.hub.ResetCounts()
	ran, _ := w.jobs(bounded(onHub("main"), 1).Refreshed("r1"), results, "")
	if len(ran) != 3 || w.hub.Downloads() != 0 {
		t.Errorf("ran %v with %d downloads", ran, w.hub.Downloads())
	}
	if files, _ := w.cached(); files != 0 {
		t.Errorf("%d originals in the cache", files)
	}
}

// TestABoundSparesWhatAnotherMixKeeps: one without a bound has its originals for as long as its revisions.
func TestABoundSparesWhatAnotherMixKeeps(t *testing.T) {
	w := newHubWorld(t)
	r := onHub("main")
	r.Domains = slices.Clone(r.Domains[1:]) // facts alone
	w.build(r)
	w.build(elsewhere(bounded(onHub("main"), 1)))
	if files, bytes := w.cached(); files != 1 || bytes != int64(len(recipes.Facts(300))) {
		t.Errorf("%d originals of %d bytes are left, want the one that the first mix keeps", files, bytes)
	}
}

// TestTheBoundHoldsWhileAMixIsDownloaded: what nobody needs makes room for what comes, and what comes is not taken for it.
func TestTheBoundHoldsWhileAMixIsDownloaded(t *testing.T) {
	w := newHubWorld(t)
	w.build(bounded(onHub(commitOf(1)), 1<<30))
	w.commit(2, 4000)
	limit := int64(len(recipes.Sums("What is the sum of", 4000)))
	r := bounded(onHub(commitOf(2)), limit)
	step := pipeline.Step{Stage: pipeline.StageDownload, Nodes: pipeline.Downloads(r)}
	for _, unit := range step.Nodes {
		if unit.Name != "sums" {
			continue
		}
		if _, err := w.worker.Run(context.Background(), Job{Recipe: r, Stage: pipeline.StageDownload, Unit: unit}); err != nil {
			t.Fatal(err)
		}
	}
	if files, bytes := w.cached(); files != 1 || bytes != limit {
		t.Errorf("%d originals of %d bytes in the cache, want the new one of %d alone", files, bytes, limit)
	}
	for _, unit := range step.Nodes { // the others need room, too, and what is linked stays
		if _, err := w.worker.Run(context.Background(), Job{Recipe: r, Stage: pipeline.StageDownload, Unit: unit}); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := w.cached(); files != 3 {
		t.Errorf("%d originals in the cache while their mix is built, want 3", files)
	}
}

// TestARevisionThatIsKeptKeepsItsDownloads, those for an earlier request as well.
func TestARevisionThatIsKeptKeepsItsDownloads(t *testing.T) {
	w := newHubWorld(t)
	results := map[string]pipeline.Result{}
	r := onHub("main").Refreshed("r1")
	w.jobs(r, results, "")
	age(t, filepath.Join(w.worker.Volume, "mix", ".stages"))
	r.Seed = 43
	w.jobs(r, results, "")
	age(t, filepath.Join(w.worker.Volume, "mix", ".stages"))
	other := onHub(commitOf(1))
	other.Seed = 44
	w.jobs(other, results, "")
	keys := map[string]bool{}
	for _, unit := range slices.Concat(pipeline.Downloads(r), pipeline.Downloads(other)) {
		keys[unit.Key] = true
	}
	for key := range keys {
		if _, err := os.Stat(filepath.Join(w.worker.Volume, "mix", ".stages", "download", key, revision.ResultFile)); err != nil {
			t.Errorf("a download of a revision that is kept is gone: %v", err)
		}
	}
}
