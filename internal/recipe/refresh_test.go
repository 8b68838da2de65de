package recipe

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var commit = strings.Repeat("0123456789", 4)

func TestFloating(t *testing.T) {
	hub := func(revision string) Source {
		return Source{HuggingFace: &HuggingFace{Repo: "a/b", Revision: revision}}
	}
	web := func(digests ...string) Source {
		source := Source{HTTP: &HTTP{}}
		for _, digest := range digests {
			source.HTTP.URLs = append(source.HTTP.URLs, HTTPFile{URL: "https://example.org", SHA256: digest})
		}
		return source
	}
	for _, c := range []struct {
		what   string
		source Source
		want   bool
	}{
		{"the default branch", hub(""), true},
		{"a branch", hub("main"), true},
		{"a commit", hub(commit), false},
		{"a tag that is nearly a commit", hub(commit[1:]), true},
		{"a branch of 40 letters", hub(strings.Repeat("g", 40)), true},
		{"addresses with digests", web("d1", "d2"), false},
		{"one address without a digest", web("d1", ""), true},
		{"a folder", Source{Volume: &Volume{ClaimName: "c"}}, true},
	} {
		if got := c.source.Floating(); got != c.want {
			t.Errorf("%s: floating %t, want %t", c.what, got, c.want)
		}
	}
}

// mixed is a recipe with a pinned and a floating data set, and two floating probes.
func mixed() Recipe {
	r := contaminated(six(KeepTotal, KeepTotal))
	r.Domains[0].Datasets[0].Source = Source{HuggingFace: &HuggingFace{Repo: "openai/gsm8k", Revision: commit}}
	return r
}

