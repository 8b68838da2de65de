package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// planned returns the plan of the train split of the recipe of the six data sets.
func planned(t *testing.T, r recipe.Recipe) Split {
	t.Helper()
	plan, err := New(r, sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	return plan.Splits[0]
}

func TestOneShardIsTheWholeSplit(t *testing.T) {
	for _, files := range []int{0, 1} {
		r := recipes.Six(recipe.SmallestPool, recipe.SmallestPool)
		r.Output.Shards = files
		want := []Shard{{0, 2373, "weave/train", []mix.Span{{End: 474}, {End: 356}, {End: 356}, {End: 475}, {End: 356}, {End: 356}}}}
		if diff := cmp.Diff(want, Shards(r, planned(t, r))); diff != "" {
			t.Errorf("shards: %d (-want +got):\n%s", files, diff)
		}
	}
}

// The data sets by name are gsm8k, hotpotqa, humaneval, math, mbpp, squad2, of the domains math, qa, code, math, code, qa: the
// domains are dealt one after another all the same.
func TestEveryShardHasItsShareOfEveryDataSetAndDomain(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Output.Shards = 7
	split := planned(t, r)
	shards := Shards(r, split)
	if len(shards) != 7 {
		t.Fatalf("%d shards", len(shards))
	}
	even := func(what string, parts []int64, total int64) {
		t.Helper()
		var sum int64
		for _, part := range parts {
			sum += part
			if part != total/7 && part != total/7+1 {
				t.Errorf("%s: %v of %d", what, parts, total)
			}
		}
		if sum != total {
			t.Errorf("%s: %v is %d, not %d", what, parts, sum, total)
		}
	}
	byDomain, all := map[string][]int64{}, make([]int64, 7)
	for i, dataset := range split.Datasets() {
		_, domain, _ := r.Dataset(dataset.Name)
		parts := make([]int64, 7)
		if byDomain[domain.Name] == nil {
			byDomain[domain.Name] = make([]int64, 7)
		}
		var next int64
		for j, shard := range shards {
			if shard.Spans[i].Start != next {
				t.Errorf("%s: shard %d begins at occurrence %d, not %d", dataset.Name, j, shard.Spans[i].Start, next)
			}
			next = shard.Spans[i].End
			parts[j] = shard.Spans[i].Rows()
			byDomain[domain.Name][j] += parts[j]
		}
		even(dataset.Name, parts, dataset.Rows)
	}
	for _, domain := range split.Domains {
		even(domain.Name, byDomain[domain.Name], domain.Rows)
	}
	for j, shard := range shards {
		all[j] = shard.Rows
	}
	even("all", all, split.Rows)
}

func TestShardsDoNotDependOnTheOrderOfTheManifest(t *testing.T) {
	one, other := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	slices.Reverse(other.Domains)
	for i := range other.Domains {
		slices.Reverse(other.Domains[i].Datasets)
	}
	one.Output.Shards, other.Output.Shards = 5, 5
	if diff := cmp.Diff(Shards(one, planned(t, one)), Shards(other, planned(t, other))); diff != "" {
		t.Error(diff)
	}
}

// The name of a key is a promise: a file that is written again has the order that it had.
func TestShardsAreShuffledByKeysOfTheirOwn(t *testing.T) {
	r := recipes.Six(recipe.SmallestPool, recipe.SmallestPool)
	r.Output.Shards = 3
	var purposes []string
	for _, shard := range Shards(r, planned(t, r)) {
		purposes = append(purposes, shard.Purpose)
	}
	if want := []string{"weave/train/0", "weave/train/1", "weave/train/2"}; !slices.Equal(purposes, want) {
		t.Errorf("purposes %v, want %v", purposes, want)
	}
}

func TestWeaveOfAShard(t *testing.T) {
	r := recipes.Six(recipe.SmallestPool, recipe.SmallestPool)
	r.Output.Shards = 2
	shard := Shards(r, planned(t, r))[1]
	counts := make([]int64, len(shard.Spans))
	for i, span := range shard.Spans {
		counts[i] = span.Rows()
	}
	want := slices.Collect(mix.Shuffled(counts, mix.NewKey(42, "weave/train/1")))
	if got := slices.Collect(Weave(r, shard)); !slices.Equal(got, want) || int64(len(got)) != shard.Rows {
		t.Error("a shard is not shuffled by its own key")
	}
	r.Order = recipe.Interleaved
	if got := slices.Collect(Weave(r, shard)); !slices.Equal(got, slices.Collect(mix.Interleaved(counts))) {
		t.Error("a shard is not interleaved from its own rows")
	}
}
