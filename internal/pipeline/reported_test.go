package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// A split without a row says what keeps the rows away, and what helps.
func TestWhyASplitIsEmpty(t *testing.T) {
	mbpp := func(groupBy string, balance recipe.Balance) func(*recipe.Recipe) {
		return func(r *recipe.Recipe) {
			code := &r.Domains[2]
			code.Datasets, code.Balance = code.Datasets[1:], balance
			code.Datasets[0].Record.GroupBy = groupBy
		}
	}
	for _, c := range []struct {
		what    string
		change  func(*recipe.Recipe)
		divided SplitResult
		dropped int64 // of test
		want    string
	}{
		{"one question", mbpp("", recipe.None), SplitResult{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: domain code has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side); " +
				"add rows with other questions, or leave the domain out"},
		{"two questions", mbpp("", recipe.None), SplitResult{Rows: []int64{20, 0}, Groups: 2, LargestGroup: 19}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the 20 rows of data set mbpp have only 2 different questions, one of them in 19 rows, and rows with the same question stay on one side); " +
				"add rows with other questions or give the split a larger share, or leave the domain out"},
		{"one group", mbpp("row.title", recipe.None), SplitResult{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: domain code has no row in it (all 20 rows of data set mbpp have the same value of groupBy (row.title), and rows with the same value stay on one side); " +
				"group by something that tells more rows apart, or leave the domain out"},
		{"three groups", mbpp("row.title", recipe.Largest), SplitResult{Rows: []int64{20, 0}, Groups: 3, LargestGroup: 18}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the 20 rows of data set mbpp have only 3 different values of groupBy (row.title), one of them in 18 rows, and rows with the same value stay on one side); " +
				"group by something that tells more rows apart or give the split a larger share, or leave the domain out"},
		{"few rows", mbpp("", recipe.None), SplitResult{Rows: []int64{2, 0}, Groups: 2, LargestGroup: 1}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 2 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
		{"all dropped", mbpp("", recipe.None), SplitResult{Rows: []int64{2, 3}, Groups: 5, LargestGroup: 1}, 3,
			"the mix of split test cannot be made: domain code has no row in it (its 3 rows of data set mbpp were dropped for the sake of rows of other splits); " +
				"leave out a data set that has the same rows, or leave the domain out"},
		{"a data set of several", func(*recipe.Recipe) {}, SplitResult{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: data set mbpp has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side), " +
				"so nothing can be repeated to what the balance of domain code asks for; add rows with other questions, or give the domain the balance None"},
		{"a data set of several, cut to the smallest", func(r *recipe.Recipe) { r.Domains[2].Balance = recipe.Smallest }, SplitResult{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: data set mbpp has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side), " +
				"and the balance Smallest cuts all of domain code to as many; add rows with other questions, or give the domain the balance None"},
		{"an older result", mbpp("", recipe.None), SplitResult{Rows: []int64{20, 0}}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 20 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.change(&r)
		results := Results{}
		for _, name := range r.DatasetNames() {
			results.Add(StageSplit, name, Result{Split: &SplitResult{Rows: []int64{50, 10}, Groups: 60, LargestGroup: 1}})
		}
		results.Add(StageSplit, "mbpp", Result{Split: &c.divided})
		balanced := BalanceResult{Overlap: NewDroppedRows(2, len(r.DatasetNames()))}
		for i, name := range r.DatasetNames() {
			if name == "mbpp" {
				balanced.Overlap[1][i] = c.dropped
			}
		}
		_, err := plan.New(r, Remaining(r, results, balanced))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.what, err, c.want)
		}
	}
}

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
