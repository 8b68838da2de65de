package stage

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// links hears of a chain, and stops it after some units.
type links struct {
	units   []string
	results map[string]pipeline.Result
	after   int
	stop    func()
}

func (l *links) Begin(pipeline.Stage, pipeline.Node) {
	if l.after > 0 && len(l.units) == l.after {
		l.stop()
	}
}

func (l *links) Done(stage pipeline.Stage, unit pipeline.Node, result pipeline.Result) {
	l.units = append(l.units, string(stage)+" "+unit.Name)
	l.results[unit.Key] = result
}

// upTo builds what comes before a chain from a stage on, and returns its results.
func (w *world) upTo(first pipeline.Stage, r recipe.Recipe) map[string]pipeline.Result {
	w.t.Helper()
	results := map[string]pipeline.Result{}
	for {
		graph, err := pipeline.Walk(r, results)
		if err != nil {
			w.t.Fatal(err)
		}
		step := graph.Next()
		if step.Stage == first {
			return results
		}
		for _, unit := range step.Missing {
			result, err := w.worker.Run(w.t.Context(), Job{Recipe: r, Results: results, Stage: step.Stage, Unit: unit})
			if err != nil {
				w.t.Fatal(err)
			}
			results[unit.Key] = result
		}
	}
}

// TestAChainIsWhatItsStagesAre: one process builds the units of the last stages with the keys, the results and the bytes that they have in
// pods of their own; ended between any two, it leaves what was finished, and the next goes on behind it.
func TestAChainIsWhatItsStagesAre(t *testing.T) {
	apart, r := filled(t), recipes.Two()
	_, want := apart.results(r)
	units := []string{"balance mix", "mix train", "mix test", "publish mix"}
	c := chainCase{r: r, want: want, manifest: apart.digest("mix/current/" + revision.ManifestFile), first: pipeline.StageBalance, units: units, before: 6} // downloads, splits
	for after := range units {
		c.stoppedAfter(t, after)
	}
	c.first, c.units, c.before = pipeline.StageSplit, slices.Concat([]string{"split facts", "split products", "split sums"}, units), 3
	for after := range c.units {
		c.stoppedAfter(t, after)
	}
}

// chainCase is a chain from a stage on, and what is to come of it.
type chainCase struct {
	r        recipe.Recipe
	want     map[string]pipeline.Result
	manifest string
	first    pipeline.Stage
	units    []string
	before   int // units that are finished before it
}

// stoppedAfter builds the chain; unless it is 0, in a process that ends after so many units, and then in another one.
func (c chainCase) stoppedAfter(t *testing.T, after int) {
	t.Helper()
	w := filled(t)
	results := w.upTo(c.first, c.r)
	told := &links{results: maps.Clone(results), after: after}
	var ctx context.Context
	ctx, told.stop = context.WithCancel(t.Context())
	err := w.worker.Chain(ctx, Job{Recipe: c.r, Results: results, Stage: c.first}, told)
	if after > 0 {
		if !errors.Is(err, context.Canceled) || len(told.units) != after {
			t.Fatalf("stopped after %d: %v, %v", after, told.units, err)
		}
		// As a pod that died: nothing that was told is known.
		told.units, told.after, told.results = nil, 0, maps.Clone(results)
		built := w.finished()
		err = w.worker.Chain(t.Context(), Job{Recipe: c.r, Results: results, Stage: c.first}, told)
		for path, file := range w.finished() {
			if before, ok := built[path]; ok && !os.SameFile(before, file) {
				t.Errorf("stopped after %d: %s was built again", after, path)
			}
		}
		if len(built) != c.before+after {
			t.Errorf("stopped after %d: %d units were finished", after, len(built))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.units, told.units); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.want, told.results); diff != "" {
		t.Errorf("results after %d (-apart +chain):\n%s", after, diff)
	}
	if got := w.digest("mix/current/" + revision.ManifestFile); got != c.manifest {
		t.Errorf("another manifest: %s", got)
	}
}

// finished returns the results of all finished units on the volume.
func (w *world) finished() map[string]fs.FileInfo {
	w.t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", ".stages", "*", "*", revision.ResultFile))
	if err != nil {
		w.t.Fatal(err)
	}
	files := map[string]fs.FileInfo{}
	for _, path := range paths {
		if files[path], err = os.Stat(path); err != nil {
			w.t.Fatal(err)
		}
	}
	return files
}

// TestAChainBuildsNothingBeforeIt: what an earlier stage lacks needs another pod, with a network and credentials.
func TestAChainBuildsNothingBeforeIt(t *testing.T) {
	w, r := filled(t), recipes.Two()
	_, results := w.results(r)
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		t.Fatal(err)
	}
	delete(results, graph.Steps[1].Nodes[0].Key)
	told := &links{results: map[string]pipeline.Result{}}
	err = w.worker.Chain(t.Context(), Job{Recipe: r, Results: results, Stage: pipeline.StageBalance}, told)
	if contract.ReasonOf(err) != contract.InvalidTask || len(told.units) > 0 {
		t.Errorf("built %v: %v", slices.Clone(told.units), err)
	}
}
