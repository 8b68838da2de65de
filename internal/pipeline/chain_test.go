package pipeline

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// chainOf is the chain of a mix whose data sets have so many bytes each, once they are split.
func chainOf(t *testing.T, r recipe.Recipe, bytes int64) string {
	t.Helper()
	results := map[string]Result{}
	next := func() []Node {
		graph, err := Walk(r, results)
		if err != nil {
			t.Fatal(err)
		}
		if got := Chain(r, graph, results); got != "" {
			t.Errorf("before everything is split the chain is %q", got)
		}
		return graph.Next().Missing
	}
	for _, unit := range next() {
		results[unit.Key] = Result{Download: &DownloadResult{Digest: "d", Bytes: bytes}}
	}
	counts := countsOfSix()
	for _, unit := range next() {
		results[unit.Key] = Result{Split: &SplitResult{Rows: counts[unit.Name].Rows, Digest: "s"}}
	}
	graph, err := Walk(r, results)
	if err != nil {
		t.Fatal(err)
	}
	return Chain(r, graph, results)
}

// TestChain: a small mix is a chain from its balance stage on, named by all that its units depend on.
func TestChain(t *testing.T) {
	name := chainOf(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), 100)
	if again := chainOf(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), 100); len(name) != 64 || again != name {
		t.Fatalf("the chain is %q, and then %q", name, again)
	}
	for what, change := range map[string]func(*recipe.Recipe){
		"a share":  func(r *recipe.Recipe) { r.Domains[0].Share = 5 },
		"an order": func(r *recipe.Recipe) { r.Order = recipe.Interleaved },
		"a format": func(r *recipe.Recipe) { r.Output.Format = recipe.Parquet },
		"shards":   func(r *recipe.Recipe) { r.Output.Shards = 2 },
	} {
		changed := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		change(&changed)
		if got := chainOf(t, changed, 100); got == "" || got == name {
			t.Errorf("with another %s the chain is %q", what, got)
		}
	}
	kept := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	kept.Output.KeepRevisions = 9
	if got := chainOf(t, kept, 100); got != name {
		t.Error("how many revisions are kept is in the name of the chain")
	}
}

// TestLargeMixesAreNoChain: of originals and of files.
func TestLargeMixesAreNoChain(t *testing.T) {
	for _, c := range []struct {
		bytes  int64
		shards int
		want   bool
	}{
		{100, chainFiles / 2, true}, {100, chainFiles/2 + 1, false}, {chainBytes / 6, 1, true}, {chainBytes/6 + 1, 1, false},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Shards = c.shards
		if got := chainOf(t, r, c.bytes) != ""; got != c.want {
			t.Errorf("six data sets of %d bytes in %d shards: a chain %v, want %v", c.bytes, c.shards, got, c.want)
		}
	}
}

func TestFollows(t *testing.T) {
	for i, later := range Stages() {
		for j, first := range Stages() {
			if got := later.Follows(first); got != (i >= j) {
				t.Errorf("%s follows %s: %v", later, first, got)
			}
		}
	}
}
