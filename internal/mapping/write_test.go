package mapping

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// sameAsMapped compares what a writer makes of the rows of a text with what Map, AppendJSON and Digests do, to the byte.
func sameAsMapped(t *testing.T, r recipe.Record, text string) (rows int) {
	t.Helper()
	m, err := Compile(r)
	if err != nil {
		t.Skip(err)
	}
	w := NewWriter(m, "d-1", "dö\"main")
	lines := []byte("before")
	n := int64(0)
	for row, err := range decode.Rows(context.Background(), decode.File{Name: "rows", Data: strings.NewReader(text), Size: int64(len(text)), NonFinite: decoded.NonFiniteNull}, m.Fields()) {
		if err != nil {
			continue
		}
		want, group, wanted := Map(m, row, Origin{"d-1", "dö\"main", n})
		lent, memory := lend(row)
		begin := len(lines)
		said, all, err := w.Row(lines, lent, n)
		said.Question, said.ReferenceAnswer, said.Group = strings.Clone(said.Question), strings.Clone(said.ReferenceAnswer), strings.Clone(said.Group)
		for i := range memory {
			memory[i] = 0xff // Of what was lent, nothing is left in the line, the digests or the error.
		}
		lines = all
		if fmt.Sprint(err) != fmt.Sprint(wanted) {
			t.Fatalf("%v, and mapped %v", err, wanted)
		}
		if n++; err != nil {
			if len(lines) != begin {
				t.Fatalf("%q is appended for a row that fails", lines[begin:])
			}
			continue
		}
		rows++
		if line := want.AppendJSON(nil); !bytes.Equal(line, lines[begin:]) {
			t.Fatalf("the line is\n%s\nand mapped\n%s", lines[begin:], line)
		}
		if said.Question != want.Question || said.ReferenceAnswer != want.ReferenceAnswer || said.Group != group || said.Digests != want.Digests() || len(said.Kept) != len(want.Kept) {
			t.Fatalf("%+v, and mapped %+v of the group %q", said, want, group)
		}
	}
	return rows
}

// lend puts the strings of a row into memory that is used again, as those of chunks are.
func lend(row decoded.Row) (decoded.Row, []byte) {
	var memory []byte
	place := func(text string) string {
		from := len(memory)
		memory = append(memory, text...)
		return unsafe.String(unsafe.SliceData(memory[from:]), len(text))
	}
	var of func(v any) any
	of = func(v any) any {
		switch v := v.(type) {
		case string:
			return place(v)
		case decoded.Number:
			return decoded.Number(place(string(v)))
		case decoded.JSON:
			return decoded.JSON(place(string(v)))
		case []any:
			list := make([]any, len(v))
			for i := range v {
				list[i] = of(v[i])
			}
			return list
		case map[string]any:
			object := map[string]any{}
			for name, member := range v {
				object[name] = of(member)
			}
			return object
		}
		return v
	}
	memory = make([]byte, 0, 1<<20)
	lent := row
	lent.Values = of(row.Values).([]any)
	return lent, memory
}

// written are records that use each way of writing a member.
var written = []recipe.Record{
	{Preset: "gsm8k"}, {Preset: "math"}, {Preset: "squad2"}, {Preset: "hotpotqa"}, {Preset: "mbpp/v2"}, {Preset: "messages", Keep: []string{"*", "q"}}, {Preset: "alpaca", KeepAsText: []string{"input"}},
	{Question: `row.q`, ReferenceAnswer: `row.a`, AnswerType: "text", Answers: recipe.OptionalAnswers, Metadata: []recipe.Metadata{{Name: "original_id", Value: `row.?id`}, {Name: "t", Value: `row.?t`}, {Name: "n", Value: `row.?n`}}},
	{Question: `"Q: \"" + row.q + "\n" + row.?t.orValue("-")`, ReferenceAnswer: `row["a.b"]`, AnswerType: "text", GroupBy: `row.?id`, Metadata: []recipe.Metadata{{Name: "k\"", Value: `"c\\" + row.q`}, {Name: "t", Value: `row.t`}}},
	{Question: `row.q + row.q`, ReferenceAnswer: `row.?a.or(row.?t)`, AnswerType: "text", Where: `row.q != "skip"`, Keep: []string{"q", "t"}, Metadata: []recipe.Metadata{{Name: "d", Value: `row.o.d`}, {Name: "o", Value: `row.o`}}},
}

func TestWriterIsMap(t *testing.T) {
	const text = `{"q":"Q","a":"A","id":"x7","t":"plain","n":1.50,"a.b":"dots","o":{"d":"deep", "c":[1]}}
{"q":"h\u00e9\/ \"q\"","a":" ","id":7,"t":["a" , "b"],"n":"1","a":"x"}
{"q":"Ünï \u2028","a":"  ","id":"","t":{"z":1,"a":"\n"},"n":null,"a.b":"é","o":{"d":7}}
{"q":"skip","a":"b\\","t":null,"a.b":"x","a":{"b":"path"}}
{"q":"Q2","a":{"b":"path"},"t":"\ttab","id":"i","o":{"d":null}}
{"question":"1 + 1?","answer":"#### 2","problem":"p","solution":"\\boxed{2}","level":"L","context":"c","answers":{"text":["x"],"answer_start":[0]},"type":"t\"","id":"é"}
{"prompt":"P","code":"c","test_list":["a"],"task_id":7,"messages":[{"role":"user","content":"Hi"},{"content":"A","role":"assistant"}],"tools":[ ],"instruction":"I","input":"X","output":"O"}
`
	seen := 0
	for _, r := range written {
		r.Rule = recipe.RecordRule
		seen += sameAsMapped(t, r, text)
	}
	if seen < 12 {
		t.Errorf("only %d rows were written", seen)
	}
}

// FuzzWriter holds the writer to Map for any rows.
func FuzzWriter(f *testing.F) {
	for i := range written {
		f.Add(uint8(i), `{"q":"Q","a":"A","id":"x","t":"\u00e9","n":NaN,"a.b":"d","o":{"d":"x"}}`)
		f.Add(uint8(i), `{"question":"1?","answer":"#### 2","context":"c","answers":{"text":[]},"problem":"p\\","solution":"\\fbox{x}","prompt":"p","code":"","test_list":[]}`)
		f.Add(uint8(i), `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"\u0000"}],"instruction":"\"","input":" ","output":"o"}`)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		r := written[int(which)%len(written)]
		r.Rule = recipe.RecordRule
		sameAsMapped(t, r, text)
	})
}

// TestPlainFields: a field that says that it is plain is in JSON as it is, in every format and after any row.
func TestPlainFields(t *testing.T) {
	const text = `{"a":"x","b":"\u0041","c":"é","d":{"e":"z"},"d.e":"own"}` + "\n" + `{"a":7,"b":"y","c":null,"d":{"e":"z"}}` + "\n" + `{"\u0061":"esc","b":"y","c":"q"}` + "\n"
	fields := decoded.Optional("a", "b", "c", "d.e")
	var got []uint64
	for row, err := range decode.Rows(context.Background(), decode.File{Data: strings.NewReader(text), Size: int64(len(text))}, fields) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row.Plain)
		for i, v := range row.Values {
			if s, ok := v.(string); row.Plain>>i&1 != 0 && (!ok || string(record.StringOf(s)) != `"`+s+`"`) {
				t.Errorf("%s is %v, and not plain", fields[i].Name, v)
			}
		}
	}
	if diff := cmp.Diff([]uint64{0b101, 0b010, 0b111}, got); diff != "" {
		t.Error(diff)
	}
}
