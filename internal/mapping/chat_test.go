package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// TestPresetsOfShapes: what the presets of common shapes take for the question and the answer, keep, and have compared with probes.
func TestPresetsOfShapes(t *testing.T) {
	const chat = `[{"role":"system","content":"Be kind."},{"role":"User","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"b":1,"a":2}]},` +
		`{"role":"tool","content":"20"},{"role":"assistant","content":"20 C"},{"role":"user","content":[{"type":"text","text":"And?"},{"type":"image_url","image_url":{"url":"a.png"}},"more"]},` +
		`{"role":"assistant","content":""}]`
	inner := strings.ReplaceAll(chat, `"`, `\"`)
	turns := []string{"Be kind.", "Hi", "20", "20 C", "And?\nmore"}
	const shared = `[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}, {"from": "human", "value": "Bye"}]`
	for _, c := range []struct {
		name, preset, row, question, answer string
		kept                                []record.Entry
		others                              []string
	}{
		{"a chat", "messages", `{"messages":` + chat + `,"tools": [ ],"id":7}`, "Hi\n\nAnd?\nmore", "20 C", []record.Entry{{Key: "messages", Value: chat}, {Key: "tools", Value: "[ ]"}}, turns},
		{"a chat in a text", "messages", `{"messages":"` + inner + `"}`, "Hi\n\nAnd?\nmore", "20 C", []record.Entry{{Key: "messages", Value: record.JSON(`"` + inner + `"`)}}, turns},
		{"ShareGPT", "sharegpt", `{"conversations":` + shared + `,"system":"S"}`, "Hi\n\nBye", "Hello.", []record.Entry{{Key: "conversations", Value: shared}, {Key: "system", Value: `"S"`}}, []string{"Hi", "Hello.", "Bye"}},
		{"a pair of texts", "preference", `{"prompt":"P","chosen":"good","rejected":"bad"}`, "P", "good", []record.Entry{{Key: "chosen", Value: `"good"`}, {Key: "prompt", Value: `"P"`}, {Key: "rejected", Value: `"bad"`}}, []string{"good", "bad"}},
		{"a pair of chats with a prompt", "preference", `{"prompt":"P","chosen":` + chat + `,"rejected":[{"role":"assistant","content":"bad"}]}`, "P", "20 C",
			[]record.Entry{{Key: "chosen", Value: chat}, {Key: "prompt", Value: `"P"`}, {Key: "rejected", Value: `[{"role":"assistant","content":"bad"}]`}}, append(turns[:5:5], "bad")},
		{"a pair without a prompt", "preference", `{"chosen":` + chat + `,"rejected":[]}`, "Hi\n\nAnd?\nmore", "20 C", []record.Entry{{Key: "chosen", Value: chat}, {Key: "rejected", Value: `[]`}}, turns},
		{"a prompt of turns", "preference", `{"prompt":[{"role":"user","content":"P"}],"chosen":[{"role":"assistant","content":"good"}],"rejected":[]}`, "P", "good",
			[]record.Entry{{Key: "chosen", Value: `[{"role":"assistant","content":"good"}]`}, {Key: "prompt", Value: `[{"role":"user","content":"P"}]`}, {Key: "rejected", Value: `[]`}}, []string{"good"}},
		{"an instruction", "alpaca", `{"instruction":"I","input":"","output":"O"}`, "I", "O", []record.Entry{{Key: "input", Value: `""`}, {Key: "instruction", Value: `"I"`}, {Key: "output", Value: `"O"`}}, nil},
		{"an instruction without a member input", "alpaca", `{"instruction":"I","input":null,"output":"O"}`, "I", "O", []record.Entry{{Key: "input", Value: `null`}, {Key: "instruction", Value: `"I"`}, {Key: "output", Value: `"O"`}}, nil},
		{"an instruction with an input", "alpaca", `{"instruction":"I","input":"X","output":"O","history":[["a","b"]]}`, "I\n\nX", "O",
			[]record.Entry{{Key: "history", Value: `[["a","b"]]`}, {Key: "input", Value: `"X"`}, {Key: "instruction", Value: `"I"`}, {Key: "output", Value: `"O"`}}, nil},
		{"a text", "text", `{"text":"T","id":1}`, "T", "", nil, nil},
		{"verl", "verl", `{"data_source":"x","prompt":[{"role":"user","content":"P"}],"reward_model":{"style":"rule","ground_truth":"42"}}`, "P", "42",
			[]record.Entry{{Key: "data_source", Value: `"x"`}, {Key: "prompt", Value: `[{"role":"user","content":"P"}]`}, {Key: "reward_model", Value: `{"style":"rule","ground_truth":"42"}`}}, nil},
		{"verl, a number", "verl", `{"prompt":[{"role":"user","content":"P"}],"reward_model":{"ground_truth":4.5}}`, "P", "4.5",
			[]record.Entry{{Key: "prompt", Value: `[{"role":"user","content":"P"}]`}, {Key: "reward_model", Value: `{"ground_truth":4.5}`}}, nil},
		{"verl, an object", "verl", `{"prompt":[{"role":"user","content":"P"}],"reward_model":{"ground_truth":{"b":[1],"a":"x"}}}`, "P", `{"a":"x","b":[1]}`,
			[]record.Entry{{Key: "prompt", Value: `[{"role":"user","content":"P"}]`}, {Key: "reward_model", Value: `{"ground_truth":{"b":[1],"a":"x"}}`}}, nil},
	} {
		t.Run(c.preset+", "+c.name, func(t *testing.T) {
			r := recipe.Record{Preset: recipe.PresetVersion(c.preset), Rule: recipe.RecordRule}
			m, row := firstRow(t, r, c.row)
			got, err := m.Map(row)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Content{Question: c.question, ReferenceAnswer: c.answer, AnswerType: record.Text, Kept: c.kept}, got); diff != "" {
				t.Error(diff)
			}
			others, err := m.Others(row)
			if diff := cmp.Diff(c.others, others); diff != "" || err != nil {
				t.Errorf("compared with probes: %v\n%s", err, diff)
			}
		})
	}
}

