package plan

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// inUnits sets the units of every data set by its name and rows.
func inUnits(counts Counts, units func(name string, rows int64) int64) {
	for name, count := range counts {
		count.Units = nil
		for _, rows := range count.Rows {
			count.Units = append(count.Units, units(name, rows))
		}
		counts[name] = count
	}
}

// A question of the reading data sets is about eight hundred bytes, one of the others two hundred: measured in bytes, the
// same shares leave them a quarter of the rows.
func TestSharesOfBytes(t *testing.T) {
	r, counts := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), sixCounts()
	r.Unit = recipe.InBytes
	inUnits(counts, func(name string, rows int64) int64 {
		if name == "squad2" || name == "hotpotqa" {
			return 800 * rows
		}
		return 200 * rows
	})
	plan, err := New(r, counts)
	if err != nil {
		t.Fatal(err)
	}
	// math, qa, code at 4/200, 3/800, 3/200 are 16 : 3 : 12 of 160,107.
	want := [][2]int64{{82636, 82636 * 200}, {15494, 15494 * 800}, {61977, 61977 * 200}}
	var got [][2]int64
	for _, domain := range plan.Splits[0].Domains {
		got = append(got, [2]int64{domain.Rows, domain.Units})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows and bytes of the domains (-want +got):\n%s", diff)
	}
	if total := 82636*200 + 15494*800 + 61977*200; plan.Splits[0].Rows != 160107 || plan.Splits[0].Units != int64(total) {
		t.Errorf("%d rows of %d bytes, want 160107 of %d", plan.Splits[0].Rows, plan.Splits[0].Units, total)
	}
}

// Equal rows have equal units, so the unit changes nothing but the report of it.
func TestUnitsOfEqualRowsChangeNoRow(t *testing.T) {
	for _, policy := range []recipe.SizePolicy{recipe.KeepTotal, recipe.SmallestPool, recipe.NoRepeat} {
		for _, balance := range []recipe.Balance{recipe.Largest, recipe.Smallest, recipe.None, recipe.Shares} {
			r, counts := recipes.Six(policy, policy), sixCounts()
			r.Domains[0].Balance = balance
			r.Domains[0].Datasets[0].Share, r.Domains[0].Datasets[1].Share = 2, 3
			rows, err := New(r, counts)
			if err != nil {
				t.Fatal(err)
			}
			r.Unit = recipe.InTokens
			inUnits(counts, func(_ string, rows int64) int64 { return 17 * rows })
			units, err := New(r, counts)
			if err != nil {
				t.Fatal(err)
			}
			for s := range units.Splits {
				split := &units.Splits[s]
				if split.Units != 17*split.Rows {
					t.Errorf("%s %s: %d tokens in %d rows", policy, balance, split.Units, split.Rows)
				}
				split.Units = 0
				for d := range split.Domains {
					split.Domains[d].Units = 0
					for i := range split.Domains[d].Datasets {
						split.Domains[d].Datasets[i].Units = 0
					}
				}
			}
			if diff := cmp.Diff(rows, units); diff != "" {
				t.Errorf("%s %s (-rows +tokens):\n%s", policy, balance, diff)
			}
		}
	}
}

