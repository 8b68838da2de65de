package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// manifest of the current revision.
func (w *world) manifest() revision.Manifest {
	w.t.Helper()
	m, err := revision.ParseManifest([]byte(w.read("mix/current/manifest.json")))
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// counted returns the different rows of each data set in some rows, and how often the most frequent one is there.
func counted(rows []string, names []string) []pipeline.MixedDataset {
	times := map[string]map[string]int64{}
	for _, name := range names {
		times[name] = map[string]int64{}
	}
	for _, row := range rows {
		id, _, _ := strings.Cut(strings.TrimPrefix(row, `{"id":"`), `"`)
		times[ofDataset(row)][id]++
	}
	var out []pipeline.MixedDataset
	for _, name := range names {
		of := pipeline.MixedDataset{Unique: int64(len(times[name]))}
		for _, n := range times[name] {
			of.MaxRepeats = max(of.MaxRepeats, n)
		}
		out = append(out, of)
	}
	return out
}

// Every file reports the draws of its whole split, which are those that all files hold together.
func TestDrawnRowsAreReported(t *testing.T) {
	for _, shards := range []int{1, 3} {
		for _, format := range recipes.Formats() {
			t.Run(fmt.Sprint(shards, " ", format), func(t *testing.T) {
				w := filled(t)
				r := recipes.Drawn(format, shards)
				graph := w.build(r)
				results := w.manifest().Results()
				for _, split := range graph.Plan.Splits {
					want := counted(w.shardsOf(r, split), r.DatasetNames())
					for i := range shards {
						shard := recipe.Shard{Split: split.Name, Index: i, Count: shards}
						if diff := cmp.Diff(want, results.Mix(shard.Name()).Datasets); diff != "" {
							t.Errorf("%s (-rows +reported):\n%s", shard.Name(), diff)
						}
					}
				}
			})
		}
	}
}

// Each occurrence is the row that the key draws, of all rows of the split, or the next one where there are as many as asked for.
func TestDrawnRowsAreThoseOfTheKey(t *testing.T) {
	w := filled(t)
	r := recipes.Drawn(recipe.JSONL, 1)
	graph := w.build(r)
	kinds := map[bool]int{}
	for _, split := range graph.Plan.Splits {
		rows := w.shardsOf(r, split)
		for _, dataset := range split.Datasets() {
			kinds[dataset.Drawn]++
			have := strings.SplitAfter(strings.TrimSuffix(w.read("mix/current/"+revision.ProcessedFile(dataset.Name, split.Name)), "\n"), "\n")
			have[len(have)-1] += "\n"
			key := mix.NewKey(r.Seed, "replace/"+split.Name)
			var want []string
			for o := range dataset.Rows {
				i := o
				if dataset.Rows > dataset.Available {
					i = int64(key.Below(uint64(len(have)), uint64(o)))
				}
				want = append(want, have[i])
			}
			got := slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return ofDataset(row) != dataset.Name })
			if !slices.Equal(got, want) {
				t.Errorf("%s of %s has %d rows, others than the %d that are drawn", dataset.Name, split.Name, len(got), len(want))
			}
		}
	}
	if kinds[true] == 0 || kinds[false] == 0 {
		t.Errorf("data sets that are drawn, and not: %v", kinds)
	}
}

// Where rows are used in passes and measured in rows, the plan says all, and results have the form that they always had.
func TestPassesReportNothing(t *testing.T) {
	w := filled(t)
	w.build(recipes.In(recipe.JSONL, 2))
	for unit, mixed := range w.manifest().Results()[pipeline.StageMix] {
		if mixed.Mix.Datasets != nil {
			t.Errorf("%s reports %v", unit, mixed.Mix.Datasets)
		}
	}
}