// firstRow returns the first row of a text as a mapping wants it.
func firstRow(t *testing.T, r recipe.Record, text string) (Mapping, decoded.Row) {
	t.Helper()
	m, err := Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range decode.Rows(t.Context(), decode.File{Name: "rows", Data: strings.NewReader(text), Size: int64(len(text))}, m.Fields()) {
		if err != nil {
			t.Fatal(err)
		}
		return m, row
	}
	t.Fatal("no row")
	return nil, decoded.Row{}
}

func TestPresetsOfShapesRefuse(t *testing.T) {
	for _, c := range []struct{ name, preset, row, message string }{
		{"no turn of the user", "messages", `{"messages":[{"role":"assistant","content":"A"}]}`, "the question is empty"},
		{"no turn of the assistant", "messages", `{"messages":[{"role":"user","content":"Q"}]}`, "there is no reference answer"},
		{"a chat that is no list", "messages", `{"messages":{"role":"user"}}`, `the field "messages" is an object and must be a list of turns, or a text of JSON that holds one`},
		{"a chat that is no JSON", "messages", `{"messages":"Hi"}`, `the field "messages" is not a text of JSON`},
		{"a turn without a role", "messages", `{"messages":[{"role":"user","content":"Q"},{"content":"A"}]}`, `turn 2 of the field "messages" has no role, and no from, that is a string`},
		{"a content that is a number", "messages", `{"messages":[{"role":"user","content":7}]}`, `has a content that is a number and must be a string or a list of parts`},
		{"turns that are texts", "sharegpt", `{"conversations":["Hi"]}`, `turn 1 of the field "conversations" is a string and must be an object`},
		{"chosen texts without a prompt", "preference", `{"chosen":"good","rejected":"bad"}`, `is not a text of JSON`},
	} {
		m, row := firstRow(t, recipe.Record{Preset: c.preset, Rule: recipe.RecordRule}, c.row)
		if _, err := m.Map(row); contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s, %s: %v\nshould say %s", c.preset, c.name, err, c.message)
		}
	}
}

