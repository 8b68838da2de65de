package jsonscan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// escapes are right and wrong ones, each with whether it is one, and whether it is published so.
var escapes = []struct {
	text             string
	valid, published bool
}{
	{`\"`, true, true}, {`\\`, true, true}, {`\b`, true, true}, {`\f`, true, true}, {`\n`, true, true}, {`\r`, true, true}, {`\t`, true, true},
	{`\u0000`, true, true}, {`\u0007`, true, true}, {`\u000b`, true, true}, {`\u000e`, true, true}, {`\u0010`, true, true}, {`\u001f`, true, true}, {`\u0019`, true, true},
	{`\/`, true, false}, {`\u0008`, true, false}, {`\u0009`, true, false}, {`\u000a`, true, false}, {`\u000c`, true, false}, {`\u000d`, true, false},
	{`\u000B`, true, false}, {`\u001F`, true, false}, {`\u0020`, true, false}, {`\u0022`, true, false}, {`\u005c`, true, false}, {`\u0110`, true, false}, {`\u1010`, true, false},
	{`\u00e9`, true, false}, {`\uFFFF`, true, false}, {`\ud83d\ude00`, true, false}, {`\uDBFF\uDFFF`, true, false},
	{`\x`, false, false}, {`\U0041`, false, false}, {`\u`, false, false}, {`\u1`, false, false}, {`\u000`, false, false}, {`\u00g0`, false, false}, {`\u001g`, false, false}, {`\u001/`, false, false}, {`\u001:`, false, false}, {"\\u001`", false, false}, {`\u001G`, false, false}, {`\u 041`, false, false},
	{`\ud800`, false, false}, {`\udc00`, false, false}, {`\udc00\udc00`, false, false}, {`\udfff\udfff`, false, false}, {`\ud800x`, false, false}, {`\ud800\n`, false, false}, {`\ud800\u0041`, false, false}, {`\ud800\ud800`, false, false}, {`\ud800\ue000`, false, false}, {`\ud83d\\ude00`, false, false},
}

func TestEscapes(t *testing.T) {
	for _, e := range escapes {
		for _, before := range []string{"", "ä", "long enough for a word "} {
			text := before + e.text + "\"z"
			end, escaped := EndOfString(text, 0)
			place := len(text) - 1
			if !e.valid {
				place = ^len(before)
			}
			if end != place || !escaped {
				t.Errorf("%s ends at %d, not %d, escaped %t", text, end, place, escaped)
			}
			if !e.published {
				place = ^len(before)
			}
			if end, escaped = EndOfPublished([]byte(text), 0); end != place || !escaped {
				t.Errorf("%s as it is published ends at %d, not %d, escaped %t", text, end, place, escaped)
			}
			meaning, ok := AppendUnquoted([]byte("x"), before+e.text+"more")
			if ok != e.valid || !ok && string(meaning) != "x" {
				t.Errorf("%s means %q, %t", text, meaning, ok)
			}
			if written := AppendString(nil, strings.TrimSuffix(strings.TrimPrefix(string(meaning), "x"), "more")); ok && (string(written) == `"`+before+e.text+`"`) != e.published {
				t.Errorf("%s is written as %s", text, written)
			}
		}
	}
}

func TestStringsThatDoNotEnd(t *testing.T) {
	for text, want := range map[string]int{"": ^0, "x": ^1, "12345678": ^8, "a\nb\"": ^1, "1234567890\x00\"": ^10, `\n`: ^2, `a\"`: ^3, `a\`: ^1} {
		if end, _ := EndOfString(text, 0); end != want {
			t.Errorf("%q: %d, not %d", text, end, want)
		}
		if end, _ := EndOfPublished([]byte(text), 0); end != want {
			t.Errorf("%q as it is published: %d, not %d", text, end, want)
		}
	}
	for _, text := range []string{`"`, `12345678"`, "\x7fé\"", `1234567890123"`} {
		if end, escaped := EndOfString(text+`"`, 0); end != len(text) || escaped {
			t.Errorf("%q: %d, %t", text, end, escaped)
		}
		if end, escaped := EndOfPublished(text, 0); end != len(text) || escaped {
			t.Errorf("%q as it is published: %d, %t", text, end, escaped)
		}
	}
}

// FuzzString holds strings to jsontext: which are ones, what they mean, and how they are written.
func FuzzString(f *testing.F) {
	for _, e := range escapes {
		f.Add([]byte("x" + e.text + "é"))
	}
	for _, text := range []string{"", "plain", "é😀\u2028\u2029\ufeff", "\"\\/\b\f\n\r\t\x00\x01\x1f\x7f", "<>&'", "\xff\xfe", "\xed\xa0\x80", `x\ud83d\ude00y`, `"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		written, _ := jsontext.AppendQuote(nil, text)
		if got := AppendString(nil, string(text)); !bytes.Equal(got, written) {
			t.Fatalf("%q is written %s, not %s", text, got, written)
		}
		if end, _ := EndOfPublished(written, 1); end != len(written) {
			t.Fatalf("%s as it is published ends at %d", written, end)
		}
		if !utf8.Valid(text) {
			return
		}
		quoted := fmt.Appendf(nil, `"%s"`, text)
		end, escaped := EndOfString(quoted, 1)
		want, err := jsontext.AppendUnquote([]byte("before"), quoted)
		if (end == len(quoted)) != (err == nil) {
			t.Fatalf("%s ends at %d: %v", quoted, end, err)
		}
		if err != nil {
			return
		}
		got, ok := AppendUnquoted([]byte("before"), text)
		if !ok || !bytes.Equal(got, want) || escaped != bytes.Contains(text, []byte(`\`)) || SkipString(quoted, 1) != end {
			t.Fatalf("%s means %q, %t, not %q", quoted, got, ok, want)
		}
		again, _ := jsontext.AppendQuote(nil, want[len("before"):])
		if end, _ := EndOfPublished(quoted, 1); (end > 0) != bytes.Equal(again, quoted) {
			t.Fatalf("%s is written %s, and ends at %d", quoted, again, end)
		}
	})
}

// BenchmarkStrings measures a text with few escapes, as most have, in both directions.
func BenchmarkStrings(b *testing.B) {
	text := strings.Repeat("Some words of a question, and a line end.\n", 24)
	quoted := AppendString(nil, text)
	for name, do := range map[string]func(){
		"EndOfString":    func() { EndOfString(quoted, 1) },
		"EndOfPublished": func() { EndOfPublished(quoted, 1) },
		"SkipString":     func() { SkipString(quoted, 1) },
		"AppendString":   func() { quoted = AppendString(quoted[:0], text) },
		"AppendUnquoted": func() { unquoted, _ = AppendUnquoted(unquoted[:0], quoted[1:len(quoted)-1]) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
		})
	}
}

var unquoted []byte
