package plan

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// sixCounts returns the rows of the six data sets after the split.
func sixCounts() Counts { return rowCounts(recipes.SixRows()) }

// rowCounts returns counts of rows alone.
func rowCounts(rows map[string][]int64) Counts {
	counts := Counts{}
	for name, n := range rows {
		counts[name] = Count{Rows: n}
	}
	return counts
}

// passes returns a data set's plan where rows are used in passes.
func passes(name string, available, balanced, rows, unique, maxRepeats int64) Dataset {
	return Dataset{Name: name, Available: available, Balanced: balanced, Rows: rows, Unique: unique, MaxRepeats: maxRepeats}
}

func TestPlanOfTheStrategyKeepTotal(t *testing.T) {
	plan, err := New(recipes.Six(recipe.KeepTotal, recipe.KeepTotal), sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{Splits: []Split{
		{Name: "train", Rows: 160107, Domains: []Domain{
			{Name: "math", Rows: 64043, Datasets: []Dataset{passes("gsm8k", 6227, 6250, 32021, 6227, 6), passes("math", 6250, 6250, 32022, 6250, 6)}},
			{Name: "qa", Rows: 48032, Datasets: []Dataset{passes("squad2", 72999, 74138, 24016, 24016, 1), passes("hotpotqa", 74138, 74138, 24016, 24016, 1)}},
			{Name: "code", Rows: 48032, Datasets: []Dataset{passes("humaneval", 137, 356, 24016, 137, 176), passes("mbpp", 356, 356, 24016, 356, 68)}},
		}},
		{Name: "test", Rows: 32022, Domains: []Domain{
			{Name: "math", Rows: 12809, Datasets: []Dataset{passes("gsm8k", 1246, 1250, 6404, 1246, 6), passes("math", 1250, 1250, 6405, 1250, 6)}},
			{Name: "qa", Rows: 9607, Datasets: []Dataset{passes("squad2", 14600, 14828, 4804, 4804, 1), passes("hotpotqa", 14828, 14828, 4803, 4803, 1)}},
			{Name: "code", Rows: 9606, Datasets: []Dataset{passes("humaneval", 27, 71, 4803, 27, 178), passes("mbpp", 71, 71, 4803, 71, 68)}},
		}},
	}}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("the plan differs (-want +got):\n%s", diff)
	}
}

func TestTotalsOfEveryPolicy(t *testing.T) {
	for _, c := range []struct {
		policy      recipe.SizePolicy
		train, test int64
		domains     []int64 // of train: math, qa, code
	}{
		{recipe.KeepTotal, 160107, 32022, []int64{64043, 48032, 48032}},
		{recipe.SmallestPool, 2373, 473, []int64{949, 712, 712}},
		{recipe.NoRepeat, 918, 185, []int64{367, 276, 275}},
	} {
		plan, err := New(recipes.Six(c.policy, c.policy), sixCounts())
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
			continue
		}
		var domains []int64
		for _, domain := range plan.Splits[0].Domains {
			domains = append(domains, domain.Rows)
		}
		if plan.Splits[0].Rows != c.train || plan.Splits[1].Rows != c.test || !slices.Equal(domains, c.domains) {
			t.Errorf("%s: train %d, test %d, domains %v; want %d, %d, %v", c.policy, plan.Splits[0].Rows, plan.Splits[1].Rows, domains, c.train, c.test, c.domains)
		}
	}
}

