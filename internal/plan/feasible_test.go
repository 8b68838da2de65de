package plan

import (
	"errors"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// TestWhyASplitIsEmpty: the error of a split without a row names the data set, and counts the groups and rows that are in the way.
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
		before  Grouping
		dropped int64  // of test
		want    string // facts
	}{
		{"one question", mbpp("", recipe.None), Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0, "test: code 20 mbpp"},
		{"two questions", mbpp("", recipe.None), Grouping{Rows: []int64{20, 0}, Groups: 2, LargestGroup: 19}, 0, "test: code 20 mbpp 2 19"},
		{"one group", mbpp("row.title", recipe.None), Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0, "test: code 20 mbpp groupBy row.title"},
		{"three groups", mbpp("row.title", recipe.Largest), Grouping{Rows: []int64{20, 0}, Groups: 3, LargestGroup: 18}, 0, "test: code 20 mbpp 3 groupBy row.title 18"},
		{"one row", mbpp("", recipe.None), Grouping{Rows: []int64{1, 0}, Groups: 1, LargestGroup: 1}, 0, "test: code mbpp 1"},
		{"few rows", mbpp("", recipe.None), Grouping{Rows: []int64{2, 0}, Groups: 2, LargestGroup: 1}, 0, "test: code mbpp 2"},
		{"all dropped", mbpp("", recipe.None), Grouping{Rows: []int64{2, 3}, Groups: 5, LargestGroup: 1}, 3, "test: code 3 mbpp"},
		{"a data set of several", func(*recipe.Recipe) {}, Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0, "test: mbpp 20 mbpp code None"},
		{"a data set of several, cut to the smallest", func(r *recipe.Recipe) { r.Domains[2].Balance = recipe.Smallest }, Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"test: mbpp 20 mbpp Smallest code None"},
		{"an older result", mbpp("", recipe.None), Grouping{Rows: []int64{20, 0}}, 0, "test: code mbpp 20"},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.change(&r)
		counts := Counts{}
		for _, name := range r.DatasetNames() {
			counts[name] = Count{Rows: []int64{50, 10}, Before: &Grouping{Rows: []int64{50, 10}, Groups: 60, LargestGroup: 1}}
		}
		counts["mbpp"] = Count{Rows: []int64{c.before.Rows[0], c.before.Rows[1] - c.dropped}, Before: &c.before}
		_, err := New(r, counts)
		if infeasibility(err) != c.want {
			t.Errorf("%s: %v has the facts %q, want %q", c.what, err, infeasibility(err), c.want)
		}
	}
}

// TestCountsThatContradict: counts that are not those of the recipe, or of no rows at all, are an error that is no fault of the recipe.
func TestCountsThatContradict(t *testing.T) {
	for _, c := range []struct {
		what  string
		unit  recipe.ShareUnit
		count Count // of mbpp
		right bool
	}{
		{"rows", "", Count{Rows: []int64{356, 71}}, true},
		{"rows of one split", "", Count{Rows: []int64{356}}, false},
		{"rows of three splits", "", Count{Rows: []int64{356, 71, 1}}, false},
		{"rows and bytes", recipe.InBytes, Count{Rows: []int64{356, 71}, Units: []int64{3560, 710}}, true},
		{"no bytes", recipe.InBytes, Count{Rows: []int64{356, 71}}, false},
		{"bytes of one split", recipe.InBytes, Count{Rows: []int64{356, 71}, Units: []int64{3560}}, false},
		{"bytes below nothing", recipe.InBytes, Count{Rows: []int64{356, 71}, Units: []int64{3560, -1}}, false},
		{"bytes of no row", recipe.InBytes, Count{Rows: []int64{356, 0}, Units: []int64{3560, 1}}, false},
		{"no byte of no row", recipe.InBytes, Count{Rows: []int64{356, 0}, Units: []int64{3560, 0}}, true},
	} {
		r, counts := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), sixCounts()
		r.Domains[2].Balance = recipe.None
		if r.Unit = c.unit; r.Measured() {
			inUnits(counts, func(_ string, rows int64) int64 { return 10 * rows })
		}
		counts["mbpp"] = c.count
		plan, err := New(r, counts)
		if infeasible := (*InfeasibleError)(nil); (err == nil) != c.right || errors.As(err, &infeasible) {
			t.Errorf("%s: %v", c.what, err)
		}
		if err != nil {
			continue
		}
		test, _ := plan.Split("test")
		if mbpp := find(t, test, "mbpp"); mbpp.Available == 0 && (mbpp.Rows != 0 || mbpp.Units != 0) {
			t.Errorf("%s: of no row there are %+v", c.what, mbpp)
		}
	}
}

// TestSplitsByName finds every split of a plan, and no other.
func TestSplitsByName(t *testing.T) {
	plan, err := New(recipes.Six(recipe.KeepTotal, recipe.SmallestPool), sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range plan.Splits {
		if got, found := plan.Split(want.Name); !found || got.Rows != want.Rows || got.Name != plan.Splits[i].Name {
			t.Errorf("split %s is %+v, %t", want.Name, got, found)
		}
	}
	if got, found := plan.Split("dev"); found {
		t.Errorf("split dev is %+v", got)
	}
}
