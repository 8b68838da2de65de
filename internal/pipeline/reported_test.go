package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// The units of the rows that are left are those that the balance stage counted.
func TestCountsOfUnits(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	results, balanced := Results{}, BalanceResult{}
	for _, name := range r.DatasetNames() {
		results.Add(StageSplit, name, Result{Split: &SplitResult{Rows: []int64{10, 2}, Units: []int64{100, 20}}})
	}
	if got := Remaining(r, results, balanced)["mbpp"]; got.Units != nil {
		t.Errorf("units %v of a mix that is measured in rows", got.Units)
	}
	r.Unit = recipe.InTokens
	if diff := cmp.Diff(plan.Count{Rows: []int64{10, 2}, Units: []int64{100, 20}, Before: &plan.Grouping{Rows: []int64{10, 2}}}, Remaining(r, results, balanced)["mbpp"]); diff != "" {
		t.Error(diff)
	}
	balanced = BalanceResult{Duplicates: DroppedRows{{0, 0, 0, 0, 3, 0}, make([]int64, 6)}, Units: [][]int64{{100, 100, 100, 100, 61, 100}, {20, 20, 20, 20, 20, 20}}}
	if diff := cmp.Diff(plan.Count{Rows: []int64{7, 2}, Units: []int64{61, 20}, Before: &plan.Grouping{Rows: []int64{10, 2}}}, Remaining(r, results, balanced)["mbpp"]); diff != "" {
		t.Error(diff)
	}
	if got := results.Split("mbpp").Units[0]; got != 100 {
		t.Errorf("Remaining changed its argument: %d", got)
	}
}

func TestShards(t *testing.T) {
	for _, c := range []struct {
		shards int
		want   []recipe.Shard
		names  []string
	}{
		{0, []recipe.Shard{{Split: "train", Index: 0, Count: 1, Export: ""}, {Split: "test", Index: 0, Count: 1, Export: ""}}, []string{"train", "test"}},
		{1, []recipe.Shard{{Split: "train", Index: 0, Count: 1, Export: ""}, {Split: "test", Index: 0, Count: 1, Export: ""}}, []string{"train", "test"}},
		{2, []recipe.Shard{{Split: "train", Index: 0, Count: 2, Export: ""}, {Split: "train", Index: 1, Count: 2, Export: ""}, {Split: "test", Index: 0, Count: 2, Export: ""}, {Split: "test", Index: 1, Count: 2, Export: ""}}, []string{"train.00000", "train.00001", "test.00000", "test.00001"}},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Shards = c.shards
		if diff := cmp.Diff(c.want, r.Shards()); diff != "" {
			t.Errorf("%d shards (-want +got):\n%s", c.shards, diff)
		}
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		step, _ := graph.Step(StageMix)
		var names []string
		for i, unit := range step.Nodes {
			names = append(names, unit.Name)
			if shard, ok := r.Shard(unit.Name); !ok || shard != c.want[i] {
				t.Errorf("unit %s is shard %+v, want %+v", unit.Name, shard, c.want[i])
			}
		}
		if diff := cmp.Diff(c.names, names); diff != "" {
			t.Errorf("%d shards: units (-want +got):\n%s", c.shards, diff)
		}
	}
}

func TestReported(t *testing.T) {
	r := recipe.Recipe{
		Splits:  []recipe.Split{{Name: "train"}, {Name: "test"}},
		Domains: []recipe.Domain{{Name: "d", Datasets: []recipe.Dataset{{Name: "a"}, {Name: "b"}}}},
	}
	file := func(units ...int64) MixResult {
		return MixResult{Datasets: []MixedDataset{{Unique: 7, MaxRepeats: 2, Units: units[0]}, {Unique: 8, MaxRepeats: 3, Units: units[1]}}}
	}
	for _, c := range []struct {
		what   string
		shards int
		mixed  map[string]MixResult
		want   [][]MixedDataset
	}{
		{"nothing is finished", 0, nil, [][]MixedDataset{nil, nil}},
		{"the plan says it all", 0, map[string]MixResult{"train": {Rows: 1}, "test": {Rows: 1}}, [][]MixedDataset{nil, nil}},
		{"one file is finished", 0, map[string]MixResult{"train": file(10, 20)}, [][]MixedDataset{{{7, 2, 10}, {8, 3, 20}}, nil}},
		{"a shard is missing", 2, map[string]MixResult{"train.00000": file(10, 20)}, [][]MixedDataset{nil, nil}},
		{"all shards of a split", 2, map[string]MixResult{"test.00000": file(10, 20), "test.00001": file(1, 2)}, [][]MixedDataset{nil, {{7, 2, 11}, {8, 3, 22}}}},
	} {
		r.Output.Shards = c.shards
		results := Results{}
		for name, mixed := range c.mixed {
			results.Add(StageMix, name, Result{Mix: &mixed})
		}
		if diff := cmp.Diff(c.want, Reported(r, results)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}
