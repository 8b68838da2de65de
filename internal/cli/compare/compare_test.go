package compare

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// rows are those of the six data sets.
var rows = map[string]int64{"gsm8k": 7473, "math": 7500, "squad2": 87599, "hotpotqa": 88966, "humaneval": 164, "mbpp": 427}

// TestMixes: what runs, and which member of the recipe makes it run. cmd/kubectl-datasetmix compares predictions with builds.
func TestMixes(t *testing.T) {
	tests := []struct {
		name string
		edit func(*recipe.Recipe)
		want []string
	}{
		{"nothing", func(*recipe.Recipe) {}, []string{"download 0/6", "split 0/6", "balance 0/1", "mix 0/2", "publish 0/1"}},
		{"a share", func(r *recipe.Recipe) { r.Domains[0].Share++ },
			[]string{"download 0/6", "split 0/6", "balance 1/1 domains", "mix 2/2 domains", "publish 1/1 domains"}},
		{"the seed and the order", func(r *recipe.Recipe) { r.Seed, r.Order = 43, recipe.Interleaved },
			[]string{"download 0/6", "split 6/6 seed", "balance 1/1 seed", "mix 2/2 order seed", "publish 1/1 order seed"}},
		{"revisions that are kept", func(r *recipe.Recipe) { r.Output.KeepRevisions++ },
			[]string{"download 0/6", "split 0/6", "balance 0/1", "mix 0/2", "publish 0/1"}},
		{"the path", func(r *recipe.Recipe) { r.Output.Path = "elsewhere" },
			[]string{"download 6/6 output.path", "split 6/6 output.path", "balance 1/1 output.path", "mix 2/2 output.path", "publish 1/1 output.path"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			after := six()
			test.edit(&after)
			got, err := Mixes(Side{Recipe: six(), Rows: rows}, Side{Recipe: after})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, stage := range got.Stages {
				lines = append(lines, strings.TrimSpace(strings.Join(append([]string{string(stage.Name), ratio(len(stage.Runs), stage.Of)}, stage.Since...), " ")))
			}
			if diff := cmp.Diff(test.want, lines); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
			if got.Differs() != (test.name != "nothing") || got.Unknown != nil {
				t.Errorf("differs: %v, %+v", got.Differs(), got.Changes)
			}
		})
	}
}

func ratio(n, of int) string { return string(rune('0'+n)) + "/" + string(rune('0'+of)) }

// TestUnknownRows: without them there are no counts, and the stages all the same.
func TestUnknownRows(t *testing.T) {
	after := six()
	after.Domains[0].Share++
	got, err := Mixes(Side{Recipe: six()}, Side{Recipe: after})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Unknown) != 6 || got.Counts != nil || len(got.Stages[3].Runs) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestChanges(t *testing.T) {
	after := six()
	after.Seed = 7
	after.Domains[1].Datasets[0].Name = "renamed"
	var paths []string
	for _, change := range changes(six(), after) {
		paths = append(paths, change.Path)
	}
	old := six().Domains[1]
	want := []string{"domains[" + old.Name + "].datasets[renamed]", "domains[" + old.Name + "].datasets[" + old.Datasets[0].Name + "]", "seed"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func six() recipe.Recipe { return recipes.Six(recipe.KeepTotal, recipe.KeepTotal) }
