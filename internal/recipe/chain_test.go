package recipe

import "testing"

// chainOf is the chain of a mix whose data sets have so many bytes each, once they are split.
func chainOf(t *testing.T, r Recipe, bytes int64) string {
	t.Helper()
	results := map[string]Result{}
	next := func() []Unit {
		graph, err := r.Walk(results)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Chain(graph, results); got != "" {
			t.Errorf("before everything is split the chain is %q", got)
		}
		return graph.Next().Missing
	}
	for _, unit := range next() {
		results[unit.Key] = Result{Download: &Downloaded{Digest: "d", Bytes: bytes}}
	}
	counts := sixCounts()
	for _, unit := range next() {
		results[unit.Key] = Result{Split: &Divided{Rows: counts[unit.Name].Rows, Digest: "s"}}
	}
	graph, err := r.Walk(results)
	if err != nil {
		t.Fatal(err)
	}
	return r.Chain(graph, results)
}

// TestChain: a small mix is a chain from its balance stage on, named by all that its units depend on.
func TestChain(t *testing.T) {
	name := chainOf(t, six(KeepTotal, KeepTotal), 100)
	if again := chainOf(t, six(KeepTotal, KeepTotal), 100); len(name) != 64 || again != name {
		t.Fatalf("the chain is %q, and then %q", name, again)
	}
	for what, change := range map[string]func(*Recipe){
		"a share":  func(r *Recipe) { r.Domains[0].Share = 5 },
		"an order": func(r *Recipe) { r.Order = Interleaved },
		"a format": func(r *Recipe) { r.Output.Format = Parquet },
		"shards":   func(r *Recipe) { r.Output.Shards = 2 },
	} {
		changed := six(KeepTotal, KeepTotal)
		change(&changed)
		if got := chainOf(t, changed, 100); got == "" || got == name {
			t.Errorf("with another %s the chain is %q", what, got)
		}
	}
	kept := six(KeepTotal, KeepTotal)
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
		r := six(KeepTotal, KeepTotal)
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
