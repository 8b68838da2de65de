package source

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestPatternsThatAreNotMatched(t *testing.T) {
	for _, tc := range []struct{ name, pattern, says string }{
		{"none", "", "is not a valid pattern"},
		{"a class without an end", "a[b", "is not a valid pattern"},
		{"braces without an end", "{a,b", "is not a valid pattern"},
		{"too long", strings.Repeat("a", 257), "has 257 bytes, and a pattern has at most 256"},
		{"alternatives of alternatives", strings.Repeat("{a,a}", 48) + "b", "stands for more than 1024 patterns"},
		{"alternatives inside each other", strings.Repeat("{a,", 60) + "b" + strings.Repeat("}", 60), ""},
		{"many alternatives at once", "{" + strings.Repeat("a,", 120) + "a}{" + strings.Repeat(",", 9) + "}", "stands for more than 1024 patterns"},
		{"** before a name", "**.jsonl", "has ** beside other characters"},
		{"** behind a name", "data/train**", "has ** beside other characters"},
		{"** in one of the alternatives", "{a,x/**.csv}", "has ** beside other characters"},
		{"** made of two", "a/*{*,b}c", "has ** beside other characters"},
		{"** as a folder", "{a,b}/**/*.csv", ""},
		{"stars that are none", `a/[**]b\**c`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parseGlob(tc.pattern)
			if (tc.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
}

func TestAlternativesAreWrittenOut(t *testing.T) {
	for pattern, want := range map[string][]string{
		"a/*.csv":           {"a/*.csv"},
		"{a,b}/{,x}.csv":    {"a/.csv", "a/x.csv", "b/.csv", "b/x.csv"},
		"{a,{b,c}d}":        {"a", "bd", "cd"},
		`\{a,b\}[{,}]{x,y}`: {`\{a,b\}[{,}]x`, `\{a,b\}[{,}]y`},
	} {
		g, err := parseGlob(pattern)
		slices.Sort(g.alternatives)
		if diff := cmp.Diff(want, g.alternatives); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", pattern, err, diff)
		}
	}
}

// TestMatchingEnds: patterns for which a matcher that tries every way would not come back, each against names made for it.
func TestMatchingEnds(t *testing.T) {
	began := time.Now()
	for _, pattern := range []string{
		strings.Repeat("*a", 127) + "b",
		strings.Repeat("**/", 84) + "b",
		strings.Repeat("**/*a/", 40) + "b",
		strings.Repeat("[a-z]*", 42),
		strings.Repeat("{a,?}*", 10) + "b",
		strings.Repeat("?*", 127),
	} {
		for _, name := range []string{strings.Repeat("a", 4095) + "c", strings.Repeat("a/", 2047) + "c"} {
			g, err := parseGlob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := newMatching(t.Context(), "here", []string{name}).match(g); err != nil {
				t.Error(err)
			}
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestMatchingIsBounded(t *testing.T) {
	paths := slices.Repeat([]string{strings.Repeat("a", 4000) + "c"}, 70_000)
	g, err := parseGlob("*" + strings.Repeat("?", 250) + "b*")
	if err != nil {
		t.Fatal(err)
	}
	m := newMatching(t.Context(), "repository a/b", paths)
	m.work = maxMatching - 1<<20
	_, err = m.match(g)
	if contract.ReasonOf(err) != contract.InvalidData || !strings.HasPrefix(err.Error(), "Repository a/b has 70000 files, and there is too much to compare them with") {
		t.Errorf("%s: %v", contract.ReasonOf(err), err)
	}
	stopped, stop := context.WithCancelCause(t.Context())
	cause := errors.New("the pod is to end")
	stop(cause)
	if _, err := newMatching(stopped, "here", paths).match(g); !errors.Is(err, cause) || contract.ReasonOf(err) != contract.FetchFailed {
		t.Errorf("after the end: %v", err)
	}
}

// FuzzGlob: what a pattern chooses is what the library's own reading of its braces chooses, and nothing takes long.
func FuzzGlob(f *testing.F) {
	f.Add("en/*.csv", "en/a.csv")
	f.Add("{a,b{c,}}/**/[!x]?.*", "bc/d/e/yz.csv")
	f.Add(`\{a\}[{,]*{x,}`, "{a},bx")
	f.Add("**/*a*b/**/c/**", "x/aab/c")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := parseGlob(pattern)
		if err != nil {
			return
		}
		chosen, err := newMatching(t.Context(), "here", []string{name}).match(g)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(pattern, "{") > 4 || !utf8.ValidString(name) {
			return // the library may take for ever, and no listing has a name that is no text
		}
		// The library overlooks some names where braces that may be empty stand at the end: {0{,}}*{,} and 0.
		if got, want := len(chosen) == 1, doublestar.MatchUnvalidated(pattern, name); got != want && (want || !strings.Contains(pattern, "{")) {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
}