// A request is in the keys of floating downloads, and in no other key: an unchanged result leads to the same publication.
func TestARequestIsInTheKeysOfFloatingDownloadsAlone(t *testing.T) {
	plain := mixed()
	refreshed := plain.Refreshed("r1")
	results := map[string]Result{}
	before, _ := walkToTheEnd(t, plain, results)
	changed := map[string]bool{}
	for i, unit := range refreshed.Downloads() {
		if old := before.Steps[0].Units[i]; unit.Key != old.Key {
			changed[unit.Name] = true
			results[unit.Key] = results[old.Key] // the same files are there
		}
	}
	if want := map[string]bool{"hotpotqa": true, "humaneval": true, "math": true, "mbpp": true, "probe-a": true, "probe-b": true, "squad2": true}; !cmp.Equal(changed, want) {
		t.Errorf("the keys of %v changed, want %v", changed, want)
	}
	after, err := refreshed.Walk(results)
	if err != nil {
		t.Fatal(err)
	}
	if after.Next() != nil {
		t.Fatalf("next is %v", after.Next())
	}
	if diff := cmp.Diff(before.Steps[1:], after.Steps[1:]); diff != "" {
		t.Errorf("what follows the download (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(plain.Downloads(), refreshed.Content().Downloads()); diff != "" {
		t.Errorf("the content tells of a request (-plain +refreshed):\n%s", diff)
	}
	if cmp.Equal(refreshed.Downloads(), plain.Refreshed("r2").Downloads()) {
		t.Error("two requests have the same keys")
	}
	if diff := cmp.Diff(mixed(), plain); diff != "" {
		t.Errorf("the recipe itself was changed:\n%s", diff)
	}
	if diff := cmp.Diff(plain, plain.Refreshed("")); diff != "" {
		t.Errorf("no request changed the recipe:\n%s", diff)
	}
}

// What a source is expected to hold, and how much is kept, are in no key.
func TestExpectAndCacheAreInNoKey(t *testing.T) {
	r := six(KeepTotal, KeepTotal)
	want := everyKey(t, r)
	results := map[string]Result{}
	graph, _ := walkToTheEnd(t, r, results)
	for i := range r.Domains {
		for d := range r.Domains[i].Datasets {
			name := r.Domains[i].Datasets[d].Name
			var digest string
			var rows int64
			for s, step := range graph.Steps[:2] {
				for _, unit := range step.Units {
					if unit.Name == name && s == 0 {
						digest = results[unit.Key].Download.Digest
					} else if unit.Name == name {
						rows = results[unit.Key].Split.Read
					}
				}
			}
			r.Domains[i].Datasets[d].Source.Expect = &Expect{Rows: rows, SHA256: digest}
		}
	}
	r.Output.CacheSize = 1 << 30
	if got := everyKey(t, r); got != want {
		t.Errorf("the keys have the digest %s, want %s", got, want)
	}
}

func TestDrift(t *testing.T) {
	for _, c := range []struct {
		what   string
		expect Expect
		want   string
	}{
		{"another digest", Expect{SHA256: "other"}, "the source of gsm8k has drifted: the SHA-256 other was expected, and DIGEST was found; pin the revision that held what was expected, or correct source.expect"},
		{"another number of rows", Expect{Rows: 7}, "the source of gsm8k has drifted: the number of rows 7 was expected, and ROWS was found; pin the revision that held what was expected, or correct source.expect"},
	} {
		r := six(KeepTotal, KeepTotal)
		results := map[string]Result{}
		graph, _ := walkToTheEnd(t, r, results)
		unit := func(stage int) Result {
			for _, unit := range graph.Steps[stage].Units {
				if unit.Name == "gsm8k" {
					return results[unit.Key]
				}
			}
			return Result{}
		}
		want := strings.NewReplacer("DIGEST", unit(0).Download.Digest, "ROWS", strconv.FormatInt(unit(1).Split.Read, 10)).Replace(c.want)
		r.Domains[0].Datasets[0].Source.Expect = &c.expect
		_, err := r.Walk(results)
		var drift *DriftError
		if !errors.As(err, &drift) || drift.Error() != want {
			t.Errorf("%s: %v\nwant %s", c.what, err, want)
		}
		if _, err := r.Walk(map[string]Result{}); err != nil {
			t.Errorf("%s, nothing downloaded yet: %v", c.what, err)
		}
	}
}

func TestRequest(t *testing.T) {
	for want, source := range map[string]Source{
		"huggingFace a/b at the default branch":    {HuggingFace: &HuggingFace{Repo: "a/b"}},
		"huggingFace a/b at v1, config c, split s": {HuggingFace: &HuggingFace{Repo: "a/b", Revision: "v1", Config: "c", Split: "s"}},
		"huggingFace a/b at v1, files x y":         {HuggingFace: &HuggingFace{Repo: "a/b", Revision: "v1", Files: []string{"x", "y"}}},
		"http https://example.org/a.jsonl":         {HTTP: &HTTP{URLs: []HTTPFile{{URL: "https://example.org/a.jsonl?signature=secret"}}}},
		"http https://example.org/a and 1 more":    {HTTP: &HTTP{URLs: []HTTPFile{{URL: "https://example.org/a"}, {URL: "https://example.org/b"}}}},
		"volume corpora":                           {Volume: &Volume{ClaimName: "corpora"}},
		"objectStore s3://bucket/prefix":           {ObjectStore: &ObjectStore{URL: "s3://bucket/prefix"}},
		"oci example.org/rows:v1":                  {OCI: &OCI{Reference: "example.org/rows:v1"}},
		"volume corpora/folder, files *.jsonl":     {Volume: &Volume{ClaimName: "corpora", Path: "folder", Files: []string{"*.jsonl"}}},
		"":                                         {},
	} {
		if got := source.Request(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestContentOfAResult: what is said to people alone changes no key.
func TestContentOfAResult(t *testing.T) {
	listed := Result{Download: &Downloaded{Files: 1, Digest: "d", Listed: []ListedFile{{Path: "a"}}}}
	if diff := cmp.Diff(Result{Download: &Downloaded{Files: 1, Digest: "d"}}, listed.Content()); diff != "" {
		t.Error(diff)
	}
	if len(listed.Download.Listed) != 1 {
		t.Error("the result itself was changed")
	}
	split := Result{Split: &Divided{Read: 1, Groups: 1, LargestGroup: 1}}
	if diff := cmp.Diff(Result{Split: &Divided{Read: 1}}, split.Content()); diff != "" {
		t.Error(diff)
	}
	if split.Split.Groups != 1 {
		t.Error("the result itself was changed")
	}
	if mixed := (Result{Mix: &Mixed{Rows: 1}}); mixed.Content() != mixed {
		t.Error("another result was changed")
	}
}
