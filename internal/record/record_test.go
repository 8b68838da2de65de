package record

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// natalia returns the first row of GSM8K, as a mix publishes it.
func natalia() Record {
	return Record{
		ID: "gsm8k_0", Dataset: "gsm8k", Domain: "math", Question: "Natalia sold clips to 48 of her friends.",
		ReferenceAnswer: "72", AnswerType: Numeric,
		Metadata: []Entry{{KeySource, `"gsm8k"`}, {KeyOriginalID, `"0"`}},
	}
}

// with returns a changed copy.
func (r Record) with(change func(*Record)) Record {
	r.Metadata = slices.Clone(r.Metadata)
	change(&r)
	return r
}

func TestAppendJSON(t *testing.T) {
	const plain = `{"id":"gsm8k_0","dataset":"gsm8k","domain":"math","question":"Natalia sold clips to 48 of her friends.","reference_answer":"72","answer_type":"numeric","metadata":{"source":"gsm8k","original_id":"0"}}`
	for _, c := range []struct {
		name   string
		record Record
		want   string
	}{
		{"plain", natalia(), plain},
		{"nothing", Record{}, `{"id":"","dataset":"","domain":"","question":"","reference_answer":"","answer_type":"","metadata":{}}`},
		{"characters that need no escape", natalia().with(func(r *Record) { r.Question = "<a href='x'>&amp; é 漢字 😀 \u2028 \u007f /" }),
			strings.Replace(plain, "Natalia sold clips to 48 of her friends.", "<a href='x'>&amp; é 漢字 😀 \u2028 \u007f /", 1)},
		{"characters that need one", natalia().with(func(r *Record) { r.Question = "\"\\\r\n\t\b\f\x00\x1f" }),
			strings.Replace(plain, "Natalia sold clips to 48 of her friends.", `\"\\\r\n\t\b\f\u0000\u001f`, 1)},
		{"metadata in its order", natalia().with(func(r *Record) {
			r.Metadata = append(r.Metadata, Entry{"z", `["a",1.50]`}, Entry{`a"`, `null`})
		}), strings.Replace(plain, `"original_id":"0"`, `"original_id":"0","z":["a",1.50],"a\"":null`, 1)},
		{"what is not UTF-8 is mended", natalia().with(func(r *Record) { r.Question = "a\xff\"" }), strings.Replace(plain, "Natalia sold clips to 48 of her friends.", `a`+"\ufffd"+`\"`, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(c.record.AppendJSON([]byte("before ")))
			if diff := cmp.Diff("before "+c.want, got); diff != "" {
				t.Error(diff)
			}
			if !json.Valid([]byte(got[len("before "):])) {
				t.Error("encoding/json does not take it")
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, r := range []Record{
		natalia(), {},
		natalia().with(func(r *Record) { r.Question = "\"\\\r\n\t\b\f\x00\x1f é 漢字 😀 \u2028" }),
		natalia().with(func(r *Record) {
			r.Metadata = append(r.Metadata, Entry{"list", `["é\n",1.50,-0,1e400]`}, Entry{"object", `{"a":{"b":[]},"b":true}`}, Entry{"", `null`})
		}),
	} {
		line := r.AppendJSON(nil)
		got, err := Parse(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("%s:\n%s", line, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	r := natalia()
	line := string(r.AppendJSON(nil))
	change := func(old, new string) string { return strings.Replace(line, old, new, 1) }
	for _, c := range []struct{ name, line, message string }{
		{"nothing", "", `at byte 0: {"id": should be here`},
		{"no object", "[]", `{"id": should be here`},
		{"cut short", line[:len(line)-1], `a comma or the closing brace should be here`},
		{"cut inside a string", line[:30], `at byte 30: a string does not end`},
		{"a line end", line + "\n", "there is more text after the end of the record"},
		{"two records", line + line, "at byte 200: there is more text"},
		{"a space", change(`,"dataset"`, `, "dataset"`), `at byte 15: ,"dataset": should be here`},
		{"a space in the metadata", change(`:{"source"`, `:{ "source"`), `" should be here`},
		{"a space in a value", change(`"original_id":"0"`, `"original_id":["0", 1]`), "a value should be here"},
		{"an escape too many", change("Natalia", `\u004eatalia`), "an escape is not needed"},
		{"an escape in another form", change("Natalia", `\u000a`), "not in this form"},
		{"an escape of a slash", change("Natalia", `\/`), "an escape is not needed"},
		{"an escape in capitals", change("Natalia", `\u001F`), "not in this form"},
		{"an escape that is cut short", line[:62] + `\u00`, "not in this form"},
		{"a control character", change("Natalia", "Natalia\x1f"), "a control character has no escape"},
		{"an escape too many in a value", change(`"original_id":"0"`, `"original_id":"\u0030"`), "an escape is not needed"},
		{"keys in another order", change(`"id":"gsm8k_0","dataset":"gsm8k"`, `"dataset":"gsm8k","id":"gsm8k_0"`), `{"id": should be here`},
		{"a key that is missing", change(`"domain":"math",`, ""), `,"domain": should be here`},
		{"a member that is kept twice", change(`}}`, `},"x":1,"x":2}`), `the member "x" is there twice, or not in the order of names`},
		{"members that are kept in another order", change(`}}`, `},"y":1,"x":2}`), `the member "x" is there twice, or not in the order of names`},
		{"a member that is kept under the name of another", change(`}}`, `},"question":"q"}`), `the member "question" is there twice`},
		{"a space before a member that is kept", change(`}}`, `},"x": 1}`), `a value begins with white space`},
		{"a space behind a member that is kept", change(`}}`, `},"x":1 }`), `a comma or the closing brace should be here`},
		{"a member that is kept over two lines", change(`}}`, `},"x":[1,`+"\n"+`2]}`), `goes over several lines`},
		{"a member that is kept with a name twice", change(`}}`, `},"x":{"a":1,"a":2}}`), `duplicate`},
		{"a member that is kept with half a pair", change(`}}`, `},"x":"\ud800"}`), `surrogate`},
		{"a key twice", change(`"original_id":"0"`, `"source":"0"`), `the key "source" is there twice`},
		{"a number for a string", change(`"72"`, `72`), `" should be here`},
		{"metadata that is a list", change(`{"source":"gsm8k","original_id":"0"}`, `[]`), `,"metadata":{ should be here`},
		{"a comma at the end", change(`"0"}}`, `"0",}}`), `" should be here`},
		{"no comma", change(`,"original_id"`, `"original_id"`), `, should be here`},
		{"no colon", change(`"original_id":"0"`, `"original_id""0"`), `: should be here`},
		{"no value", change(`"original_id":"0"`, `"original_id":`), `a value should be here`},
		{"half a literal", change(`"original_id":"0"`, `"original_id":nul`), `null should be here`},
		{"a leading zero", change(`"original_id":"0"`, `"original_id":01`), `a value should be here`},
		{"a point at the end", change(`"original_id":"0"`, `"original_id":1.`), `a number lacks a digit`},
		{"an exponent without digits", change(`"original_id":"0"`, `"original_id":1e+`), `a number lacks a digit`},
		{"a name twice, others between", change(`"original_id":"0"`, `"original_id":{"c":0,"b":1,"d":2,"b":3}`), `the key "b" is there twice`},
		{"a name twice", change(`"original_id":"0"`, `"original_id":[{"a":1,"a":2}]`), `the key "a" is there twice`},
		{"too deep", change(`"original_id":"0"`, `"original_id":`+strings.Repeat("[", maxDepth+2)), `the value is nested too deeply`},
		{"not UTF-8", change("Natalia", "Natali\xff"), "it is not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.line))
			if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: %v\nshould say %s", contract.ReasonOf(err), err, c.message)
			}
		})
	}
}

// TestDigestsArePinned keeps the encodings as they were published: a change would make every row of every mix a new one.
func TestDigestsArePinned(t *testing.T) {
	r := natalia().with(func(r *Record) { r.Metadata = append(r.Metadata, Entry{"level", `"Level 5"`}) })
	question := sha256.Sum256([]byte(r.Question))
	pair := sha256.Sum256([]byte("datasetmix/pair/v1\n" + string(question[:]) + "\x00\x00\x00\x00\x00\x00\x00\x0272"))
	identity := sha256.Sum256([]byte("datasetmix/identity/v2\n" + string(pair[:]) +
		"\x00\x00\x00\x00\x00\x00\x00\x07numeric" +
		"\x00\x00\x00\x00\x00\x00\x00\x05level" + "\x00\x00\x00\x00\x00\x00\x00\x09\"Level 5\""))
	if got, want := r.Digests(), (Digests{question, pair, identity}); got != want {
		t.Errorf("the digests are not those of the documented messages: %x", got)
	}
}

func TestIdentity(t *testing.T) {
	base := natalia().with(func(r *Record) { r.Metadata = append(r.Metadata, Entry{"a", `"bc"`}) })
	for _, c := range []struct {
		name   string
		equal  bool
		change func(*Record)
	}{
		{"nothing", true, func(*Record) {}},
		{"another place", true, func(r *Record) { r.ID, r.Metadata[1].Value = "gsm8k_9", `"9"` }},
		{"another name", true, func(r *Record) {
			r.Dataset, r.Domain, r.Metadata[0].Value = "grade-school", "arithmetic", `"grade-school"`
		}},
		{"no source", true, func(r *Record) { r.Metadata = r.Metadata[2:] }},
		{"another question", false, func(r *Record) { r.Question += " " }},
		{"another answer", false, func(r *Record) { r.ReferenceAnswer = "24" }},
		{"another type", false, func(r *Record) { r.AnswerType = Text }},
		{"a character that moved over", false, func(r *Record) { r.Question, r.ReferenceAnswer = r.Question+"7", "2" }},
		{"metadata that moved over", false, func(r *Record) { r.Metadata[2] = Entry{`a"b`, `c"`} }},
		{"no metadata", false, func(r *Record) { r.Metadata = r.Metadata[:2] }},
		{"more metadata", false, func(r *Record) { r.Metadata = append(r.Metadata, Entry{"d", `1`}) }},
		{"a string for a number", false, func(r *Record) { r.Metadata[2].Value = `bc` }},
	} {
		other := base.with(c.change)
		if got := base.Digests().Identity == other.Digests().Identity; got != c.equal {
			t.Errorf("%s: equal is %t", c.name, got)
		}
	}
}

// Equal pairs say the same of the same question, whatever else is kept with them.
func TestPair(t *testing.T) {
	base := natalia()
	for _, c := range []struct {
		name                     string
		question, pair, identity bool
		change                   func(*Record)
	}{
		{"more metadata", true, true, false, func(r *Record) { r.Metadata = append(r.Metadata, Entry{"d", `1`}) }},
		{"another type", true, true, false, func(r *Record) { r.AnswerType = Text }},
		{"another answer", true, false, false, func(r *Record) { r.ReferenceAnswer = "24" }},
		{"another question", false, false, false, func(r *Record) { r.Question += " " }},
	} {
		other := base.with(c.change)
		a, b := base.Digests(), other.Digests()
		if a.Question == b.Question != c.question || a.Pair == b.Pair != c.pair || a.Identity == b.Identity != c.identity {
			t.Errorf("%s: %x and %x", c.name, a, b)
		}
	}
}

func TestValueOf(t *testing.T) {
	for _, c := range []struct {
		value any
		want  JSON
	}{
		{nil, `null`},
		{true, `true`},
		{decoded.Number("-1.50e3"), `-1.50e3`},
		{"é\n", `"é\n"`},
		{[]any{}, `[]`},
		{[]any{"a", decoded.Number("1"), []any{nil}}, `["a",1,[null]]`},
		{map[string]any{"b": false, "a": map[string]any{}, "ä\n": "x"}, `{"a":{},"b":false,"ä\n":"x"}`},
	} {
		if got := ValueOf(c.value); got != c.want {
			t.Errorf("%v: %s", c.value, got)
		}
	}
}

// FuzzRoundTrip writes any record and reads it back, with encoding/json as the second reader.
//
//fuzz:brief FuzzParse begins with the other half
func FuzzRoundTrip(f *testing.F) {
	f.Add("q", "a", "k", "v")
	f.Add("\u2028<&>\x7f", "\x00\"\\\n", "é", "😀")
	f.Fuzz(func(t *testing.T, question, answer, key, value string) {
		for _, s := range []*string{&question, &answer, &key, &value} {
			*s = strings.ToValidUTF8(*s, "?")
		}
		r := Record{ID: "a_0", Dataset: "a", Domain: "d", Question: question, ReferenceAnswer: answer, AnswerType: Text, Metadata: []Entry{{key, StringOf(value)}}}
		line := r.AppendJSON(nil)
		got, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatal(diff)
		}
		var second struct {
			Question string         `json:"question"`
			Answer   string         `json:"reference_answer"`
			Metadata map[string]any `json:"metadata"`
		}
		if err := json.Unmarshal(line, &second); err != nil || second.Question != question || second.Answer != answer || second.Metadata[key] != value {
			t.Fatalf("encoding/json reads %+v, %v", second, err)
		}
		if strings.Contains(string(line), "\n") {
			t.Fatal("the record has a line end inside")
		}
	})
}
