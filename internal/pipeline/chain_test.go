package pipeline

import (
	"strconv"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// chainOf returns the chains of a mix whose data sets have so many bytes together: before it is split, and after that.
func chainOf(t *testing.T, r recipe.Recipe, bytes int64) (split, balance string) {
	t.Helper()
	results := map[string]Result{}
	next := func() (string, []Node) {
		graph, err := Walk(r, results)
		if err != nil {
			t.Fatal(err)
		}
		return Chain(r, graph, results), graph.Next().Missing
	}
	chain, units := next()
	if chain != "" {
		t.Errorf("before everything is downloaded the chain is %q", chain)
	}
	for i, unit := range units {
		of := bytes / int64(len(units))
		if i == 0 {
			of += bytes % int64(len(units))
		}
		results[unit.Key] = Result{Download: &DownloadResult{Digest: "d", Bytes: of}}
	}
	split, units = next()
	counts := countsOfSix()
	for i, unit := range units {
		done := SplitResult{Rows: []int64{50, 10}, Digest: "s"}
		if count, known := counts[unit.Name]; known {
			done.Rows = count.Rows
		}
		if r.Measured() {
			done.Units = done.Rows
		}
		results[unit.Key] = Result{Split: &done}
		if between, left := next(); i+1 < len(units) && (between != split || len(left) != len(units)-i-1) {
			t.Errorf("the chain is %q, and %q when %d of it are split", split, between, i+1)
		}
	}
	balance, _ = next()
	return split, balance
}

// TestChain: a small mix is a chain from its split stage on, one of middling size from its balance stage on, named by all that its units
// depend on.
func TestChain(t *testing.T) {
	for _, bytes := range []int64{600, 2 * splitBytes} {
		chains(t, bytes)
	}
}

func chains(t *testing.T, bytes int64) {
	t.Helper()
	split, name := chainOf(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), bytes)
	if _, again := chainOf(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), bytes); len(name) != 64 || again != name {
		t.Fatalf("the chain is %q, and then %q", name, again)
	}
	if small := bytes == 600; small && split != name || !small && split != "" {
		t.Errorf("of %d bytes the chain is %q, and %q when they are split", bytes, split, name)
	}
	for what, change := range map[string]func(*recipe.Recipe){
		"a share":  func(r *recipe.Recipe) { r.Domains[0].Share = 5 },
		"an order": func(r *recipe.Recipe) { r.Order = recipe.Interleaved },
		"a format": func(r *recipe.Recipe) { r.Output.Format = recipe.Parquet },
		"shards":   func(r *recipe.Recipe) { r.Output.Shards = 2 },
	} {
		changed := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		change(&changed)
		if _, got := chainOf(t, changed, bytes); got == "" || got == name {
			t.Errorf("with another %s the chain is %q", what, got)
		}
	}
	kept := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	kept.Output.KeepRevisions = 9
	if _, got := chainOf(t, kept, bytes); got != name {
		t.Error("how many revisions are kept is in the name of the chain")
	}
}

// TestBoundsOfChains: of originals, of files, and of what takes longer than reading.
func TestBoundsOfChains(t *testing.T) {
	for _, c := range []struct {
		bytes          int64
		change         func(*recipe.Recipe)
		split, balance bool
	}{
		{600, func(r *recipe.Recipe) { r.Output.Shards = chainFiles / 2 }, true, true},
		{600, func(r *recipe.Recipe) { r.Output.Shards = chainFiles/2 + 1 }, false, false},
		{splitBytes, func(*recipe.Recipe) {}, true, true},
		{splitBytes + 1, func(*recipe.Recipe) {}, false, true},
		{chainBytes, func(*recipe.Recipe) {}, false, true},
		{chainBytes + 1, func(*recipe.Recipe) {}, false, false},
		{600, withDatasets(splitDatasets), true, true},
		{600, withDatasets(splitDatasets + 1), false, true},
		{600, func(r *recipe.Recipe) { r.Unit = recipe.InTokens }, false, true},
		{600, func(r *recipe.Recipe) { r.Output.CacheSize = 1 << 30 }, false, true},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.change(&r)
		split, balance := chainOf(t, r, c.bytes)
		if split != "" != c.split || balance != "" != c.balance {
			t.Errorf("%d data sets of %d bytes: chains %q and %q", len(r.DatasetNames()), c.bytes, split, balance)
		}
	}
}

// withDatasets adds data sets until there are so many.
func withDatasets(n int) func(*recipe.Recipe) {
	return func(r *recipe.Recipe) {
		for len(r.DatasetNames()) < n {
			one := r.Domains[0].Datasets[0]
			one.Name += strconv.Itoa(len(r.DatasetNames()))
			r.Domains[0].Datasets = append(r.Domains[0].Datasets, one)
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