// dumbSplit plans the rows of one split in rationals: each domain's rows by share over mean, by the rule as it is written.
func dumbSplit(r recipe.Recipe, split int, counts Counts, total int64) map[string]int64 {
	hand := func(total int64, names []string, weights map[string]*big.Rat) map[string]int64 {
		sum, out, rest, left := new(big.Rat), map[string]int64{}, map[string]*big.Rat{}, total
		for _, name := range names {
			sum.Add(sum, weights[name])
		}
		for _, name := range names {
			quota := new(big.Rat).Quo(new(big.Rat).Mul(big.NewRat(total, 1), weights[name]), sum)
			floor := new(big.Int).Quo(quota.Num(), quota.Denom())
			out[name], rest[name] = floor.Int64(), quota.Sub(quota, new(big.Rat).SetInt(floor))
			left -= floor.Int64()
		}
		for ; left > 0; left-- {
			next := names[0]
			for _, name := range names {
				if rest[name].Cmp(rest[next]) >= 0 {
					next = name
				}
			}
			out[next]++
			rest[next] = big.NewRat(-1, 1)
		}
		return out
	}
	mean := func(name string) *big.Rat { return big.NewRat(counts[name].Units[split], counts[name].Rows[split]) }
	var domains []string
	weights, pools := map[string]*big.Rat{}, map[string]map[string]*big.Rat{}
	for _, domain := range r.SortedDomains() {
		domains = append(domains, domain.Name)
		units, rows, largest := new(big.Rat), new(big.Rat), int64(0)
		for _, dataset := range domain.Datasets {
			largest = max(largest, counts[dataset.Name].Rows[split])
		}
		pools[domain.Name] = map[string]*big.Rat{}
		for _, dataset := range domain.Datasets {
			pool := big.NewRat(counts[dataset.Name].Rows[split], 1)
			if domain.Balance == recipe.Largest {
				pool = big.NewRat(largest, 1)
			}
			pools[domain.Name][dataset.Name] = pool
			units.Add(units, new(big.Rat).Mul(pool, mean(dataset.Name)))
			rows.Add(rows, pool)
		}
		weights[domain.Name] = new(big.Rat).Quo(new(big.Rat).Mul(big.NewRat(domain.Share, 1), rows), units)
	}
	out := map[string]int64{}
	for name, rows := range hand(total, domains, weights) {
		var datasets []string
		for dataset := range pools[name] {
			datasets = append(datasets, dataset)
		}
		slices.Sort(datasets)
		for dataset, n := range hand(rows, datasets, pools[name]) {
			out[dataset] = n
		}
	}
	return out
}

func TestUnitsAgreeWithTheDumbOne(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 32))
	for n := range 500 {
		r, counts := recipes.Six(recipe.ExactRows, recipe.ExactRows), sixCounts()
		r.Unit = recipe.InBytes
		for i := range r.Domains {
			r.Domains[i].Share, r.Domains[i].Balance = 1+random.Int64N(9), []recipe.Balance{recipe.Largest, recipe.None}[random.IntN(2)]
		}
		inUnits(counts, func(_ string, rows int64) int64 { return rows + random.Int64N(1000*rows) })
		for s := range r.Splits {
			r.Splits[s].Size.Rows = 1 + random.Int64N(1<<random.IntN(40))
		}
		plan, err := New(r, counts)
		if err != nil {
			t.Fatal(err)
		}
		for s, split := range plan.Splits {
			want := dumbSplit(r, s, counts, split.Rows)
			for _, dataset := range split.Datasets() {
				if dataset.Rows != want[dataset.Name] {
					t.Fatalf("%d, split %s: %d rows of %s, want %d", n, split.Name, dataset.Rows, dataset.Name, want[dataset.Name])
				}
			}
		}
	}
}

// 10^10 rows of 10^5 bytes are planned exactly.
func TestExpectedUnitsOfManyRows(t *testing.T) {
	for _, c := range []struct{ rows, units, available, want int64 }{
		{3, 10, 4, 8}, // 7.5
		{1, 10, 4, 3}, // 2.5
		{1, 9, 4, 2},
		{0, 9, 4, 0},
		{10_000_000_000, 1_000_000_000_000_000, 10_000_000_000, 1_000_000_000_000_000},
		{10_000_000_001, 999_999_999_999_999, 10_000_000_000, 1_000_000_000_099_999}, // and 99,999.9999…
	} {
		if got := expected(c.rows, c.units, c.available); got != c.want {
			t.Errorf("%d rows of data with %d units in %d rows: %d, want %d", c.rows, c.units, c.available, got, c.want)
		}
	}
}

