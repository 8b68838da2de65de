package decode

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

const squadText = `{"version": "v2.0", "data": [
 {"title": "One", "paragraphs": [
  {"qas": [{"question": "q1", "id": "i1", "answers": [{"text": "a", "answer_start": 1}, {"text": "b", "answer_start": 2}], "is_impossible": false},
           {"question": "q2", "id": "i2", "answers": [], "plausible_answers": [{"text": "p", "answer_start": 3}], "is_impossible": true}], "context": "c1"},
  {"context": "c2", "qas": []}]},
 {"paragraphs": [], "title": "None"},
 {"paragraphs": [{"context": "c3", "qas": [{"id": "i3", "question": "q3", "answers": [{"answer_start": 0, "text": "c"}]}]}], "title": "Three"}
], "more": [{"data": 1}]}`

func TestSquad(t *testing.T) {
	fields := slices.Concat(decoded.Required("id", "title", "context", "question", "answers"), decoded.Optional("is_impossible"))
	answers := func(texts, starts []any) map[string]any { return map[string]any{"text": texts, "answer_start": starts} }
	want := []got{
		{0, "rows, article 1, question 1", []any{"i1", "One", "c1", "q1", answers([]any{"a", "b"}, []any{decoded.Number("1"), decoded.Number("2")}), false}},
		{1, "rows, article 1, question 2", []any{"i2", "One", "c1", "q2", answers([]any{}, []any{}), true}},
		{2, "rows, article 3, question 1", []any{"i3", "Three", "c3", "q3", answers([]any{"c"}, []any{decoded.Number("0")}), nil}},
	}
	for name, data := range map[string][]byte{
		"as it is":               []byte(squadText),
		"on one line":            []byte(strings.ReplaceAll(squadText, "\n", "")),
		"packed":                 zipped(squadText),
		"with a byte order mark": []byte("\xef\xbb\xbf" + squadText),
		"version last":           []byte(strings.Replace(strings.Replace(squadText, `"version": "v2.0", `, "", 1), `"more"`, `"version"`, 1)),
	} {
		rows, err := read(data, fields)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestSquadPath(t *testing.T) {
	rows, err := read([]byte(squadText), decoded.Required("answers.text"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{[]any{"a", "b"}}, rows[0].Values); diff != "" {
		t.Error(diff)
	}
}

func TestSquadRefuses(t *testing.T) {
	begin := `{"data":[{"paragraphs":[`
	for _, c := range []struct{ name, data, message string }{
		{"cut short", squadText[:len(squadText)-60], "article 3: the JSON ends before it is complete"},
		{"cut short after the articles", squadText[:len(squadText)-3], "article 4: the JSON ends before it is complete"},
		{"text after the end", squadText + "{}", "there is more text after the end"},
		{"an article that is no object", begin + `]}, 1]}`, "article 2: an article must be a JSON object"},
		{"no paragraphs", begin + `]}, {}]}`, `article 2: "paragraphs" must be there and be a list`},
		{"a paragraph that is no object", begin + `1]}]}`, "a paragraph must be an object"},
		{"no questions in a paragraph", begin + `{"context":"c"}]}]}`, `"qas" must be there and be a list`},
		{"a question that is no object", begin + `{"qas":[1]}]}]}`, "a question must be an object"},
		{"answers that are no list", begin + `{"qas":[{"answers":{}}]}]}]}`, `"answers" must be there and be a list`},
		{"an answer that is no object", begin + `{"qas":[{"answers":["x"]}]}]}]}`, "an answer must be an object"},
		{"a question without text", begin + `{"qas":[{"id":"i"}]}]}]}`, `rows, article 1, question 1: there is no field "question"; the fields of the file are "id"`},
		{"a wrong end", begin + `{"qas":[{"question":"q"}]}]}],}`, "this is not valid JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read([]byte(c.data), slices.Concat(decoded.Required("question"), decoded.Optional("answers")))
			if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: %v\nshould say %s", contract.ReasonOf(err), err, c.message)
			}
		})
	}
	if _, err := read([]byte(squadText), decoded.Required("text")); err == nil || !strings.Contains(err.Error(), `there is no field "text"; the fields of the file are id, title, context`) {
		t.Error(err)
	}
}

// TestNotSquad has rows that look like it for a while.
func TestNotSquad(t *testing.T) {
	for _, row := range []string{`{"data":[{"paragraphs":1}]}`, `{"data":[]}`, `{"data":{"paragraphs":[]}}`, `{"data":["paragraphs"]}`, `{"paragraphs":[]}`, `{"data":[{"x":[{"paragraphs":[]}]}]}`} {
		rows, err := read([]byte(row+"\n"+row), nil)
		if err != nil || len(rows) != 2 || rows[1].Where != "rows, line 2" {
			t.Errorf("%s: %v, %v", row, rows, err)
		}
	}
}
