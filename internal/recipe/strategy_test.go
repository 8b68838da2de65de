package recipe

import (
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// six is the recipe of the six data sets.
func six(train, test SizePolicy) Recipe {
	dataset := func(name string) Dataset {
		return Dataset{Name: name, Source: Source{Volume: &Volume{ClaimName: "c", Path: name}}, Record: Record{Preset: name}}
	}
	domain := func(name string, share int64, datasets ...string) Domain {
		d := Domain{Name: name, Share: share, Balance: Largest}
		for _, n := range datasets {
			d.Datasets = append(d.Datasets, dataset(n))
		}
		return d
	}
	return Recipe{
		Name: "grpo-six", Seed: 42, Order: Shuffled, Output: Output{Path: "grpo-six", Format: JSONL, KeepRevisions: 3},
		Splits:  []Split{{"train", 5, Size{Policy: train}}, {"test", 1, Size{Policy: test}}},
		Domains: []Domain{domain("math", 4, "gsm8k", "math"), domain("qa", 3, "squad2", "hotpotqa"), domain("code", 3, "humaneval", "mbpp")},
	}
}

// sixCounts are the rows of the six data sets after the split.
func sixCounts() Counts {
	return rowCounts(map[string][]int64{"gsm8k": {6227, 1246}, "math": {6250, 1250}, "squad2": {72999, 14600}, "hotpotqa": {74138, 14828}, "humaneval": {137, 27}, "mbpp": {356, 71}})
}

// rowCounts are counts of rows alone.
func rowCounts(rows map[string][]int64) Counts {
	counts := Counts{}
	for name, n := range rows {
		counts[name] = Count{Rows: n}
	}
	return counts
}

// passes is a data set's plan where rows are used in passes.
func passes(name string, available, balanced, rows, unique, maxRepeats int64) DatasetPlan {
	return DatasetPlan{Name: name, Available: available, Balanced: balanced, Rows: rows, Unique: unique, MaxRepeats: maxRepeats}
}

func TestPlanOfTheStrategyKeepTotal(t *testing.T) {
	plan, err := six(KeepTotal, KeepTotal).Plan(sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{Splits: []SplitPlan{
		{Name: "train", Rows: 160107, Domains: []DomainPlan{
			{Name: "math", Rows: 64043, Datasets: []DatasetPlan{passes("gsm8k", 6227, 6250, 32021, 6227, 6), passes("math", 6250, 6250, 32022, 6250, 6)}},
			{Name: "qa", Rows: 48032, Datasets: []DatasetPlan{passes("squad2", 72999, 74138, 24016, 24016, 1), passes("hotpotqa", 74138, 74138, 24016, 24016, 1)}},
			{Name: "code", Rows: 48032, Datasets: []DatasetPlan{passes("humaneval", 137, 356, 24016, 137, 176), passes("mbpp", 356, 356, 24016, 356, 68)}},
		}},
		{Name: "test", Rows: 32022, Domains: []DomainPlan{
			{Name: "math", Rows: 12809, Datasets: []DatasetPlan{passes("gsm8k", 1246, 1250, 6404, 1246, 6), passes("math", 1250, 1250, 6405, 1250, 6)}},
			{Name: "qa", Rows: 9607, Datasets: []DatasetPlan{passes("squad2", 14600, 14828, 4804, 4804, 1), passes("hotpotqa", 14828, 14828, 4803, 4803, 1)}},
			{Name: "code", Rows: 9606, Datasets: []DatasetPlan{passes("humaneval", 27, 71, 4803, 27, 178), passes("mbpp", 71, 71, 4803, 71, 68)}},
		}},
	}}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("the plan differs (-want +got):\n%s", diff)
	}
}

func TestTotalsOfEveryPolicy(t *testing.T) {
	for _, c := range []struct {
		policy      SizePolicy
		train, test int64
		domains     []int64 // of train: math, qa, code
	}{
		{KeepTotal, 160107, 32022, []int64{64043, 48032, 48032}},
		{SmallestPool, 2373, 473, []int64{949, 712, 712}},
		{NoRepeat, 918, 185, []int64{367, 276, 275}},
	} {
		plan, err := six(c.policy, c.policy).Plan(sixCounts())
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
	r := six(ExactRows, SmallestPool)
	r.Splits[0].Size.Rows = 1001
	plan, err := r.Plan(sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	if plan.Splits[0].Rows != 1001 {
		t.Errorf("rows = %d, want 1001", plan.Splits[0].Rows)
	}
}

// The real rows that data sets have in the tests: 24,206 and 4,841.
func TestPlanOfTheRealRows(t *testing.T) {
	plan, err := six(KeepTotal, KeepTotal).Plan(rowCounts(map[string][]int64{
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
	one := six(KeepTotal, SmallestPool)
	other := six(KeepTotal, SmallestPool)
	slices.Reverse(other.Domains)
	for i := range other.Domains {
		slices.Reverse(other.Domains[i].Datasets)
	}
	a, errA := one.Plan(sixCounts())
	b, errB := other.Plan(sixCounts())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if one.PlanDigest(a) != other.PlanDigest(b) {
		t.Error("the plan's digest depends on the order of declaration")
	}
	if b.Splits[0].Domains[0].Name != "code" || b.Splits[0].Domains[0].Datasets[0].Name != "mbpp" {
		t.Error("the plan does not keep the order of declaration for people")
	}
}

func TestInfeasiblePlansSayWhyAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Recipe, Counts)
		want   []string
	}{
		{"a data set without rows", func(_ *Recipe, c Counts) { c["humaneval"] = Count{Rows: []int64{137, 0}} }, []string{"split test", "humaneval", "balance of domain code", "larger share"}},
		{"a domain without rows", func(r *Recipe, c Counts) {
			r.Domains[2].Balance = None
			c["humaneval"], c["mbpp"] = Count{Rows: []int64{1, 0}}, Count{Rows: []int64{1, 0}}
		}, []string{"split test", "domain code has no row"}},
		{"a data set without rows where all are cut to the smallest", func(r *Recipe, c Counts) {
			r.Domains[2].Balance = Smallest
			c["humaneval"] = Count{Rows: []int64{137, 0}}
		}, []string{"split test", "humaneval has no row", "cuts all of domain code"}},
		{"a cap", func(r *Recipe, _ Counts) { r.MaxRepeats = 100 }, []string{"humaneval, which has 137", "up to 176 times", "limits.maxRepeats is 100",
			"largest total within the limit is 91338 rows, because of data set humaneval, which has 137", "add rows to humaneval"}},
		{"a cap on draws", func(r *Recipe, _ Counts) { r.MaxRepeats, r.Resample = 100, WithReplacement }, []string{"humaneval, which has 137", "at least 176 times",
			"no total is within the limit above 91338 rows, because of data set humaneval"}},
		{"no repeats of no rows", func(r *Recipe, c Counts) {
			r.Splits[1].Size.Policy, c["mbpp"] = NoRepeat, Count{Rows: []int64{356, 0}}
		}, []string{"split test", "mbpp has no row", "larger share"}},
		{"a domain without tokens", func(r *Recipe, c Counts) {
			r.Unit = InTokens
			inUnits(c, func(name string, rows int64) int64 {
				if name == "humaneval" || name == "mbpp" {
					return 0
				}
				return 9 * rows
			})
		}, []string{"split train", "domain code have no tokens", "cannot be measured in Tokens", "measure shares in Rows"}},
		{"a data set without bytes that has a share", func(r *Recipe, c Counts) {
			r.Unit, r.Domains[2].Balance = InBytes, Shares
			r.Domains[2].Datasets[0].Share, r.Domains[2].Datasets[1].Share = 1, 2
			inUnits(c, func(name string, rows int64) int64 {
				if name == "mbpp" {
					return 0
				}
				return 9 * rows
			})
		}, []string{"split train", "356 rows of data set mbpp have no bytes", "share of domain code", "measured in Bytes"}},
		{"nothing at all", func(r *Recipe, _ Counts) { r.Splits[0].Size = Size{Policy: ExactRows} }, []string{"0 rows"}},
	} {
		r, counts := six(KeepTotal, KeepTotal), sixCounts()
		c.change(&r, counts)
		_, err := r.Plan(counts)
		var infeasible *InfeasibleError
		if !errors.As(err, &infeasible) {
			t.Errorf("%s: error %v is not an InfeasibleError", c.what, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.what, err, part)
			}
		}
	}
	if _, err := six(KeepTotal, KeepTotal).Plan(Counts{}); err == nil {
		t.Error("a plan without counts was made")
	}
}

// The largest total within a cap is really the largest: that total passes, the next one does not.
func TestTheTotalThatAnErrorNamesIsTheLargest(t *testing.T) {
	r := six(ExactRows, KeepTotal)
	for _, rows := range []int64{91338, 91339} {
		r.Splits[0].Size.Rows, r.MaxRepeats = rows, 100
		r.Splits[1].Size = Size{Policy: SmallestPool}
		_, err := r.Plan(sixCounts())
		if ok := err == nil; ok != (rows == 91338) {
			t.Errorf("%d rows with at most 100 repeats: %v", rows, err)
		}
	}
}

func TestNormalizeShares(t *testing.T) {
	rats := func(texts ...string) []*big.Rat {
		var out []*big.Rat
		for _, text := range texts {
			r, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatalf("%q is no number", text)
			}
			out = append(out, r)
		}
		return out
	}
	for _, c := range []struct {
		shares []*big.Rat
		want   []int64
		err    string
	}{
		{rats("4", "3", "3"), []int64{4, 3, 3}, ""},
		{rats("0.4", "0.3", "0.3"), []int64{4, 3, 3}, ""},
		{rats("40", "30", "30"), []int64{4, 3, 3}, ""},
		{rats("0.5", "0.25", "0.125"), []int64{4, 2, 1}, ""},
		{rats("7"), []int64{1}, ""},
		{rats("1", "0"), nil, "above zero"},
		{rats("1", "-1"), nil, "above zero"},
		{rats("0.333333333", "0.666666667"), nil, "round them"},
		{rats("1e30", "1"), nil, "round them"},
	} {
		got, err := NormalizeShares(c.shares)
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("NormalizeShares(%v): error %v, want %q", c.shares, err, c.err)
		}
		if c.err == "" && (err != nil || !slices.Equal(got, c.want)) {
			t.Errorf("NormalizeShares(%v) = %v, %v; want %v", c.shares, got, err, c.want)
		}
	}
}

// The JSON form of a plan is an interface: other programs read it.
func TestPlanAsJSON(t *testing.T) {
	plan := Plan{Splits: []SplitPlan{{Name: "train", Rows: 2, Domains: []DomainPlan{{Name: "math", Rows: 2, Datasets: []DatasetPlan{passes("gsm8k", 1, 1, 2, 1, 2)}}}}}}
	got, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"splits":[{"name":"train","rows":2,"domains":[{"name":"math","rows":2,"datasets":[{"name":"gsm8k","available":1,"balanced":1,"rows":2,"unique":1,"maxRepeats":2}]}]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	plan.Splits[0].Units, plan.Splits[0].Domains[0].Units = 90, 90
	plan.Splits[0].Domains[0].Datasets[0] = DatasetPlan{Name: "gsm8k", Available: 1, Balanced: 1, Rows: 2, Units: 90, Drawn: true}
	if got, err = json.Marshal(plan); err != nil {
		t.Fatal(err)
	}
	want = `{"splits":[{"name":"train","rows":2,"units":90,"domains":[{"name":"math","rows":2,"units":90,"datasets":[{"name":"gsm8k","available":1,"balanced":1,"rows":2,"unique":0,"maxRepeats":0,"units":90,"drawn":true}]}]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
