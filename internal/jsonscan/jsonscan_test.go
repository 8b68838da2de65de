package jsonscan

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// numbers are right and wrong, each with the place of its end, or the complement of the place that is wrong.
var numbers = map[string]int{
	"0": 1, "-0": 2, "10": 2, "1.5": 3, "1e5": 3, "1E+5": 4, "1e-5": 4, "1.5e300": 7, "0.0": 3, "9e999": 5, "1e5.5": 3, "1 2": 1, "0x1": 1, "12]": 2,
	"": ^0, "-": ^1, "01": ^1, "-01": ^2, "00": ^1, "1.": ^2, ".5": ^0, "1e": ^2, "1e+": ^3, "1.e1": ^2, "+1": ^0, "NaN": ^0, "--1": ^1, "-a": ^1,
}

func TestEndOfNumber(t *testing.T) {
	for text, want := range numbers {
		if got := EndOfNumber(text, 0); got != want {
			t.Errorf("%q ends at %d, not %d", text, got, want)
		}
		if got := EndOfNumber([]byte("[1,"+text), 3); want >= 0 && got != want+3 || want < 0 && got != ^(^want+3) {
			t.Errorf("%q in a list ends at %d", text, got)
		}
	}
}

func TestSkipSpace(t *testing.T) {
	for text, want := range map[string]int{"": 0, "x": 0, " ": 1, " \t\r\nx ": 4, "\x00": 0, "\x0b": 0, "\u00a0": 0, "\x40 ": 0} {
		if got := SkipSpace(text, 0); got != want {
			t.Errorf("%q: %d, not %d", text, got, want)
		}
	}
	if got := SkipSpace([]byte("a  b"), 1); got != 3 {
		t.Error(got)
	}
}

func TestSkipString(t *testing.T) {
	for text, want := range map[string]int{
		`"`: 1, `x"`: 2, `x"y"`: 2, `\"`: ^2, `\""`: 3, `\\"`: 3, `\\\"`: ^4, `\\\""x`: 5, `a\"b\\"c`: 7, "": ^0, "x": ^1, `\`: ^1, "\x00\"": 2,
	} {
		if got := SkipString([]byte(text), 0); got != want {
			t.Errorf("%q: %d, not %d", text, got, want)
		}
	}
	// What comes before a string does not belong to it.
	if got := SkipString([]byte(`\"x`), 1); got != 2 {
		t.Error(got)
	}
}

func TestSkipValue(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 1, `-1.5e3,`: 6, `true}`: 4, `null ]`: 4, "false\n": 5, `1:`: 1, `1]`: 1, "1\t": 1, "1\r": 1,
		`"x"`: 3, `"x\"]" `: 6, `{}`: 2, `[]`: 2, `[]]`: 2, `[1,{"a":"}"}],`: 13, `{"a":[{"b":"\\"}]}`: 18, `[ 1 ] `: 5,
		``: ^0, `,`: ^0, `]`: ^0, `}`: ^0, ` `: ^0, `:`: ^0, `[`: ^1, `{"a":[]`: ^7, `"x`: ^2, `["x`: ^3,
	} {
		if got := SkipValue([]byte(text), 0); got != want {
			t.Errorf("%s: %d, not %d", text, got, want)
		}
		if got := SkipValue([]byte(`[0,`+text), 3); want >= 0 && got != want+3 || want < 0 && got != ^(^want+3) {
			t.Errorf("%s in a list: %d", text, got)
		}
	}
}

// FuzzSkipValue: where a value of valid JSON ends is where a decoder says; in any text, no place is outside of it.
func FuzzSkipValue(f *testing.F) {
	for _, text := range []string{`{"a":[1,"\\\"",{"b":null}],"c":true}`, `["\u00e9\\",-1.5e3 , false]`, `"x" 1`, `1`, `]`, `{"a`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		end := SkipValue(text, 0)
		if end > len(text) || ^end > len(text) || end == 0 {
			t.Fatalf("%q: %d", text, end)
		}
		dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		value, err := dec.ReadValue()
		if err != nil || len(value) != int(dec.InputOffset()) {
			return // There is no value, or white space before it.
		}
		if rest := text[len(value):]; len(rest) > 0 && strings.IndexByte(" \t\r\n,:]}", rest[0]) < 0 && strings.IndexByte(`"]}`, value[len(value)-1]) < 0 {
			return // A number or a literal that does not end there.
		}
		if end != len(value) {
			t.Fatalf("%q ends at %d, not %d", text, end, len(value))
		}
	})
}

// TestSpecial looks at every byte at every place of a word, alone and before bytes that could be marked by mistake.
func TestSpecial(t *testing.T) {
	for _, rest := range []byte{'x', 0x80, 0xff, '"', 0, '\\', '!', '#', ' ', ']', 0x7f} {
		for b := range 256 {
			for at := range 8 {
				text := bytes.Repeat([]byte{'a'}, 8)
				text[at] = byte(b)
				for i := at + 1; i < 8; i++ {
					text[i] = rest
				}
				want := slices.IndexFunc(text, func(b byte) bool { return b < ' ' || b == '"' || b == '\\' })
				if want < 0 {
					want = len(text)
				}
				if got := plainRun(text, 0); got != want {
					t.Fatalf("%q: %d, not %d", text, got, want)
				}
				if got := plainRun("\n"+string(text)+"\n", 1); got != min(want, 8)+1 {
					t.Fatalf("%q between line ends: %d", text, got)
				}
			}
		}
	}
}

func TestSurvey(t *testing.T) {
	for length := range 150 {
		for _, b := range []byte{'a', 0, '\t', 0x1f, ' ', 0x7f, 0x80, 0x9f, 0xa0, 0xff} {
			for at := range max(length, 1) {
				for _, other := range []byte{'a', 0xc3, 0x80} {
					text := bytes.Repeat([]byte{other}, length)
					if at < length {
						text[at] = b
					}
					control, high := Survey(text)
					wantControl := slices.ContainsFunc(text, func(b byte) bool { return b < ' ' })
					wantHigh := slices.ContainsFunc(text, func(b byte) bool { return b >= 0x80 })
					if control != wantControl || high != wantHigh {
						t.Fatalf("%q: control %t, high %t", text, control, high)
					}
				}
			}
		}
	}
}