// TestKeepBesideAnything: what a record keeps, and what it may not.
func TestKeepBesideAnything(t *testing.T) {
	const row = `{"q":"Q","a":"A","tags": [1, "x"],"t":"text","n":7,"none":null,"o":{ "b":1,"a":2}}`
	own := func(change func(*recipe.Record)) recipe.Record {
		return today(func(r *recipe.Record) { r.Question, r.ReferenceAnswer = `row.q`, `row.a`; change(r) })
	}
	for _, c := range []struct {
		name   string
		record recipe.Record
		want   []record.Entry
	}{
		{"by name, absent ones not", own(func(r *recipe.Record) { r.Keep = []string{"tags", "o", "gone", "none"} }), []record.Entry{{Key: "none", Value: "null"}, {Key: "o", Value: `{ "b":1,"a":2}`}, {Key: "tags", Value: `[1, "x"]`}}},
		{"as texts", own(func(r *recipe.Record) { r.KeepAsText = []string{"tags", "o", "t", "n", "none"} }),
			[]record.Entry{{Key: "n", Value: `"7"`}, {Key: "none", Value: "null"}, {Key: "o", Value: `"{ \"b\":1,\"a\":2}"`}, {Key: "t", Value: `"text"`}, {Key: "tags", Value: `"[1, \"x\"]"`}}},
		{"in both lists", own(func(r *recipe.Record) { r.Keep, r.KeepAsText = []string{"n", "t"}, []string{"n"} }), []record.Entry{{Key: "n", Value: `"7"`}, {Key: "t", Value: `"text"`}}},
		{"the whole row", own(func(r *recipe.Record) { r.Keep = []string{"*", "n", "zz"} }), []record.Entry{{Key: "n", Value: "7"}, {Key: "row", Value: row}}},
		{"the whole row as a text", own(func(r *recipe.Record) { r.KeepAsText = []string{"*"} }), []record.Entry{{Key: "row", Value: record.StringOf(row)}}},
		{"fields that expressions use, too", own(func(r *recipe.Record) { r.Keep, r.Where = []string{"o", "q"}, `row.o.b == 1 && row["o.a"] == 2` }), []record.Entry{{Key: "o", Value: `{ "b":1,"a":2}`}, {Key: "q", Value: `"Q"`}}},
	} {
		m, r := firstRow(t, c.record, row)
		got, err := m.Map(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got.Kept); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
		made, _ := got.At(Origin{Dataset: "d", Domain: "x"})
		line := made.AppendJSON(nil)
		if again, err := record.Parse(line); err != nil || cmp.Diff(made, again) != "" {
			t.Errorf("%s: %v\n%s", c.name, err, cmp.Diff(made, again))
		}
	}
	for name, message := range map[string]string{"question": `the member "question" cannot be kept`, "row": `the whole row is published as the member "row"`} {
		r := own(func(r *recipe.Record) { r.Keep = []string{"*", name} })
		if _, err := Compile(r); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), message) {
			t.Errorf("%v\nshould say %s", err, message)
		}
	}
}

// TestKeptMembersAreInTheIdentity: rows that differ by what they keep alone are different rows, and a record that keeps nothing has the digests
// that it had.
func TestKeptMembersAreInTheIdentity(t *testing.T) {
	of := func(metadata, kept []record.Entry) [32]byte {
		r := record.Record{Question: "q", AnswerType: record.Text, Metadata: metadata, Kept: kept}
		return r.Digests().Identity
	}
	seen := map[[32]byte]string{}
	for name, digest := range map[string][32]byte{
		"none": of(nil, nil), "kept": of(nil, []record.Entry{{Key: "a", Value: "1"}}), "in the metadata": of([]record.Entry{{Key: "a", Value: "1"}}, nil), "another value": of(nil, []record.Entry{{Key: "a", Value: "2"}}),
		"white space": of(nil, []record.Entry{{Key: "a", Value: "[1, 2]"}}), "no white space": of(nil, []record.Entry{{Key: "a", Value: "[1,2]"}}), "two": of(nil, []record.Entry{{Key: "a", Value: "1"}, {Key: "b", Value: "1"}}), "one each": of([]record.Entry{{Key: "a", Value: "1"}}, []record.Entry{{Key: "b", Value: "1"}}),
	} {
		if other, there := seen[digest]; there {
			t.Errorf("%s and %s have one identity", name, other)
		}
		seen[digest] = name
	}
}
