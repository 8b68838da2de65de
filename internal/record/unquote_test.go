package record_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/record"
)

// A string means what the library says that it means.
func FuzzAppendUnquoted(f *testing.F) {
	for _, raw := range []string{"", "plain", `a\nb`, `\\\"\/\b\f\n\r\t`, `\u001f`, `x\ud83d\ude00y`, `\ud83d`, `\`, `\x`, `"`, "a\nb", `ä\nö`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		quoted := append(append([]byte{'"'}, raw...), '"')
		if !utf8.Valid(raw) || !jsontext.Value(quoted).IsValid() {
			return
		}
		want, err := jsontext.AppendUnquote([]byte("before"), quoted)
		if err != nil {
			return
		}
		got, err := record.AppendUnquoted([]byte("before"), raw)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q is %q, %v, want %q", raw, got, err, want)
		}
	})
}

// What means nothing is refused where it is looked at.
func TestTextsThatMeanNothing(t *testing.T) {
	for _, raw := range []string{`\`, `a\`, `\x`, `\u12`, `\ud83d`} {
		if text, err := record.AppendUnquoted(nil, []byte(raw)); err == nil {
			t.Errorf("%q is %q", raw, text)
		}
	}
}
