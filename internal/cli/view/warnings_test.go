package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// TestWarnings: what repeats in the split that is trained on, and what scores over the others are worth.
func TestWarnings(t *testing.T) {
	r := recipe.Recipe{Splits: []recipe.Split{{Name: "test", Share: 1}, {Name: "train", Share: 5}}}
	split := func(name string, datasets ...plan.Dataset) plan.Split {
		out := plan.Split{Name: name, Domains: []plan.Domain{{Name: "all", Datasets: datasets}}}
		for _, dataset := range datasets {
			out.Rows += dataset.Rows
		}
		return out
	}
	once := func(name string, rows int64) plan.Dataset {
		return plan.Dataset{Name: name, Rows: rows, Unique: rows, MaxRepeats: 1}
	}
	tests := []struct {
		what string
		plan plan.Plan
		want []string
	}{
		{"nothing to warn of", plan.Plan{Splits: []plan.Split{split("test", once("a", 100)), split("train", once("a", 7), plan.Dataset{Name: "b", Rows: 8, Unique: 2, MaxRepeats: 4})}}, nil},
		{"rows that are trained on often", plan.Plan{Splits: []plan.Split{split("test", once("a", 500)),
			split("train", once("a", 900), plan.Dataset{Name: "b", Rows: 9000, Unique: 1800, MaxRepeats: 5}, plan.Dataset{Name: "c", Rows: 600, Unique: 6, MaxRepeats: 100})}},
			[]string{"- train repeats rows of b (1,800 rows, up to 5 times) and c (6 rows, up to 100 times); size: {policy: NoRepeat} repeats none, limits.maxRepeats refuses more than you want."}},
		{"a test split that repeats, and few rows", plan.Plan{Splits: []plan.Split{split("test", once("a", 2000), plan.Dataset{Name: "b", Rows: 400, Unique: 25, MaxRepeats: 16}, once("c", 1)), split("train", once("a", 900))}},
			[]string{
				"- test has 2,401 rows, but only 2,026 different ones: a score over the mixed file counts some rows more often than others.",
				"- test has few different rows of b (25, ±20 points) and c (1, ±50 points); the points are the 95 % interval of a score near one half.",
			}},
		{"draws, which only a build counts", plan.Plan{Splits: []plan.Split{split("test", plan.Dataset{Name: "a", Rows: 10, Drawn: true}), split("train", plan.Dataset{Name: "a", Rows: 10, Drawn: true})}}, nil},
		{"a data set that the split has nothing of", plan.Plan{Splits: []plan.Split{split("test", plan.Dataset{Name: "a"}, once("b", 100)), split("train", once("b", 100))}}, nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, Warnings(r, test.plan)); diff != "" {
			t.Errorf("%s:\n%s", test.what, diff)
		}
	}
}
