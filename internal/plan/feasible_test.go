package plan

import (
	"errors"
	"testing"

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
		before  Grouping
		dropped int64 // of test
		want    string
	}{
		{"one question", mbpp("", recipe.None), Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: domain code has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side); " +
				"add rows with other questions, or leave the domain out"},
		{"two questions", mbpp("", recipe.None), Grouping{Rows: []int64{20, 0}, Groups: 2, LargestGroup: 19}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the 20 rows of data set mbpp have only 2 different questions, one of them in 19 rows, and rows with the same question stay on one side); " +
				"add rows with other questions or give the split a larger share, or leave the domain out"},
		{"one group", mbpp("row.title", recipe.None), Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: domain code has no row in it (all 20 rows of data set mbpp have the same value of groupBy (row.title), and rows with the same value stay on one side); " +
				"group by something that tells more rows apart, or leave the domain out"},
		{"three groups", mbpp("row.title", recipe.Largest), Grouping{Rows: []int64{20, 0}, Groups: 3, LargestGroup: 18}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the 20 rows of data set mbpp have only 3 different values of groupBy (row.title), one of them in 18 rows, and rows with the same value stay on one side); " +
				"group by something that tells more rows apart or give the split a larger share, or leave the domain out"},
		{"one row", mbpp("", recipe.None), Grouping{Rows: []int64{1, 0}, Groups: 1, LargestGroup: 1}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 1 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
		{"few rows", mbpp("", recipe.None), Grouping{Rows: []int64{2, 0}, Groups: 2, LargestGroup: 1}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 2 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
		{"all dropped", mbpp("", recipe.None), Grouping{Rows: []int64{2, 3}, Groups: 5, LargestGroup: 1}, 3,
			"the mix of split test cannot be made: domain code has no row in it (its 3 rows of data set mbpp were dropped for the sake of rows of other splits); " +
				"leave out a data set that has the same rows, or leave the domain out"},
		{"a data set of several", func(*recipe.Recipe) {}, Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: data set mbpp has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side), " +
				"so nothing can be repeated to what the balance of domain code asks for; add rows with other questions, or give the domain the balance None"},
		{"a data set of several, cut to the smallest", func(r *recipe.Recipe) { r.Domains[2].Balance = recipe.Smallest }, Grouping{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: data set mbpp has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side), " +
				"and the balance Smallest cuts all of domain code to as many; add rows with other questions, or give the domain the balance None"},
		{"an older result", mbpp("", recipe.None), Grouping{Rows: []int64{20, 0}}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 20 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.change(&r)
		counts := Counts{}
		for _, name := range r.DatasetNames() {
			counts[name] = Count{Rows: []int64{50, 10}, Before: &Grouping{Rows: []int64{50, 10}, Groups: 60, LargestGroup: 1}}
		}
		counts["mbpp"] = Count{Rows: []int64{c.before.Rows[0], c.before.Rows[1] - c.dropped}, Before: &c.before}
		_, err := New(r, counts)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.what, err, c.want)
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
