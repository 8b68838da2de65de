package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

var orders = []recipe.Order{recipe.Shuffled, recipe.Interleaved}

// unpacked returns the rows of a mixed file of the current revision.
func (w *world) unpacked(shard recipe.Shard, format recipe.Format) []string {
	w.t.Helper()
	f, err := os.Open(filepath.Join(w.worker.Volume, "mix/current", revision.MixedFile(shard, format)))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		w.t.Fatal(err)
	}
	var rows []string
	for line, err := range encode.Rows(f, info.Size(), format) {
		if err != nil {
			w.t.Fatal(err)
		}
		rows = append(rows, string(line))
	}
	return rows
}

// ofDataset returns the data set of a row.
func ofDataset(row string) string {
	_, rest, _ := strings.Cut(row, `"dataset":"`)
	return rest[:strings.IndexByte(rest, '"')]
}

// Every format, in one file or several, in both orders: the same rows. Each shard has its planned rows of each data set, and all
// together are what one file would hold.
func TestEveryFormatAndNumberOfShards(t *testing.T) {
	w := filled(t)
	for _, order := range orders {
		whole := map[string][]string{} // the sorted rows of one file of each split
		for _, shards := range []int{1, 2, 7} {
			plain := map[string][]string{}
			for _, format := range recipes.Formats() {
				t.Run(fmt.Sprint(order, " ", shards, " ", format), func(t *testing.T) {
					w.t = t
					r := recipes.In(format, shards)
					r.Order = order
					graph := w.build(r)
					for _, split := range graph.Plan.Splits {
						rows := w.shardsOf(r, split)
						if format == recipe.JSONL {
							plain[split.Name] = rows
						}
						if !slices.Equal(rows, plain[split.Name]) {
							t.Errorf("the rows of %s are not those of the plain files", split.Name)
						}
						sorted := slices.Sorted(slices.Values(rows))
						if shards == 1 {
							whole[split.Name] = sorted
						}
						if !slices.Equal(sorted, whole[split.Name]) {
							t.Errorf("the files of %s do not hold the rows of a single one", split.Name)
						}
					}
				})
			}
		}
	}
}

// shardsOf returns the rows of a split, file by file, each of which must have what is planned.
func (w *world) shardsOf(r recipe.Recipe, split plan.Split) []string {
	w.t.Helper()
	var all []string
	planned := plan.Shards(r, split)
	for _, shard := range planned {
		rows := w.unpacked(recipe.Shard{Split: split.Name, Index: shard.Number, Count: len(planned)}, r.Output.Format)
		got, want := map[string]int64{}, map[string]int64{}
		for _, row := range rows {
			got[ofDataset(row)]++
		}
		for i, dataset := range split.Datasets() {
			if n := shard.Spans[i].Rows(); n > 0 {
				want[dataset.Name] = n
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			w.t.Errorf("file %d of %s (-planned +written):\n%s", shard.Number, split.Name, diff)
		}
		all = append(all, rows...)
	}
	return all
}

// A shard needs no other one: built alone, last to first, on one processor, each is the same file.
func TestShardsAreIndependent(t *testing.T) {
	for _, format := range recipes.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := filled(t)
			r := recipes.In(format, 7)
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			wantBuiltAlone(t, w, r)
		})
	}
}

// wantBuiltAlone builds each file of a mix anew, last to first: each is the file that it was.
func wantBuiltAlone(t *testing.T, w *world, r recipe.Recipe) {
	t.Helper()
	graph, results := w.results(r)
	step, _ := graph.Step(pipeline.StageMix)
	for _, unit := range slices.Backward(step.Nodes) {
		if err := os.RemoveAll(filepath.Join(w.worker.Volume, revision.Folder("mix").Node(pipeline.StageMix, unit.Key))); err != nil {
			t.Fatal(err)
		}
		again, err := w.worker.Run(t.Context(), Job{Recipe: r, Results: results, Stage: pipeline.StageMix, Unit: unit})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(results[unit.Key], again); diff != "" {
			t.Errorf("%s is another file when it is built alone:\n%s", unit.Name, diff)
		}
	}
}

// What a mix unit reports is what lies there.
func TestMixedResultsAreOfTheWrittenFile(t *testing.T) {
	for _, format := range recipes.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := filled(t)
			r := recipes.In(format, 2)
			graph, results := w.results(r)
			step, _ := graph.Step(pipeline.StageMix)
			for i, shard := range r.Shards() {
				name := "mix/current/" + revision.MixedFile(shard, format)
				want := pipeline.MixResult{Rows: int64(len(w.unpacked(shard, format))), Bytes: int64(len(w.read(name))), Digest: w.digest(name)}
				if diff := cmp.Diff(want, *results[step.Nodes[i].Key].Mix); diff != "" {
					t.Errorf("%s (-file +reported):\n%s", name, diff)
				}
			}
		})
	}
}

// A new format or number of files mixes anew, and leaves what comes before as it is.
func TestANewFormatMixesAnew(t *testing.T) {
	w := filled(t)
	before, after := w.build(recipes.Two()), w.build(recipes.In(recipe.Parquet, 2))
	for i, step := range after.Steps {
		same := cmp.Equal(step.Nodes, before.Steps[i].Nodes)
		if want := step.Stage != pipeline.StageMix && step.Stage != pipeline.StagePublish; same != want {
			t.Errorf("stage %s has the keys that it had: %v", step.Stage, same)
		}
	}
}
