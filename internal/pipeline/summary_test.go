package pipeline

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// TestSummary: each number is there once it is known, from the plan or from what is finished, and only where the recipe asks for it.
func TestSummary(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	split := Result{Split: &SplitResult{Rows: []int64{10}}}
	balance := Result{Balance: &BalanceResult{Overlap: DroppedRows{{1, 0}}, Duplicates: DroppedRows{{2, 0}}, NearDuplicates: DroppedRows{{3, 0}}, Variants: DroppedRows{{4, 0}}}}
	mixed := Result{Mix: &MixResult{Datasets: []MixedDataset{{Unique: 3, MaxRepeats: 5, Units: 70}, {Unique: 6, MaxRepeats: 2, Units: 30}}}}
	empty := Result{Mix: &MixResult{Datasets: make([]MixedDataset, 2)}}
	planned := &plan.Plan{Splits: []plan.Split{{Name: "train", Rows: 20, Domains: []plan.Domain{{Name: "d", Rows: 20, Datasets: []plan.Dataset{
		{Name: "b", Available: 9, Balanced: 9, Rows: 12, Unique: 9, MaxRepeats: 2}, {Name: "a", Available: 4, Balanced: 9, Rows: 8, Unique: 4, MaxRepeats: 2},
	}}}}}}
	for _, c := range []struct {
		what   string
		change func(*recipe.Recipe)
		plan   *plan.Plan
		mixed  Result
		a, all Counts
	}{
		{"split and balanced", func(*recipe.Recipe) {}, nil, Result{}, Counts{Rows: n(10), Overlap: n(1)}, Counts{}},
		{"all that may be dropped", func(r *recipe.Recipe) {
			r.Duplicates, r.NearDuplicates, r.Compare = recipe.DropDuplicates, &recipe.NearDuplicates{}, recipe.CompareQuestionV1
		}, nil, Result{}, Counts{Rows: n(10), Overlap: n(1), Duplicates: n(2), NearDuplicates: n(3), Variants: n(4)}, Counts{}},
		{"planned in passes", func(*recipe.Recipe) {}, planned, Result{},
			Counts{Rows: n(10), Overlap: n(1), Available: n(4), Balanced: n(9), Mixed: n(8), Unique: n(4), MaxRepeats: n(2)}, Counts{Unique: n(13)}},
		{"planned to be drawn", func(r *recipe.Recipe) { r.Resample = recipe.WithReplacement }, planned, Result{},
			Counts{Rows: n(10), Overlap: n(1), Available: n(4), Balanced: n(9), Mixed: n(8)}, Counts{}},
		{"drawn", func(r *recipe.Recipe) { r.Resample = recipe.WithReplacement }, planned, mixed,
			Counts{Rows: n(10), Overlap: n(1), Available: n(4), Balanced: n(9), Mixed: n(8), Unique: n(3), MaxRepeats: n(5)}, Counts{Unique: n(9)}},
		{"measured", func(r *recipe.Recipe) { r.Unit = recipe.InBytes }, planned, mixed,
			Counts{Rows: n(10), Overlap: n(1), Available: n(4), Balanced: n(9), Mixed: n(8), Unique: n(4), MaxRepeats: n(2), Units: n(70)}, Counts{Unique: n(13), Units: n(100)}},
		{"measured, without a byte", func(r *recipe.Recipe) { r.Unit = recipe.InBytes }, planned, empty,
			Counts{Rows: n(10), Overlap: n(1), Available: n(4), Balanced: n(9), Mixed: n(8), Unique: n(4), MaxRepeats: n(2), Units: n(0)}, Counts{Unique: n(13), Units: n(0)}},
	} {
		r := recipe.Recipe{Splits: []recipe.Split{{Name: "train"}}, Domains: []recipe.Domain{{Name: "d", Datasets: []recipe.Dataset{{Name: "b"}, {Name: "a"}}}}}
		c.change(&r)
		results := Results{}
		results.Add(StageSplit, "a", split)
		results.Add(StageBalance, "mix", balance)
		results.Add(StageMix, "train", c.mixed)
		s := Summarize(r, c.plan, results)
		if diff := cmp.Diff(c.a, s.Dataset(0, 0)); diff != "" {
			t.Errorf("%s: data set a (-want +got):\n%s", c.what, diff)
		}
		if c.plan == nil {
			continue
		}
		if diff := cmp.Diff(c.all, s.Split(0)); diff != "" {
			t.Errorf("%s: the split (-want +got):\n%s", c.what, diff)
		}
		if diff := cmp.Diff(c.all, s.Domain(0, r.Domains[0])); diff != "" {
			t.Errorf("%s: the domain (-want +got):\n%s", c.what, diff)
		}
		if of := s.Domain(0, recipe.Domain{Datasets: []recipe.Dataset{{Name: "b"}}}); c.all.Unique != nil && *of.Unique >= *c.all.Unique {
			t.Errorf("%s: a domain of one data set has %d of %d rows", c.what, *of.Unique, *c.all.Unique)
		}
	}
	if sum := add(n(1), n(math.MaxInt64)); sum != nil {
		t.Errorf("a sum that overflows is %d", *sum)
	}
	if sum := add(n(1), n(math.MaxInt64-1)); sum == nil || *sum != math.MaxInt64 {
		t.Error("the largest sum is not known")
	}
}
