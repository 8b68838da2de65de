package plan

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// used returns how often each row of a planned data set is in the mixed split.
func used(r recipe.Recipe, split string, dataset Dataset) []int64 {
	times, draws := make([]int64, dataset.Available), Draws(r, split, dataset)
	for o := range dataset.Rows {
		_, row := draws.At(o)
		times[row]++
	}
	return times
}

// order returns the first rows of a planned data set in the mixed split, with the pass of each.
func order(r recipe.Recipe, split string, dataset Dataset, rows int64) [][2]int64 {
	places, draws := [][2]int64{}, Draws(r, split, dataset)
	for o := range rows {
		pass, row := draws.At(o)
		places = append(places, [2]int64{pass, row})
	}
	return places
}

func find(t *testing.T, split Split, name string) Dataset {
	t.Helper()
	datasets := split.Datasets()
	i := slices.IndexFunc(datasets, func(d Dataset) bool { return d.Name == name })
	if i < 0 {
		t.Fatalf("no data set %s in the plan", name)
	}
	return datasets[i]
}

// A larger mix has every row of a smaller one, as often or more often: whoever wants more data loses none.
func TestALargerTotalExtendsASmallerOne(t *testing.T) {
	random := rand.New(rand.NewPCG(37, 38))
	for range 100 {
		r := recipes.Six(recipe.ExactRows, recipe.SmallestPool)
		r.Resample = []recipe.Resample{recipe.Passes, recipe.WithReplacement}[random.IntN(2)]
		r.Splits[0].Size.Rows = 1 + random.Int64N(5_000)
		one := planned(t, r)
		r.Splits[0].Size.Rows += 1 + random.Int64N(5_000)
		other := planned(t, r)
		for _, before := range one.Datasets() {
			after := find(t, other, before.Name)
			if after.Rows < before.Rows || after.Drawn != before.Drawn {
				continue // a sample becomes draws where the rows no longer suffice: mix.WithReplacement says so
			}
			more := used(r, "train", after)
			for row, times := range used(r, "train", before) {
				if more[row] < times {
					t.Fatalf("row %d of %s is %d times in %d rows, and %d times in %d", row, before.Name, times, one.Rows, more[row], other.Rows)
				}
			}
		}
	}
}

// What only the draws tell, the draws of the plan's data sets do tell, and what the plan tells is what they say.
func TestThePlanTellsWhatIsUsed(t *testing.T) {
	for _, resample := range []recipe.Resample{recipe.Passes, recipe.WithReplacement} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Resample = resample
		for _, dataset := range planned(t, r).Datasets() {
			unique, most := int64(0), int64(0)
			for _, times := range used(r, "train", dataset) {
				unique += min(times, 1)
				most = max(most, times)
			}
			if dataset.Drawn && most < dataset.leastRepeats() || !dataset.Drawn && (unique != dataset.Unique || most != dataset.MaxRepeats) {
				t.Errorf("%s %+v: %d rows are used, one of them %d times", resample, dataset, unique, most)
			}
		}
	}
}

// The order of a data set's rows depends on nothing but its own: not on which data sets stand next to it, nor on where.
func TestOtherDataSetsDoNotChangeTheOrderOfRows(t *testing.T) {
	for _, resample := range []recipe.Resample{recipe.Passes, recipe.WithReplacement} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Resample = resample
		before := planned(t, r)
		for what, change := range map[string]func(*recipe.Recipe, Counts){
			"another data set": func(r *recipe.Recipe, counts Counts) {
				r.Domains[1].Datasets = append(r.Domains[1].Datasets, recipe.Dataset{Name: "aqua"})
				counts["aqua"] = Count{Rows: []int64{5000, 1000}}
			},
			"another domain": func(r *recipe.Recipe, counts Counts) {
				r.Domains = append(r.Domains, recipe.Domain{Name: "a", Share: 1, Balance: recipe.None, Datasets: []recipe.Dataset{{Name: "aqua"}}})
				counts["aqua"] = Count{Rows: []int64{5000, 1000}}
			},
			"another order of the manifest": func(r *recipe.Recipe, _ Counts) { slices.Reverse(r.Domains) },
			"another name": func(r *recipe.Recipe, counts Counts) {
				r.Domains[0].Datasets[0].Name = "zzz"
				counts["zzz"] = counts["gsm8k"]
			},
		} {
			changed, counts := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), sixCounts()
			changed.Resample = resample
			change(&changed, counts)
			plan, err := New(changed, counts)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"math", "squad2", "humaneval"} {
				one, other := find(t, before, name), find(t, plan.Splits[0], name)
				rows := min(one.Rows, other.Rows)
				if one.Drawn == other.Drawn && !slices.Equal(order(r, "train", one, rows), order(changed, "train", other, rows)) {
					t.Errorf("%s, %s: the rows of %s are others", resample, what, name)
				}
			}
		}
	}
}