// What only the draws tell is left out, and a plan of ten thousand million rows takes no longer than one of ten.
func TestPlanOfDraws(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.ExactRows)
	r.Resample, r.Splits[1].Size.Rows = recipe.WithReplacement, 10_000_000_000
	plan, err := New(r, sixCounts())
	if err != nil {
		t.Fatal(err)
	}
	want := []Dataset{
		{Name: "gsm8k", Available: 6227, Balanced: 6250, Rows: 32021, Drawn: true},
		{Name: "hotpotqa", Available: 74138, Balanced: 74138, Rows: 24016, Unique: 24016, MaxRepeats: 1}, // a sample, not draws
	}
	if diff := cmp.Diff(want, plan.Splits[0].Datasets()[:2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, dataset := range plan.Splits[0].Datasets() {
		if drawn := Draws(r, "train", dataset).Drawn(); drawn != dataset.Drawn {
			t.Errorf("data set %s: drawn is %v, planned %v", dataset.Name, drawn, dataset.Drawn)
		}
	}
	if r.Resample = recipe.Passes; Draws(r, "train", plan.Splits[0].Datasets()[0]).Drawn() {
		t.Error("passes are drawn")
	}
}

// Each split draws with a key of its own: a data set's draws of one say nothing about those of another.
func TestDrawsOfASplitHaveTheirOwnKey(t *testing.T) {
	r := recipe.Recipe{Seed: 42, Resample: recipe.WithReplacement}
	dataset := Dataset{Available: 1000, Rows: 1001}
	want := mix.WithReplacement(1000, 1001, mix.NewKey(42, "replace/train"))
	if got := Draws(r, "train", dataset); got != want {
		t.Errorf("draws %+v, want %+v", got, want)
	}
	if Draws(r, "test", dataset) == want {
		t.Error("two splits draw alike")
	}
}

// small returns a mix of few rows, for trying everything.
func small(random *rand.Rand) (recipe.Recipe, Counts) {
	r := recipe.Recipe{Splits: []recipe.Split{{Name: "all", Share: 1, Size: recipe.Size{Policy: recipe.ExactRows}}}, MaxRepeats: 1 + random.Int64N(4)}
	rows := map[string][]int64{}
	for d := range 1 + random.IntN(3) {
		domain := recipe.Domain{Name: fmt.Sprint("d", d), Share: 1 + random.Int64N(5), Balance: []recipe.Balance{recipe.Largest, recipe.Smallest, recipe.None, recipe.Shares}[random.IntN(4)]}
		for i := range 1 + random.IntN(3) {
			name := fmt.Sprint("d", d, "-", i)
			domain.Datasets = append(domain.Datasets, recipe.Dataset{Name: name, Share: 1 + random.Int64N(3)})
			rows[name] = []int64{1 + random.Int64N(5)}
		}
		r.Domains = append(r.Domains, domain)
	}
	counts := rowCounts(rows)
	if random.IntN(2) == 0 {
		r.Unit = recipe.InTokens
		inUnits(counts, func(_ string, rows int64) int64 { return rows + random.Int64N(20*rows) })
	}
	return r, counts
}

// The total that a refusal names is the largest of all that pass, and the data set that it names is one that has too few rows
// for one row more, not only the one whose rows repeat most at the size that was asked for.
func TestRepeatsAgreeWithTryingEveryTotal(t *testing.T) {
	random := rand.New(rand.NewPCG(33, 34))
	for range 100 {
		r, counts := small(random)
		most := int64(0) // at least one of up to 3·3·5 rows repeats more than 4 times in 200
		for total := int64(1); total <= 200; total++ {
			r.Splits[0].Size.Rows = total
			if _, err := New(r, counts); err == nil {
				most = total
			}
		}
		r.Splits[0].Size.Rows = 10_000
		_, err := New(r, counts)
		facts := strings.Fields(infeasibility(err)) // split, rows, data set, its rows, up, to, repeats, maxRepeats, its value, total, data set in the way …
		if len(facts) < 11 || facts[9] != strconv.FormatInt(most, 10) {
			t.Fatalf("%+v %+v: %q does not name the total %d", r, counts, err, most)
		}
		limit := r.MaxRepeats
		r.Splits[0].Size.Rows, r.MaxRepeats = most+1, 0
		plan, err := New(r, counts)
		if err != nil {
			t.Fatal(err)
		}
		named := false
		for _, dataset := range plan.Splits[0].Datasets() {
			named = named || dataset.MaxRepeats > limit && facts[10] == dataset.Name
		}
		if !named {
			t.Fatalf("%+v: %q names no data set that limits %d rows: %+v", counts, facts, most+1, plan)
		}
	}
}

// Here the data set that repeats most is not the one in the way: both have three rows, and at 13 rows rounding gives the
// seventh to the one that sorts last.
func TestTheDataSetInTheWayIsTheOneThatRoundingGivesTheRow(t *testing.T) {
	r := recipe.Recipe{Splits: []recipe.Split{{Name: "all", Share: 1, Size: recipe.Size{Policy: recipe.ExactRows, Rows: 20}}}, MaxRepeats: 2, Domains: []recipe.Domain{
		{Name: "d", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{Name: "d0-0"}, {Name: "d0-1"}}},
	}}
	_, err := New(r, rowCounts(map[string][]int64{"d0-0": {3}, "d0-1": {3}}))
	if got, want := infeasibility(err), "all: 20 d0-0 3 up to 4 maxRepeats 2 12 d0-1 3 d0-1"; got != want {
		t.Errorf("%v has the facts %q, want %q", err, got, want)
	}
}

