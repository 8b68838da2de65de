package plan

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// expecting returns the six data sets with what their sources are expected to hold.
func expecting(rows map[string]int64) recipe.Recipe {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	for i := range r.Domains {
		for j := range r.Domains[i].Datasets {
			dataset := &r.Domains[i].Datasets[j]
			if n := rows[dataset.Name]; n > 0 {
				dataset.Source.Expect = &recipe.Expect{Rows: n}
			}
		}
	}
	return r
}

func TestCheckExpected(t *testing.T) {
	exact := func(r *recipe.Recipe, rows, most int64) {
		r.Splits[0].Size, r.MaxRepeats = recipe.Size{Policy: recipe.ExactRows, Rows: rows}, most
	}
	code := map[string]int64{"humaneval": 164, "mbpp": 427}
	for _, tc := range []struct {
		what   string
		rows   map[string]int64
		change func(*recipe.Recipe)
		want   string // the facts of the refusal; empty where a build may be possible
	}{
		{"nothing is expected", nil, func(r *recipe.Recipe) { exact(r, 1e9, 1) }, ""},
		{"no limit", code, func(r *recipe.Recipe) { exact(r, 1e9, 0) }, ""},
		{"as much as there is at the most", code, func(r *recipe.Recipe) { exact(r, 10*(164+427), 3) }, ""},
		{"one row of 30 % more", code, func(r *recipe.Recipe) { exact(r, 10*(164+427)+4, 3) }, "train: 1774 5914 code 591 at least 4 maxRepeats 3"},
		{"as much as could be repeated once more", code, func(r *recipe.Recipe) { exact(r, 10*(164+427), 2) }, "train: 1773 5910 code 591 at least 3 maxRepeats 2"},
		{"a total that follows from the rows", code, func(r *recipe.Recipe) { r.MaxRepeats = 1 }, ""},
		{"one of the domain is not known", map[string]int64{"mbpp": 4}, func(r *recipe.Recipe) { exact(r, 1e9, 1) }, ""},
		{"shares of bytes", code, func(r *recipe.Recipe) { exact(r, 1e9, 1); r.Unit = recipe.InBytes }, ""},
		{"a row for each split", map[string]int64{"mbpp": 2}, func(*recipe.Recipe) {}, ""},
		{"fewer rows than splits", map[string]int64{"mbpp": 1}, func(*recipe.Recipe) {}, "train: mbpp 1 2 code None"},
		{"fewer rows than splits, not balanced", map[string]int64{"mbpp": 1}, func(r *recipe.Recipe) { r.Domains[2].Balance = recipe.None }, ""},
	} {
		t.Run(tc.what, func(t *testing.T) {
			r := expecting(tc.rows)
			tc.change(&r)
			if err := CheckExpected(r); (err == nil) != (tc.want == "") || infeasibility(err) != tc.want {
				t.Errorf("%v has the facts %q, want %q", err, infeasibility(err), tc.want)
			}
		})
	}
}

// FuzzCheckExpected: what is refused by what is expected, no counts of that many rows can meet.
func FuzzCheckExpected(f *testing.F) {
	f.Add(int64(5914), int64(3), int64(164), int64(427), uint8(77))
	f.Add(int64(3), int64(1), int64(1), int64(2), uint8(0))
	f.Fuzz(func(t *testing.T, total, most, humaneval, mbpp int64, cut uint8) {
		if total < 1 || total > 10_000_000_000 || most < 1 || most > 1_000_000 || humaneval < 1 || humaneval > 1e6 || mbpp < 1 || mbpp > 1e6 {
			return
		}
		r := expecting(map[string]int64{"humaneval": humaneval, "mbpp": mbpp})
		r.Splits[0].Size, r.MaxRepeats = recipe.Size{Policy: recipe.ExactRows, Rows: total}, most
		if CheckExpected(r) == nil {
			return
		}
		counts := sixCounts()
		for name, rows := range map[string]int64{"humaneval": humaneval, "mbpp": mbpp} {
			first := rows * int64(cut) / 255
			counts[name] = Count{Rows: []int64{first, rows - first}}
		}
		if _, err := New(r, counts); err == nil {
			t.Errorf("%d rows with at most %d repeats of %d and %d can be made", total, most, humaneval, mbpp)
		}
	})
}