func TestRowsIsExact(t *testing.T) {
	r := recipes.Six(recipe.ExactRows, recipe.SmallestPool)
	r.Splits[0].Size.Rows = 1001
	plan, err := New(r, sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	if plan.Splits[0].Rows != 1001 {
		t.Errorf("rows = %d, want 1001", plan.Splits[0].Rows)
	}
}

// The real rows that data sets have in the tests: 24,206 and 4,841.
func TestPlanOfTheRealRows(t *testing.T) {
	plan, err := New(recipes.Six(recipe.KeepTotal, recipe.KeepTotal), rowCounts(map[string][]int64{
		"gsm8k": {6227, 1246}, "math": {6250, 1250}, "squad2": {5065, 1013}, "hotpotqa": {6171, 1234}, "humaneval": {137, 27}, "mbpp": {356, 71},
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]int64
	for _, split := range plan.Splits {
		rows := []int64{split.Rows}
		for _, domain := range split.Domains {
			rows = append(rows, domain.Rows)
		}
		got = append(got, rows)
	}
	if diff := cmp.Diff([][]int64{{24206, 9682, 7262, 7262}, {4841, 1937, 1452, 1452}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPlanDoesNotDependOnTheOrderOfTheManifest(t *testing.T) {
	one := recipes.Six(recipe.KeepTotal, recipe.SmallestPool)
	other := recipes.Six(recipe.KeepTotal, recipe.SmallestPool)
	slices.Reverse(other.Domains)
	for i := range other.Domains {
		slices.Reverse(other.Domains[i].Datasets)
	}
	a, errA := New(one, sixCounts())
	b, errB := New(other, sixCounts())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.Digest() != b.Digest() {
		t.Error("the plan's digest depends on the order of declaration")
	}
	if b.Splits[0].Domains[0].Name != "code" || b.Splits[0].Domains[0].Datasets[0].Name != "mbpp" {
		t.Error("the plan does not keep the order of declaration for people")
	}
}

func TestInfeasiblePlansSayWhyAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*recipe.Recipe, Counts)
		want   string // facts
	}{
		{"a data set without rows", func(_ *recipe.Recipe, c Counts) { c["humaneval"] = Count{Rows: []int64{137, 0}} }, "test: humaneval code None"},
		{"a domain without rows", func(r *recipe.Recipe, c Counts) {
			r.Domains[2].Balance = recipe.None
			c["humaneval"], c["mbpp"] = Count{Rows: []int64{1, 0}}, Count{Rows: []int64{1, 0}}
		}, "test: code"},
		{"a data set without rows where all are cut to the smallest", func(r *recipe.Recipe, c Counts) {
			r.Domains[2].Balance = recipe.Smallest
			c["humaneval"] = Count{Rows: []int64{137, 0}}
		}, "test: humaneval Smallest code None"},
		{"a cap", func(r *recipe.Recipe, _ Counts) { r.MaxRepeats = 100 }, "train: 160107 humaneval 137 up to 176 maxRepeats 100 91338 humaneval 137 humaneval"},
		{"a cap on draws", func(r *recipe.Recipe, _ Counts) { r.MaxRepeats, r.Resample = 100, recipe.WithReplacement }, "train: 160107 humaneval 137 at least 176 maxRepeats 100 no total 91338 humaneval 137 humaneval"},
		{"no repeats of no rows", func(r *recipe.Recipe, c Counts) {
			r.Splits[1].Size.Policy, c["mbpp"] = recipe.NoRepeat, Count{Rows: []int64{356, 0}}
		}, "test: mbpp code None"},
		{"a domain without tokens", func(r *recipe.Recipe, c Counts) {
			r.Unit = recipe.InTokens
			inUnits(c, func(name string, rows int64) int64 {
				if name == "humaneval" || name == "mbpp" {
					return 0
				}
				return 9 * rows
			})
		}, "train: code Tokens Rows"},
		{"a data set without bytes that has a share", func(r *recipe.Recipe, c Counts) {
			r.Unit, r.Domains[2].Balance = recipe.InBytes, recipe.Shares
			r.Domains[2].Datasets[0].Share, r.Domains[2].Datasets[1].Share = 1, 2
			inUnits(c, func(name string, rows int64) int64 {
				if name == "mbpp" {
					return 0
				}
				return 9 * rows
			})
		}, "train: 356 mbpp code Bytes Rows"},
		{"nothing at all", func(r *recipe.Recipe, _ Counts) { r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows} }, "train: 0"},
	} {
		r, counts := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), sixCounts()
		c.change(&r, counts)
		if _, err := New(r, counts); infeasibility(err) != c.want {
			t.Errorf("%s: %v has the facts %q, want %q", c.what, err, infeasibility(err), c.want)
		}
	}
	if _, err := New(recipes.Six(recipe.KeepTotal, recipe.KeepTotal), Counts{}); err == nil {
		t.Error("a plan without counts was made")
	}
}

// The largest total within a cap is really the largest: that total passes, the next one does not.
func TestTheTotalThatAnErrorNamesIsTheLargest(t *testing.T) {
	r := recipes.Six(recipe.ExactRows, recipe.KeepTotal)
	for _, rows := range []int64{91338, 91339} {
		r.Splits[0].Size.Rows, r.MaxRepeats = rows, 100
		r.Splits[1].Size = recipe.Size{Policy: recipe.SmallestPool}
		_, err := New(r, sixCounts())
		if ok := err == nil; ok != (rows == 91338) {
			t.Errorf("%d rows with at most 100 repeats: %v", rows, err)
		}
	}
}

// The JSON form of a plan is an interface: other programs read it.
func TestPlanAsJSON(t *testing.T) {
	plan := Plan{Splits: []Split{{Name: "train", Rows: 2, Domains: []Domain{{Name: "math", Rows: 2, Datasets: []Dataset{passes("gsm8k", 1, 1, 2, 1, 2)}}}}}}
	got, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"splits":[{"name":"train","rows":2,"domains":[{"name":"math","rows":2,"datasets":[{"name":"gsm8k","available":1,"balanced":1,"rows":2,"unique":1,"maxRepeats":2}]}]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	plan.Splits[0].Units, plan.Splits[0].Domains[0].Units = 90, 90
	plan.Splits[0].Domains[0].Datasets[0] = Dataset{Name: "gsm8k", Available: 1, Balanced: 1, Rows: 2, Units: 90, Drawn: true}
	if got, err = json.Marshal(plan); err != nil {
		t.Fatal(err)
	}
	want = `{"splits":[{"name":"train","rows":2,"units":90,"domains":[{"name":"math","rows":2,"units":90,"datasets":[{"name":"gsm8k","available":1,"balanced":1,"rows":2,"unique":0,"maxRepeats":0,"units":90,"drawn":true}]}]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
