package tokens

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

// Each character is in the set that the patterns name by \p{…} and \s, and in one alone.
func TestClasses(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := symbol
		switch {
		case r == '\n' || r == '\r':
			want = newline
		case unicode.Is(unicode.White_Space, r):
			want = blank
		case unicode.In(r, unicode.Lu, unicode.Lt):
			want = upper
		case unicode.Is(unicode.Ll, r):
			want = lower
		case unicode.In(r, unicode.Lm, unicode.Lo):
			want = caseNot
		case unicode.Is(unicode.M, r):
			want = mark
		case unicode.Is(unicode.N, r):
			want = number
		}
		if got := classOf(r); got != want {
			t.Fatalf("%U is of class %d, want %d", r, got, want)
		}
		if !utf8.ValidRune(r) {
			continue
		}
		if got, size := at("x"+string(r), 1); got != want || size != utf8.RuneLen(r) {
			t.Fatalf("%U in a text is of class %d and %d bytes", r, got, size)
		}
	}
}

func TestAtTheEnds(t *testing.T) {
	for _, test := range []struct {
		text string
		i    int
		want class
		size int
	}{
		{"", 0, 0, 0},
		{"a", 1, 0, 0},
		{"a\xff", 1, symbol, 1},
		{"\xe4\xb8", 0, symbol, 1},
		{"🙂", 0, symbol, 4},
		{"𝐀", 0, upper, 4},
	} {
		if got, size := at(test.text, test.i); got != test.want || size != test.size {
			t.Errorf("%q at %d: class %d of %d bytes, want %d of %d", test.text, test.i, got, size, test.want, test.size)
		}
	}
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		text string
		set  class
		want int
	}{
		{"", letters, 0},
		{"abc", letters, 3},
		{"abc1", letters, 3},
		{"aéb中1", letters, 7},
		{"é", upper, 0},
		{" \t\u00a0\nx", spaces, 5},
		{"\xff\xffa", symbol, 2},
	} {
		if got := run(test.text, 0, test.set); got != test.want {
			t.Errorf("%q has a run of %d bytes, want %d", test.text, got, test.want)
		}
	}
}