func TestSplitCounts(t *testing.T) {
	rows := map[string]int64{"gsm8k": 7473, "math": 7500, "squad2": 87599, "hotpotqa": 88966, "humaneval": 164, "mbpp": 427}
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	got, err := SplitCounts(r, rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sixCounts(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	units := map[string]int64{}
	for name, n := range rows {
		units[name] = 100*n + 3
	}
	r.Unit = recipe.InBytes
	if got, err = SplitCounts(r, rows, units); err != nil {
		t.Fatal(err)
	}
	// 5 of 6 of the 3 bytes over, by rows: 2.49975… and 0.50019… of 7473 rows
	if diff := cmp.Diff(Count{Rows: []int64{6227, 1246}, Units: []int64{622702, 124601}}, got["gsm8k"]); diff != "" {
		t.Errorf("gsm8k (-want +got):\n%s", diff)
	}
	rows["mbpp"], units["mbpp"] = 0, 0
	if got, err = SplitCounts(r, rows, units); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Count{Rows: []int64{0, 0}, Units: []int64{0, 0}}, got["mbpp"]); diff != "" {
		t.Errorf("mbpp, which is empty (-want +got):\n%s", diff)
	}
}

func TestSplitCountsRefuseWhatTheyCannotUse(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(r *recipe.Recipe, rows, units map[string]int64)
		want   string
	}{
		{"a data set is missing", func(_ *recipe.Recipe, rows, _ map[string]int64) { delete(rows, "math") }, "math gsm8k hotpotqa humaneval math mbpp squad2"},
		{"an unknown data set", func(_ *recipe.Recipe, rows, _ map[string]int64) { rows["maths"] = 1 }, "maths gsm8k hotpotqa humaneval math mbpp squad2"},
		{"less than nothing", func(_ *recipe.Recipe, rows, _ map[string]int64) { rows["math"] = -1 }, "math -1"},
		{"a data set's units are missing", func(_ *recipe.Recipe, _, units map[string]int64) { delete(units, "mbpp") }, "mbpp gsm8k hotpotqa humaneval math mbpp squad2"},
		{"units without rows", func(_ *recipe.Recipe, rows, _ map[string]int64) { rows["mbpp"] = 0 }, "mbpp 9"},
		{"no units at all", func(_ *recipe.Recipe, _, units map[string]int64) { clear(units) }, "Bytes"},
	} {
		r, rows, units := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), map[string]int64{}, map[string]int64{}
		r.Unit = recipe.InBytes
		for _, name := range r.DatasetNames() {
			rows[name], units[name] = 9, 9
		}
		c.change(&r, rows, units)
		if len(units) == 0 {
			units = nil
		}
		if _, err := SplitCounts(r, rows, units); err == nil || factsOf(err) != c.want {
			t.Errorf("%s: error %v, want the facts %q", c.what, err, c.want)
		}
	}
}

func TestPlanRefusesCountsThatContradict(t *testing.T) {
	for _, c := range []struct {
		what  string
		count Count
		want  string
	}{
		{"no units", Count{Rows: []int64{9, 9}}, "0 mbpp 2"},
		{"rows of one split", Count{Rows: []int64{9}, Units: []int64{9, 9}}, "1 mbpp 2"},
		{"units of no row", Count{Rows: []int64{9, 0}, Units: []int64{9, 9}}, "mbpp 9 0"},
		{"less than no unit", Count{Rows: []int64{9, 9}, Units: []int64{9, -9}}, "mbpp -9 9"},
	} {
		r, counts := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), sixCounts()
		r.Unit = recipe.InBytes
		inUnits(counts, func(_ string, rows int64) int64 { return rows })
		counts["mbpp"] = c.count
		if _, err := New(r, counts); err == nil || infeasibility(err) != "" || factsOf(err) != c.want {
			t.Errorf("%s: error %v, want the facts %q", c.what, err, c.want)
		}
	}
}
