package tokens

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

var patterns = map[string]string{
	"GPT-2": patternGPT2, "cl100k_base": patternCL100K, "Qwen2": patternQwen2, "o200k_base": patternO200K, "Tekken": patternTekken,
}

// compile makes the regular expression's own matcher. Its group matters: under the bare patterns of o200k_base and cl100k_base
// the vocabularies' module registers code that it generated, which cuts "\n \n" in two; the engine itself and Python's do not.
func compile(pattern string) *regexp2.Regexp { return regexp2.MustCompile("(?:" + pattern + ")") }

// pieces cuts a text with a splitter.
func pieces(s splitter, text string) []string {
	var all []string
	for i := 0; i < len(text); {
		end := s.next(text, i)
		all = append(all, text[i:end])
		i = end
	}
	return all
}

// matches cuts a text with the regular expression itself.
func matches(tb testing.TB, pattern *regexp2.Regexp, text string) []string {
	tb.Helper()
	var all []string
	match, err := pattern.FindStringMatch(text)
	for ; match != nil && err == nil; match, err = pattern.FindNextMatch(match) {
		all = append(all, match.String())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func checkSplit(tb testing.TB, name, text string, compiled *regexp2.Regexp) {
	tb.Helper()
	s, ok := splitterOf(patterns[name])
	if !ok {
		tb.Fatalf("%s: no splitter", name)
	}
	if got, want := pieces(s, text), matches(tb, compiled, text); !slices.Equal(got, want) {
		tb.Fatalf("%s cuts %q into %q, want %q", name, text, got, want)
	}
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          []string
	}{
		{"o200k_base", "", nil},
		{"o200k_base", "Hello world", []string{"Hello", " world"}},
		{"o200k_base", "HelloWorld HTTPServer", []string{"Hello", "World", " HTTPServer"}},
		{"o200k_base", "It's WE'RE x'LLy", []string{"It's", " WE'RE", " x'LL", "y"}},
		{"cl100k_base", "It's WE'RE", []string{"It", "'s", " WE", "'RE"}},
		{"GPT-2", "It's WE'RE", []string{"It", "'s", " WE", "'", "RE"}},
		{"Tekken", "It's", []string{"It", "'s"}},
		{"o200k_base", "12345 6", []string{"123", "45", " ", "6"}},
		{"Qwen2", "123 4", []string{"1", "2", "3", " ", "4"}},
		{"GPT-2", "123456 7", []string{"123456", " 7"}},
		{"o200k_base", "a  b\n\n c \n", []string{"a", " ", " b", "\n\n", " c", " \n"}},
		{"o200k_base", "a\n \n b", []string{"a", "\n \n", " b"}},
		{"o200k_base", "//\n/x", []string{"//\n/", "x"}},
		{"cl100k_base", "//\n/x", []string{"//\n", "/x"}},
		{"o200k_base", "x=\\frac{1}{2}$", []string{"x", "=\\", "frac", "{", "1", "}{", "2", "}$"}},
		{"GPT-2", "a\n\nb  ", []string{"a", "\n", "\n", "b", "  "}},
		{"o200k_base", "中文ABcд", []string{"中文ABcд"}},
		{"o200k_base", "a\xffb", []string{"a", "\xffb"}},
	} {
		s, _ := splitterOf(patterns[test.pattern])
		if got := pieces(s, test.text); !slices.Equal(got, test.want) {
			t.Errorf("%s cuts %q into %q, want %q", test.pattern, test.text, got, test.want)
		}
	}
}

// Every text of up to four characters over one character of each kind that a pattern tells apart is cut as the pattern does.
func TestSplitterIsItsPattern(t *testing.T) {
	kinds := []string{"a", "A", "ǅ", "ʰ", "中", "\u0301", "1", " ", "\t", "\n", "\r", "'", "/", "s", "ſ", "é"}
	var texts []string
	for _, a := range kinds {
		for _, b := range kinds {
			for _, c := range kinds {
				texts = append(texts, a+b+c)
				for _, d := range []string{"a", "A", "中", "\u0301", " ", "\n", "'s", "'Re", "'ll"} {
					texts = append(texts, a+b+c+d)
				}
			}
		}
	}
	for name, pattern := range patterns {
		compiled := compile(pattern)
		for _, text := range texts {
			checkSplit(t, name, text, compiled)
		}
	}
}

func TestSplitOfRealText(t *testing.T) {
	data := corpora(t)
	for name, pattern := range patterns {
		compiled := compile(pattern)
		for _, texts := range data {
			for i := 0; i < len(texts); i += 1 + len(texts)/100 {
				checkSplit(t, name, texts[i], compiled)
			}
		}
	}
}

func TestUnknownPattern(t *testing.T) {
	if _, ok := splitterOf(`\s+`); ok {
		t.Error("an unknown pattern has a splitter")
	}
}

// FuzzSplit compares with the patterns as regular expressions.
//
//fuzz:brief rows have been read and checked before
func FuzzSplit(f *testing.F) {
	for _, text := range []string{"It's 12345  a\n\n b", "ABCdef中\u0301X'S", " \t\r\n/x//\n/", "ǅʰ'ſ", strings.Repeat(" ", 9)} {
		f.Add(text)
	}
	compiled := map[string]*regexp2.Regexp{}
	for name, pattern := range patterns {
		compiled[name] = compile(pattern)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("the engine reads characters, not bytes")
		}
		for name, pattern := range compiled {
			checkSplit(t, name, text, pattern)
		}
	})
}
