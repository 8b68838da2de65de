package jsonscan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// texts yields every text of an alphabet up to a length, the empty one first.
func texts(alphabet string, length int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		level := []string{""}
		for range length + 1 {
			var next []string
			for _, text := range level {
				if !yield(text) {
					return
				}
				for _, c := range []byte(alphabet) {
					next = append(next, text+string(rune(c)))
				}
			}
			level = next
		}
	}
}

// afterNumber says, for the state after a part of a number, which state each kind of byte leads to: the grammar of RFC 8259 as a table.
// In the states that are named in upper case the number may end.
var afterNumber = map[string]map[byte]string{
	"start":    {'-': "minus", '0': "ZERO", '1': "INTEGER"},
	"minus":    {'0': "ZERO", '1': "INTEGER"},
	"ZERO":     {'.': "point", 'e': "exponent", '0': "wrong", '1': "wrong"},
	"INTEGER":  {'0': "INTEGER", '1': "INTEGER", '.': "point", 'e': "exponent"},
	"point":    {'0': "FRACTION", '1': "FRACTION"},
	"FRACTION": {'0': "FRACTION", '1': "FRACTION", 'e': "exponent"},
	"exponent": {'+': "sign", '-': "sign", '0': "EXPONENT", '1': "EXPONENT"},
	"sign":     {'0': "EXPONENT", '1': "EXPONENT"},
	"EXPONENT": {'0': "EXPONENT", '1': "EXPONENT"},
}

// endByTable reads a number byte by byte.
func endByTable(text string) int {
	state := "start"
	for i := range len(text) {
		c := text[i]
		switch {
		case c > '1' && c <= '9':
			c = '1'
		case c == 'E':
			c = 'e'
		}
		next, more := afterNumber[state][c]
		switch {
		case next == "wrong", !more && state != strings.ToUpper(state):
			return ^i
		case !more:
			return i
		}
		state = next
	}
	if state != strings.ToUpper(state) {
		return ^len(text)
	}
	return len(text)
}

// TestEveryShortNumber compares with the table of the grammar, on every text of up to five of the bytes that matter.
func TestEveryShortNumber(t *testing.T) {
	for text := range texts("-019.eE+ ", 5) {
		if got, want := EndOfNumber(text, 0), endByTable(text); got != want {
			t.Fatalf("%q ends at %d, not %d", text, got, want)
		}
	}
}

// endOfText reads the bytes of a string one by one, and looks at no escape but for what it escapes.
func endOfText(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return ^len(text)
}

// TestEveryShortString: where a string ends does not depend on how it is looked for, in every text of a few bytes, at the end of a word
// and over it.
func TestEveryShortString(t *testing.T) {
	for text := range texts("\\\"nu\t", 5) {
		for _, before := range []string{"", "seven b", "over a word"} {
			whole := before + text
			want := endOfText(whole)
			if got := SkipString([]byte(whole), 0); got != want {
				t.Fatalf("%q ends at %d, not %d", whole, got, want)
			}
			end, escaped := EndOfString(whole, 0)
			if valid := want > 0 && !strings.Contains(whole[:want], "\t") && !strings.Contains(unescapedPairs(whole[:want]), `\u`); (end > 0) != valid || valid && end != want {
				t.Fatalf("%q ends at %d, not %d", whole, end, want)
			}
			if end > 0 && escaped != strings.Contains(whole[:end], `\`) {
				t.Fatalf("%q has escapes: %t", whole[:end], escaped)
			}
			if published, _ := EndOfPublished(whole, 0); published > 0 && published != end {
				t.Fatalf("%q as it is published ends at %d, not %d", whole, published, end)
			}
		}
	}
}

// unescapedPairs removes the escaped backslashes, which escape nothing.
func unescapedPairs(text string) string { return strings.ReplaceAll(text, `\\`, "") }

// TestEveryCharacter: what AppendString writes is read as the same character, and is the shortest way to write it.
func TestEveryCharacter(t *testing.T) {
	var written, meant []byte
	for r := range rune(utf8.MaxRune + 1) {
		if r > 0x3000 && r < 0xd700 || r > 0x10010 && r < 0x10fff0 {
			continue // like those around them
		}
		text := string(r) // of half a surrogate pair, U+FFFD
		written = AppendString(written[:0], text)
		if end, escaped := EndOfPublished(written, 1); end != len(written) || escaped != (len(written) != len(text)+2) {
			t.Fatalf("%U is written %s, which ends at %d", r, written, end)
		}
		var ok bool
		if meant, ok = AppendUnquoted(meant[:0], written[1:len(written)-1]); !ok || string(meant) != text {
			t.Fatalf("%U is written %s, which means %q", r, written, meant)
		}
		if r >= 0x10000 {
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			meant, ok = AppendUnquoted(meant[:0], fmt.Sprintf(`\u%04x\u%04X`, high, low))
		} else {
			meant, ok = AppendUnquoted(meant[:0], fmt.Sprintf(`\u%04x`, r))
		}
		if half := r >= 0xd800 && r < 0xe000; ok == half || !half && string(meant) != text {
			t.Fatalf("the escape of %U means %q, %t", r, meant, ok)
		}
	}
}

// value appends a random value of at most a depth.
func value(random *rand.Rand, out []byte, depth int) []byte {
	kind := random.IntN(8)
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return fmt.Append(out, random.Int64N(1000)-500)
	case 1:
		return fmt.Appendf(out, "%g", random.NormFloat64())
	case 2:
		return append(out, []string{"null", "true", "false"}[random.IntN(3)]...)
	case 3, 4:
		return AppendString(out, strings.Repeat([]string{`"`, `\`, "[", "}", "ä", "a\n"}[random.IntN(6)], random.IntN(12)))
	case 5:
		return append(out, []string{"[]", "{}", "[ ]"}[random.IntN(3)]...)
	}
	brackets := []string{"[]", "{}"}[kind-6]
	out = append(out, brackets[0])
	for i := range 1 + random.IntN(4) {
		if i > 0 {
			out = append(out, ", "...)
		}
		if kind == 7 {
			out = append(AppendString(out, `a"`), ':')
		}
		out = value(random, out, depth-1)
	}
	return append(out, brackets[1])
}

// TestSkipValueOfRandomValues: a value ends where it was written to, whatever follows; without its end it does not, unless what is left of
// a number or a literal is taken for one.
func TestSkipValueOfRandomValues(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := value(random, nil, 4)
		for _, after := range []string{"", ",", "]", "} ", "\n{", ":"} {
			if got := SkipValue(append(bytes.Clone(text), after...), 0); got != len(text) {
				t.Fatalf("%s before %q ends at %d", text, after, got)
			}
		}
		if !strings.ContainsRune(`"[{`, rune(text[0])) {
			continue
		}
		for cut := range text {
			if got := SkipValue(text[:cut], 0); got != ^cut {
				t.Fatalf("%s ends at %d", text[:cut], got)
			}
		}
	}
}