// The six data sets with their own numbers of rows, drawn as random.choices draws: the counts that are
// reported are those of the files.
func TestTheStrategyDrawn(t *testing.T) {
	w := newWorld(t)
	r := recipes.Two()
	r.Resample = recipe.WithReplacement
	r.Splits[1].Size.Policy = recipe.KeepTotal
	dataset := func(name string, rows int) recipe.Dataset {
		w.put(name+".jsonl", recipes.Sums(name, rows))
		return recipe.Dataset{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: name + ".jsonl"}}, Record: recipe.Record{Preset: "gsm8k"}}
	}
	r.Domains = []recipe.Domain{
		{Name: "math", Share: 4, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("gsm8k", 7473), dataset("math", 7500)}},
		{Name: "qa", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("squad2", 87599), dataset("hotpotqa", 88966)}},
		{Name: "code", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("humaneval", 164), dataset("mbpp", 427)}},
	}
	graph := w.build(r)
	reported := pipeline.Reported(r, w.manifest().Results())
	for i, split := range graph.Plan.Splits {
		want := counted(w.shardsOf(r, split), r.DatasetNames())
		if diff := cmp.Diff(want, reported[i]); diff != "" {
			t.Errorf("%s (-rows +reported):\n%s", split.Name, diff)
		}
	}
	if got := []int64{graph.Plan.Splits[0].Rows, graph.Plan.Splits[1].Rows}; !slices.Equal(got, []int64{160107, 32022}) {
		t.Errorf("the splits have %v rows", got)
	}
	// By name: gsm8k, hotpotqa, humaneval, math, mbpp, squad2. 6,227 rows drawn 32,021 times lose e^-5.14 of them, 36.
	var unique []int64
	for _, of := range reported[0] {
		unique = append(unique, of.Unique)
	}
	if unique[0] < 6227-36-4*6 || unique[0] > 6227-36+4*6 {
		t.Errorf("%d of gsm8k's rows are drawn", unique[0])
	}
	if unique[1] != 24016 || unique[5] != 24016 || unique[2] != 137 || unique[4] != 356 {
		t.Errorf("different rows in train: %v", unique)
	}
	t.Logf("different rows in train: %v", unique)
	var page struct {
		Plan []plan.Split `json:"plan"`
	}
	if err := json.Unmarshal([]byte(w.read("mix/current/mixed/info.json")), &page); err != nil || page.Plan[0].Datasets()[0].Unique != 0 {
		t.Errorf("the plan knows what is drawn: %v, %v", page.Plan[0].Datasets()[0], err)
	}
	if card := w.read("mix/current/README.md"); !strings.Contains(card, grouped(unique[0])) {
		t.Errorf("the card does not say that %s different rows of gsm8k are in train", grouped(unique[0]))
	}
}

// grouped returns a number of four digits with a comma.
func grouped(n int64) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }

// A count that nobody wants any more ends.
func TestMixingEndsWithItsContext(t *testing.T) {
	w := filled(t)
	r := recipes.Drawn(recipe.JSONLGzip, 1)
	results, err := w.worker.Build(context.Background(), r, 2, w)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	graph, err := pipeline.Walk(recipes.Drawn(recipe.Parquet, 1), results)
	if err != nil {
		t.Fatal(err)
	}
	unit := graph.Next().Nodes[0]
	if _, err := w.worker.Run(ctx, Job{Recipe: recipes.Drawn(recipe.Parquet, 1), Results: results, Stage: pipeline.StageMix, Unit: unit}); err == nil {
		t.Error("it was mixed all the same")
	}
}

// Notes of a proof of drawn rows have no orders of passes; the next proof, of passes, finds that out and reads again.
func TestDrawnAndThenInPasses(t *testing.T) {
	w := filled(t)
	w.build(recipes.Drawn(recipe.JSONL, 1))
	before := w.digest("mix/current/mixed/train_mixed.jsonl")
	passes := recipes.Drawn(recipe.JSONL, 1)
	passes.Resample = ""
	w.build(passes)
	if w.digest("mix/current/mixed/train_mixed.jsonl") == before {
		t.Error("the same rows are drawn and used in passes")
	}
	w.build(recipes.Drawn(recipe.JSONL, 1))
	if w.digest("mix/current/mixed/train_mixed.jsonl") != before || len(w.revisions()) != 2 {
		t.Errorf("going back made another file; revisions %v", w.revisions())
	}
}
