package stage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// chosen lists the ids of one data set's rows in the mixed train file, in order.
func (w *world) chosen(dataset string) []string {
	var ids []string
	for _, line := range strings.Split(w.read("mix/current/mixed/train_mixed.jsonl"), "\n") {
		if id, ok := strings.CutPrefix(line, `{"id":"`+dataset+"_"); ok {
			ids = append(ids, id[:strings.IndexByte(id, '"')])
		}
	}
	return ids
}

func TestPassesUseEveryRowBeforeAnyTwice(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows, Rows: 1000}
	w.build(r)
	ids := w.chosen("products") // 300 rows of 51
	const rows = 51
	if len(ids) != 300 {
		t.Fatalf("%d rows", len(ids))
	}
	var passes [][]string
	for pass := range slices.Chunk(ids, rows) {
		if got := slices.Compact(slices.Sorted(slices.Values(pass))); len(got) != len(pass) {
			t.Errorf("pass %d has a row twice", len(passes))
		}
		passes = append(passes, pass)
	}
	for i := 1; i < len(passes)-1; i++ {
		if slices.Equal(passes[i], passes[i-1]) {
			t.Errorf("passes %d and %d have the same order", i-1, i)
		}
	}
}

func TestABiggerTotalExtendsASmallerOne(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	var before []string
	for _, rows := range []int64{50, 200, 700} {
		r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows, Rows: rows}
		w.build(r)
		ids := w.chosen("sums")
		if len(ids) < len(before) || !slices.Equal(ids[:len(before)], before) {
			t.Errorf("%d rows do not begin with those of the smaller total", rows)
		}
		before = ids
	}
}

// Another data set, another order of the manifest, other file names: the rows of the rest stay.
func TestEditsElsewhereChangeNoOtherDataset(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows, Rows: 200}
	w.build(r)
	before := w.chosen("facts")

	added := r
	added.Domains = slices.Clone(r.Domains)
	added.Domains[0].Datasets = append(slices.Clone(r.Domains[0].Datasets), recipe.Dataset{
		Name: "powers", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "powers.jsonl"}}, Record: recipe.Record{Preset: "gsm8k"}})
	w.put("powers.jsonl", recipes.Sums("What is the power of", 77))
	w.build(added)
	if !slices.Equal(w.chosen("facts"), before) {
		t.Error("another data set in another domain changed the rows of facts")
	}

	w.build(reversed(r))
	if !slices.Equal(w.chosen("facts"), before) {
		t.Error("the order of the manifest changed the rows of facts")
	}

	// The same rows in two files of other names: same ids, since the row number goes on from file to file.
	lines := strings.SplitAfter(recipes.Facts(300), "\n")
	w.put("parts/1.jsonl", strings.Join(lines[:100], ""))
	w.put("parts/2.jsonl", strings.Join(lines[100:], ""))
	sharded := reversed(reversed(r))
	sharded.Domains[1].Datasets[0].Source.Volume = &recipe.Volume{ClaimName: "corpora", Path: "parts"}
	w.build(sharded)
	if !slices.Equal(w.chosen("facts"), before) {
		t.Error("sharding the source changed the rows of facts")
	}
}

func TestGrowingASourceMovesFewRows(t *testing.T) {
	side := func(rows int) map[string]bool {
		w := filled(t)
		w.put("facts.jsonl", recipes.Facts(rows))
		w.build(recipes.Two())
		train := map[string]bool{}
		for _, line := range strings.Split(strings.TrimSpace(w.read("mix/current/processed/facts/train.jsonl")), "\n") {
			train[line[:strings.IndexByte(line, ',')]] = true
		}
		return train
	}
	before := side(300)
	for _, k := range []int{1, 7, 30} {
		after, moved := side(300+k), 0
		for i := range 300 {
			id := fmt.Sprintf(`{"id":"facts_%d"`, i)
			if before[id] != after[id] {
				moved++
			}
		}
		if moved > k {
			t.Errorf("%d more rows moved %d across the split", k, moved)
		}
	}
}

func TestInterleavedHoldsTheRatioInEveryPrefix(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Order = recipe.Interleaved
	graph := w.build(r)
	plan := graph.Plan.Splits[0]
	given := map[string]int64{}
	for i, line := range strings.Split(strings.TrimSpace(w.read("mix/current/mixed/train_mixed.jsonl")), "\n") {
		_, rest, _ := strings.Cut(line, `"dataset":"`)
		given[rest[:strings.IndexByte(rest, '"')]]++
		for _, dataset := range plan.Datasets() {
			if off := int64(i+1)*dataset.Rows - given[dataset.Name]*plan.Rows; off >= plan.Rows || -off >= plan.Rows {
				t.Fatalf("after %d rows %s has %d of them", i+1, dataset.Name, given[dataset.Name])
			}
		}
	}
}
