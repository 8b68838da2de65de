package choose

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
)

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
			g, err := glob.Parse(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := NewMatching(t.Context(), "here", []string{name}).Match(g); err != nil {
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
	g, err := glob.Parse("*" + strings.Repeat("?", 250) + "b*")
	if err != nil {
		t.Fatal(err)
	}
	m := NewMatching(t.Context(), "repository a/b", paths)
	m.work = maxMatching - 1<<20
	_, err = m.Match(g)
	if contract.ReasonOf(err) != contract.InvalidData || !strings.HasPrefix(err.Error(), "Repository a/b has 70000 files, and there is too much to compare them with") {
		t.Errorf("%s: %v", contract.ReasonOf(err), err)
	}
	stopped, stop := context.WithCancelCause(t.Context())
	cause := errors.New("the pod is to end")
	stop(cause)
	if _, err := NewMatching(stopped, "here", paths).Match(g); !errors.Is(err, cause) || contract.ReasonOf(err) != contract.FetchFailed {
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
		g, err := glob.Parse(pattern)
		if err != nil {
			return
		}
		chosen, err := NewMatching(t.Context(), "here", []string{name}).Match(g)
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
