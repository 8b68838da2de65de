package mapping

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// questionsOf returns what a question makes of the rows of a text, errors as texts.
func questionsOf(t *testing.T, q *Question, text string) (got []string) {
	t.Helper()
	for row, err := range decode.Rows(context.Background(), decode.File{Name: "f", Data: strings.NewReader(text), Size: int64(len(text))}, q.Fields()) {
		if err != nil {
			t.Fatal(err)
		}
		question, err := q.Of(row)
		if err != nil {
			question = "error: " + err.Error()
		}
		got = append(got, question)
	}
	return got
}

// A question needs the fields of the question alone: rows to compare with often have no answers.
func TestQuestions(t *testing.T) {
	for _, c := range []struct {
		preset, expression, rows string
		fields                   []decoded.Field
		want                     []string
	}{
		{"gsm8k", "", `{"question":"1+1?"}`, decoded.Required("question"), []string{"1+1?"}},
		{"squad2", "", `{"context":"C","question":"Q"}`, decoded.Required("context", "question"), []string{"C\n\nQ"}},
		{"mbpp/v2", "", `{"text":"T","test_list":["a","b"]}` + "\n" + `{"prompt":"P","test_list":["c"]}`, append(decoded.Optional("prompt", "text"), decoded.Required("test_list")...),
			[]string{"T\n\nYour code should pass these tests:\n\na\nb", "P\n\nYour code should pass these tests:\n\nc"}},
		{"", `row.a.trim() + row.?b.orValue("!")`, `{"a":" x "}`, []decoded.Field{{Name: "a"}, {Name: "b", Optional: true}}, []string{"x!"}},
		{"", `row.a`, `{"a":""}` + "\n" + `{"a":7}` + "\n" + `{"a":"ok"}`, decoded.Required("a"), []string{
			"error: f, line 1: the expression of question, `row.a`, fails: the question is empty; correct the row or the expression",
			"error: f, line 2: the expression of question, `row.a`, fails: the field \"a\" is a number and must be a string; correct the row or the expression", "ok"}},
	} {
		q, err := CompileQuestion(c.preset, c.expression)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.fields, q.Fields()); diff != "" {
			t.Errorf("%s%s: fields (-want +got):\n%s", c.preset, c.expression, diff)
		}
		if diff := cmp.Diff(c.want, questionsOf(t, q, c.rows)); diff != "" {
			t.Errorf("%s%s (-want +got):\n%s", c.preset, c.expression, diff)
		}
	}
}

func TestQuestionsThatDoNotCompile(t *testing.T) {
	for _, c := range []struct{ preset, expression, want string }{
		{"none", "", "there is no preset"},
		{"", "", "the expression of question"},
		{"", "row.a +", "correct it in the question of the source to decontaminate against"},
		{"", "1 + 1", "must give a string"},
		{"", "row.all(k, true) ? row.a : row.a", "row can only be used by the name of a field"},
	} {
		if _, err := CompileQuestion(c.preset, c.expression); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: %v, want %q", c.preset, c.expression, err, c.want)
		}
	}
}
