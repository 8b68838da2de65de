package stage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// balanceFolder returns where the finished balance unit of a recipe lies.
func (w *world) balanceFolder(graph pipeline.Graph) string {
	step, _ := graph.Step(pipeline.StageBalance)
	return filepath.Join(w.worker.Volume, "mix", ".stages", string(pipeline.StageBalance), step.Nodes[0].Key)
}

// sameFile reports whether a name is of a file, and another one of the same.
func sameFile(t *testing.T, is, maybe string) bool {
	t.Helper()
	info, err := os.Stat(is)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(maybe)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return err == nil && os.SameFile(info, other)
}

// TestRowsAreComparedOnce: shares, sizes and limits may change, and what balance has dropped is taken over; the revision is that of
// a build that begins with nothing. What is dropped by another rule is looked for anew.
func TestRowsAreComparedOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(r *recipe.Recipe)
		once bool
	}{
		{"a share", func(r *recipe.Recipe) { r.Domains[0].Share = 4 }, true},
		{"a size", func(r *recipe.Recipe) { r.Splits[0].Size = recipe.Size{Policy: recipe.SmallestPool} }, true},
		{"a balance", func(r *recipe.Recipe) { r.Domains[0].Balance = recipe.Smallest }, true},
		{"a limit", func(r *recipe.Recipe) { r.MaxRepeats = 50 }, true},
		{"duplicates stay", func(r *recipe.Recipe) { r.Duplicates = "" }, false},
		{"near duplicates go", func(r *recipe.Recipe) {
			r.NearDuplicates = &recipe.NearDuplicates{N: 3, Bands: 20, Rows: 5, Percent: 95}
		}, false},
		{"shares of bytes", func(r *recipe.Recipe) { r.Unit = recipe.InBytes }, false},
		{"other names of the splits", func(r *recipe.Recipe) { r.Splits[0].Name = "learn" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, r := duplicated(t)
			first := w.balanceFolder(w.build(r))
			c.edit(&r)
			second := w.balanceFolder(w.build(r))
			if first == second {
				t.Fatal("the edit is in no key")
			}
			for _, file := range []string{droppedName, "sums/test.jsonl", "sums/test.idx"} {
				if once := sameFile(t, filepath.Join(first, file), filepath.Join(second, file)); once != c.once {
					t.Errorf("%s is the same file: %v, want %v", file, once, c.once)
				}
			}
			fresh, _ := duplicated(t)
			fresh.build(r)
			if name := "mix/current/" + revision.ManifestFile; fresh.digest(name) != w.digest(name) {
				t.Error("another build of the recipe has another manifest")
			}
		})
	}
}

// TestBuiltAgainIsComparedAgain: whoever asks for everything to be built again does not get what was there.
func TestBuiltAgainIsComparedAgain(t *testing.T) {
	w, r := duplicated(t)
	_, graph := w.jobs(r, map[string]pipeline.Result{}, "")
	first := w.balanceFolder(graph)
	r.Domains[0].Share = 4
	_, graph = w.jobs(r, map[string]pipeline.Result{}, "monday")
	if second := w.balanceFolder(graph); sameFile(t, filepath.Join(first, droppedName), filepath.Join(second, droppedName)) {
		t.Error("the list of what was dropped was taken over")
	}
}
