package glob

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestPatternsThatAreNotMatched(t *testing.T) {
	for _, tc := range []struct{ name, pattern, says string }{
		{"none", "", "is not a valid pattern"},
		{"a class without an end", "a[b", "is not a valid pattern"},
		{"braces without an end", "{a,b", "is not a valid pattern"},
		{"too long", strings.Repeat("a", 257), "has 257 bytes, and a pattern has at most 256"},
		{"alternatives of alternatives", strings.Repeat("{a,a}", 48) + "b", "expands to more than 1024 patterns"},
		{"alternatives inside each other", strings.Repeat("{a,", 60) + "b" + strings.Repeat("}", 60), ""},
		{"many alternatives at once", "{" + strings.Repeat("a,", 120) + "a}{" + strings.Repeat(",", 9) + "}", "expands to more than 1024 patterns"},
		{"** before a name", "**.jsonl", "has ** next to other characters"},
		{"** behind a name", "data/train**", "has ** next to other characters"},
		{"** in one of the alternatives", "{a,x/**.csv}", "has ** next to other characters"},
		{"** made of two", "a/*{*,b}c", "has ** next to other characters"},
		{"** as a folder", "{a,b}/**/*.csv", ""},
		{"stars that are none", `a/[**]b\**c`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse(tc.pattern)
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
		g, err := Parse(pattern)
		slices.Sort(g.Alternatives)
		if diff := cmp.Diff(want, g.Alternatives); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", pattern, err, diff)
		}
	}
}

// A pattern that cannot be matched is named with what is wrong with it.
func TestCheck(t *testing.T) {
	if err := Check([]string{"a/*.csv", "**/b.jsonl"}); err != nil {
		t.Error(err)
	}
	const want = `The pattern "train-[0.parquet" in files is not a valid pattern.`
	if err := Check([]string{"a", "train-[0.parquet"}); contract.ReasonOf(err) != contract.InvalidTask || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
