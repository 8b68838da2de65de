package record

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

const plain = `{"id":"sums_7","dataset":"sums","domain":"math","question":"Q","reference_answer":"A","answer_type":"text","metadata":{"source":"sums","original_id":"7"}}`

func TestFormRecognisesPublishedRows(t *testing.T) {
	f := NewForm("sums", "math")
	for what, c := range map[string]struct {
		line     string
		number   int64
		question string
	}{
		"a plain row":       {plain, 7, "Q"},
		"escapes":           {strings.Replace(plain, `"Q"`, `"a\"b\\c\n\u0001\u001f 12345678 é"`, 1), 7, `a\"b\\c\n\u0001\u001f 12345678 é`},
		"an empty question": {strings.Replace(plain, `"Q"`, `""`, 1), 7, ""},
		"lists of strings":  {strings.Replace(plain, `"7"}}`, `"7","tests":["a","b"],"none":[]}}`, 1), 7, "Q"},
		"row 0":             {strings.Replace(plain, "sums_7", "sums_0", 1), 0, "Q"},
		"a large number":    {strings.Replace(plain, "sums_7", "sums_123456789012", 1), 123456789012, "Q"},
	} {
		row, ok := f.View([]byte(c.line))
		if !ok || row.Number != c.number || string(row.Question) != c.question || string(row.Answer) != "A" {
			t.Errorf("%s: %d, %q, %q, %v", what, row.Number, row.Question, row.Answer, ok)
		}
		if _, err := Parse([]byte(c.line)); err != nil {
			t.Errorf("%s: Parse refuses it: %v", what, err)
		}
	}
}

// What is not recognised is Parse's to judge.
func TestFormLeavesTheRestToParse(t *testing.T) {
	f := NewForm("sums", "math")
	for what, line := range map[string]string{
		"another data set":         strings.ReplaceAll(plain, "sums", "facts"),
		"another domain":           strings.Replace(plain, `"math"`, `"qa"`, 1),
		"a space":                  strings.Replace(plain, `{"id"`, `{ "id"`, 1),
		"an escape too many":       strings.Replace(plain, `"Q"`, `"\/"`, 1),
		"a named one as a number":  strings.Replace(plain, `"Q"`, `"\u000a"`, 1),
		"an upper-case escape":     strings.Replace(plain, `"Q"`, `"\u001F"`, 1),
		"a control character":      strings.Replace(plain, `"Q"`, "\"a\tb\"", 1),
		"a control character late": strings.Replace(plain, `"Q"`, "\"0123456789\x01\"", 1),
		"no UTF-8":                 strings.Replace(plain, `"Q"`, "\"\xff\"", 1),
		"a key twice":              strings.Replace(plain, `"7"}}`, `"7","source":"x"}}`, 1),
		"a number as a value":      strings.Replace(plain, `"7"}}`, `"7","n":1}}`, 1),
		"a list that does not end": strings.Replace(plain, `"7"}}`, `"7","n":["a"`, 1),
		"a comma too many":         strings.Replace(plain, `"7"}}`, `"7","n":["a",]}}`, 1),
		"text after the end":       plain + " ",
		"a leading zero":           strings.Replace(plain, "sums_7", "sums_07", 1),
		"no number":                strings.Replace(plain, "sums_7", "sums_", 1),
	} {
		if _, ok := f.View([]byte(line)); ok {
			t.Errorf("%s is recognised", what)
		}
	}
	for n := range plain {
		if _, ok := f.View([]byte(plain[:n])); ok {
			t.Errorf("the first %d bytes are recognised", n)
		}
	}
}

// TestFormOfKeptMembers: rows that keep members are recognised, too, but for those that only Parse may judge.
func TestFormOfKeptMembers(t *testing.T) {
	f := NewForm("sums", "math")
	for kept, want := range map[string]bool{
		`}`: true, `,"a":[1, {"b" : "x"}],"é":"\u00e9\/"}`: true, `,"a":null,"b":-1.5e3}`: true, ",\"a\":[1,\t2]}": true,
		``: false, `,"a":1`: false, `,"a":1}}`: false, `,"a": 1}`: false, `,"a":1 }`: false, `,"b":1,"a":1}`: false, `,"a":1,"a":1}`: false, `,"id":1}`: false, `,"\u0061":1}`: false, ",\"a\":[1,\r2]}": false,
		`,"a":{"b":1,"b":2}}`: false, `,"a":"\ud800"}`: false, `,"a":01}`: false, `,"a":}`: false, `,"a"}`: false, `,1}`: false,
	} {
		if _, ok := f.View([]byte(strings.TrimSuffix(plain, "}") + kept)); ok != want {
			t.Errorf("%s is recognised: %t", kept, ok)
		}
	}
}

// FuzzForm: whatever is recognised is what Parse accepts, with the same number, question and answer.
//
//fuzz:brief what it does not recognise goes to Parse, which FuzzParse has
func FuzzForm(f *testing.F) {
	f.Add(plain)
	f.Add(strings.Replace(plain, `"Q"`, `"a\"b\\c\n\u0001 é"`, 1))
	f.Add(strings.Replace(plain, `"7"}}`, `"7","tests":["a","b"],"none":[]}}`, 1))
	for _, kept := range []string{`,"a":[1, {"b" : null}],"c":"\u00e9\/"}`, `,"a":1,"a":2}`, `,"b":1,"a":2}`, `,"a": 1}`, `,"a":1 }`, `,"question":1}`, `,"a":{"b":1,"b":2}}`, ",\"a\":[1,\t2]}", ",\"a\":[1,\r2]}", `,"a":"\ud800"}`, `,"a\n":01}`, `,"é":1e5}`} {
		f.Add(strings.TrimSuffix(plain, "}") + kept)
	}
	form := NewForm("sums", "math")
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := form.View([]byte(line))
		if !ok {
			return
		}
		row, err := Parse([]byte(line))
		if err != nil {
			t.Fatalf("recognised, and Parse says %v", err)
		}
		if row.Dataset != "sums" || row.Domain != "math" || Number(row.ID, "sums") != got.Number ||
			written(row.Question) != string(got.Question) || written(row.ReferenceAnswer) != string(got.Answer) ||
			meaning(got.Question) != row.Question || meaning(got.Answer) != row.ReferenceAnswer {
			t.Errorf("%d, %q, %q of %+v", got.Number, got.Question, got.Answer, row)
		}
	})
}

// written returns a text as JSON has it, meaning the other way.
func written(text string) string {
	quoted := StringOf(text)
	return string(quoted[1 : len(quoted)-1])
}

func meaning(raw []byte) string {
	text, _ := jsonscan.AppendUnquoted(nil, raw)
	return string(text)
}

func TestNumberOfAnID(t *testing.T) {
	for id, want := range map[string]int64{"a_b_12": 12, "a_b_0": 0, "a_b_": -1, "a_b_012": -1, "a_b_+1": -1, "a_b_-1": -1, "a_c_1": -1, "": -1} {
		if got := Number(id, "a_b"); got != want {
			t.Errorf("%q is %d", id, got)
		}
	}
}

func BenchmarkForm(b *testing.B) {
	line := []byte(strings.Replace(plain, `"Q"`, `"`+strings.Repeat("Some words of a question, ", 35)+`"`, 1))
	f := NewForm("sums", "math")
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := f.View(line); !ok {
			b.Fatal("not recognised")
		}
	}
}
