package pipeline

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// A request is in the keys of floating downloads, and in no other key: an unchanged result leads to the same publication.
func TestARequestIsInTheKeysOfFloatingDownloadsAlone(t *testing.T) {
	plain := recipes.Mixed()
	refreshed := plain.Refreshed("r1")
	results := map[string]Result{}
	before, _ := walkToTheEnd(t, plain, results)
	changed := map[string]bool{}
	for i, unit := range Downloads(refreshed) {
		if old := before.Steps[0].Nodes[i]; unit.Key != old.Key {
			changed[unit.Name] = true
			results[unit.Key] = results[old.Key] // the same files are there
		}
	}
	if want := map[string]bool{"hotpotqa": true, "humaneval": true, "math": true, "mbpp": true, "probe-a": true, "probe-b": true, "squad2": true}; !cmp.Equal(changed, want) {
		t.Errorf("the keys of %v changed, want %v", changed, want)
	}
	after, err := Walk(refreshed, results)
	if err != nil {
		t.Fatal(err)
	}
	if after.Next() != nil {
		t.Fatalf("next is %v", after.Next())
	}
	if diff := cmp.Diff(before.Steps[1:], after.Steps[1:]); diff != "" {
		t.Errorf("what follows the download (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(Downloads(plain), Downloads(refreshed.Content())); diff != "" {
		t.Errorf("the content tells of a request (-plain +refreshed):\n%s", diff)
	}
	if cmp.Equal(Downloads(refreshed), Downloads(plain.Refreshed("r2"))) {
		t.Error("two requests have the same keys")
	}
	if diff := cmp.Diff(recipes.Mixed(), plain); diff != "" {
		t.Errorf("the recipe itself was changed:\n%s", diff)
	}
	if diff := cmp.Diff(plain, plain.Refreshed("")); diff != "" {
		t.Errorf("no request changed the recipe:\n%s", diff)
	}
}

// What a source is expected to hold, and how much is kept, are in no key.
func TestExpectAndCacheAreInNoKey(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	want := everyKey(t, r)
	results := map[string]Result{}
	graph, _ := walkToTheEnd(t, r, results)
	for i := range r.Domains {
		for d := range r.Domains[i].Datasets {
			name := r.Domains[i].Datasets[d].Name
			var digest string
			var rows int64
			for s, step := range graph.Steps[:2] {
				for _, unit := range step.Nodes {
					if unit.Name == name && s == 0 {
						digest = results[unit.Key].Download.Digest
					} else if unit.Name == name {
						rows = results[unit.Key].Split.Read
					}
				}
			}
			r.Domains[i].Datasets[d].Source.Expect = &recipe.Expect{Rows: rows, SHA256: digest}
		}
	}
	r.Output.CacheSize = 1 << 30
	if got := everyKey(t, r); got != want {
		t.Errorf("the keys have the digest %s, want %s", got, want)
	}
}

func TestDrift(t *testing.T) {
	for _, c := range []struct {
		what     string
		expect   recipe.Expect
		expected string
		found    func(DownloadResult, SplitResult) string
	}{
		{"another digest", recipe.Expect{SHA256: "other"}, "other", func(d DownloadResult, _ SplitResult) string { return d.Digest }},
		{"another number of rows", recipe.Expect{Rows: 7}, "7", func(_ DownloadResult, s SplitResult) string { return strconv.FormatInt(s.Read, 10) }},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		results := map[string]Result{}
		graph, _ := walkToTheEnd(t, r, results)
		unit := func(stage int) Result {
			for _, unit := range graph.Steps[stage].Nodes {
				if unit.Name == "gsm8k" {
					return results[unit.Key]
				}
			}
			return Result{}
		}
		found := c.found(*unit(0).Download, *unit(1).Split)
		r.Domains[0].Datasets[0].Source.Expect = &c.expect
		_, err := Walk(r, results)
		drift, ok := errors.AsType[*DriftError](err)
		if !ok || drift.Source != "gsm8k" || drift.Expected != c.expected || drift.Found != found {
			t.Errorf("%s: %v, want %s expected and %s found", c.what, err, c.expected, found)
		}
		if _, err := Walk(r, map[string]Result{}); err != nil {
			t.Errorf("%s, nothing downloaded yet: %v", c.what, err)
		}
	}
}

// TestChecksOfExpectations: what is found is compared with what is expected of it, if anything is; a part that was read must not be more.
func TestChecksOfExpectations(t *testing.T) {
	digest := func(found string) func(recipe.NamedSource) error {
		return func(s recipe.NamedSource) error { return checkDigest(s, found) }
	}
	rows := func(found int64) func(recipe.NamedSource) error {
		return func(s recipe.NamedSource) error { return CheckRows(s, found) }
	}
	atMost := func(read int64) func(recipe.NamedSource) error {
		return func(s recipe.NamedSource) error { return CheckAtMost(s, read) }
	}
	for _, c := range []struct {
		what   string
		expect *recipe.Expect
		check  func(recipe.NamedSource) error
		want   *DriftError
	}{
		{"a digest, nothing expected", nil, digest("d"), nil},
		{"a digest, rows expected", &recipe.Expect{Rows: 7}, digest("d"), nil},
		{"the digest", &recipe.Expect{SHA256: "d"}, digest("d"), nil},
		{"another digest", &recipe.Expect{SHA256: "d"}, digest("e"), &DriftError{"gsm8k", "the SHA-256", "d", "e"}},
		{"rows, nothing expected", nil, rows(7), nil},
		{"rows, a digest expected", &recipe.Expect{SHA256: "d"}, rows(7), nil},
		{"the rows", &recipe.Expect{Rows: 7}, rows(7), nil},
		{"fewer rows", &recipe.Expect{Rows: 7}, rows(6), &DriftError{"gsm8k", "the number of rows", "7", "6"}},
		{"rows so far, nothing expected", nil, atMost(8), nil},
		{"rows so far, a digest expected", &recipe.Expect{SHA256: "d"}, atMost(8), nil},
		{"fewer rows so far", &recipe.Expect{Rows: 7}, atMost(6), nil},
		{"the rows so far", &recipe.Expect{Rows: 7}, atMost(7), nil},
		{"more rows already", &recipe.Expect{Rows: 7}, atMost(8), &DriftError{"gsm8k", "the number of rows", "7", "at least 8"}},
	} {
		err := c.check(recipe.NamedSource{Name: "gsm8k", Source: recipe.Source{Expect: c.expect}})
		var got *DriftError
		if errors.As(err, &got); (err != nil) != (got != nil) || !cmp.Equal(c.want, got) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// TestContentOfAResult: what is said to people alone changes no key.
func TestContentOfAResult(t *testing.T) {
	listed := Result{Download: &DownloadResult{Files: 1, Digest: "d", Listed: []OriginalFile{{Path: "a"}}}}
	if diff := cmp.Diff(Result{Download: &DownloadResult{Files: 1, Digest: "d"}}, listed.Content()); diff != "" {
		t.Error(diff)
	}
	if len(listed.Download.Listed) != 1 {
		t.Error("the result itself was changed")
	}
	split := Result{Split: &SplitResult{Read: 1, Groups: 1, LargestGroup: 1}}
	if diff := cmp.Diff(Result{Split: &SplitResult{Read: 1}}, split.Content()); diff != "" {
		t.Error(diff)
	}
	if split.Split.Groups != 1 {
		t.Error("the result itself was changed")
	}
	if mixed := (Result{Mix: &MixResult{Rows: 1}}); mixed.Content() != mixed {
		t.Error("another result was changed")
	}
}
