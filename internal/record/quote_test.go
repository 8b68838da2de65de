package record

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzAppendString compares with jsontext.
//
//fuzz:brief FuzzParse writes what it reads
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "é😀\u2028\u2029\ufeff", "\"\\/\b\f\n\r\t\x00\x01\x1f\x7f", "<>&'", "\xff\xfe", "\xed\xa0\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := jsontext.AppendQuote(nil, s)
		if got := AppendString(nil, s); string(got) != string(want) {
			t.Errorf("%q is quoted %s, not %s", s, got, want)
		}
	})
}
