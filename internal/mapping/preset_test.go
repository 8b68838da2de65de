package mapping

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// source is a row as the tests write it: fields by name.
type source map[string]any

func (s source) with(name string, value any) source {
	changed := source{}
	for k, v := range s {
		changed[k] = v
	}
	changed[name] = value
	return changed
}

// row puts a preset's fields into its order.
func (s source) row(p Preset) decoded.Row {
	row := decoded.Row{Number: 7}
	for _, f := range p.Fields() {
		row.Values = append(row.Values, s[f.Name])
	}
	return row
}

func texts(of ...string) map[string]any {
	list := []any{}
	for _, s := range of {
		list = append(list, s)
	}
	return map[string]any{"text": list, "answer_start": []any{}}
}

var (
	gsm8kRow  = source{"question": " How many? ", "answer": "One.\n#### 1,234"}
	mathRow   = source{"problem": "p", "solution": `so $\boxed{\frac{1}{2}}$.`, "level": "Level 5", "type": "Algebra"}
	squadRow  = source{"id": "i", "title": "T", "context": " c ", "question": "q?", "answers": texts("a", "b", "a")}
	hotpotRow = source{"question": "q?", "answer": "yes", "type": "bridge", "level": "hard", "id": "i"}
	pairs     = []any{[]any{"T1", []any{"One.", " Two."}}, []any{"T2", []any{}}, []any{"T3", []any{"Three."}}}
	columns   = map[string]any{"title": []any{"T1", "T2", "T3"}, "sentences": []any{[]any{"One.", " Two."}, []any{}, []any{"Three."}}}
	humanRow  = source{"task_id": "HumanEval/0", "prompt": "\n\ndef f():\n", "canonical_solution": "    return 1\n", "test": "check(f)", "entry_point": "f"}
	mbppRow   = source{"task_id": decoded.Number("2"), "prompt": "Write.", "code": "a\r\n\tb ", "test_list": []any{"assert f()"}, "test_imports": []any{}}
)

func TestPresets(t *testing.T) {
	math := func(answer string) Content {
		return Content{Question: "p", ReferenceAnswer: answer, AnswerType: record.Text, Metadata: []record.Entry{{Key: "level", Value: `"Level 5"`}, {Key: "type", Value: `"Algebra"`}}}
	}
	squad := func(answer, impossible, answers record.JSON) Content {
		return Content{Question: " c \n\nq?", ReferenceAnswer: string(answer), AnswerType: record.Text, OriginalID: "i", Metadata: []record.Entry{{Key: "title", Value: `"T"`}, {Key: "is_impossible", Value: impossible}, {Key: "answers", Value: answers}}}
	}
	hotpot := Content{Question: "q?", ReferenceAnswer: "yes", AnswerType: record.Text, OriginalID: "i", Metadata: []record.Entry{{Key: "type", Value: `"bridge"`}, {Key: "level", Value: `"hard"`}}}
	inContext := hotpot
	inContext.Question = "T1\nOne. Two.\n\nT2\n\n\nT3\nThree.\n\nq?"
	for _, c := range []struct {
		name, preset string
		row          source
		want         Content
	}{
		{"a number with commas; the question as it is", "gsm8k", gsm8kRow, Content{Question: " How many? ", ReferenceAnswer: "1234", AnswerType: record.Numeric}},
		{"a negative number", "gsm8k", gsm8kRow.with("answer", "#### -5 "), Content{Question: " How many? ", ReferenceAnswer: "-5", AnswerType: record.Numeric}},
		{"a decimal; the last mark counts", "gsm8k", gsm8kRow.with("answer", "#### 1\n####2.50"), Content{Question: " How many? ", ReferenceAnswer: "2.50", AnswerType: record.Numeric}},
		{"nested braces", "math", mathRow, math(`\frac{1}{2}`)},
		{"the last box", "math", mathRow.with("solution", `\boxed{1} or \boxed{2}`), math("2")},
		{"the last box, the one before without braces", "math", mathRow.with("solution", `$\boxed 1$ or \boxed{2}`), math("2")},
		{"no braces", "math", mathRow.with("solution", `is $x^2 = \boxed 9$.`), math("9")},
		{"no braces and no formula", "math", mathRow.with("solution", `is \boxed 9`), math("9")},
		{"a space before the braces", "math", mathRow.with("solution", `\boxed {17}.$$- OR -`), math("17")},
		{"escaped braces", "math", mathRow.with("solution", `\boxed{\{1, \frac{1}{2}\}} and so on`), math(`\{1, \frac{1}{2}\}`)},
		{"one escaped brace", "math", mathRow.with("solution", `\boxed{x \}} }`), math(`x \}`)},
		{"spaces inside stay", "math", mathRow.with("solution", `\boxed{ 5 }`), math(" 5 ")},
		{"an empty box", "math", mathRow.with("solution", `there are $\boxed{}$ primes`), math("")},
		{"a frame", "math", mathRow.with("solution", `\fbox{C}`), math("C")},
		{"a box comes before a frame", "math", mathRow.with("solution", `\boxed{1} \fbox{C}`), math("1")},
		{"another command", "math", mathRow.with("solution", `\boxed{1} \boxedness{2}`), math("1")},
		{"no level", "math", mathRow.with("level", nil), Content{Question: "p", ReferenceAnswer: `\frac{1}{2}`, AnswerType: record.Text, Metadata: []record.Entry{{Key: "type", Value: `"Algebra"`}}}},
		{"SQuAD from the Hub", "squad2", squadRow, squad("a", `"false"`, `["a","b","a"]`)},
		{"SQuAD that says so", "squad2", squadRow.with("is_impossible", false), squad("a", `"false"`, `["a","b","a"]`)},
		{"an empty answer", "squad2", squadRow.with("answers", texts("")), squad("", `"false"`, `[""]`)},
		{"no answer, from the Hub", "squad2", squadRow.with("answers", texts()), squad(language.Unanswerable, `"true"`, `[]`)},
		{"no answer, that says so", "squad2", squadRow.with("answers", texts()).with("is_impossible", true), squad(language.Unanswerable, `"true"`, `[]`)},
		{"HotpotQA from the Hub", "hotpotqa", hotpotRow, hotpot},
		{"HotpotQA, the original id", "hotpotqa", hotpotRow.with("id", nil).with("_id", "i"), hotpot},
		{"HotpotQA, simplified", "hotpotqa", source{"question": "q?", "answer": "yes", "type": "bridge"}, Content{Question: "q?", ReferenceAnswer: "yes", AnswerType: record.Text, Metadata: []record.Entry{{Key: "type", Value: `"bridge"`}}}},
		{"a context of pairs", "hotpotqa-context", hotpotRow.with("context", pairs), inContext},
		{"a context of columns", "hotpotqa-context", hotpotRow.with("context", columns), inContext},
		{"HumanEval; nothing is trimmed", "humaneval", humanRow, Content{Question: "\n\ndef f():\n", ReferenceAnswer: "    return 1\n", AnswerType: record.Code, OriginalID: "HumanEval/0", Metadata: []record.Entry{{Key: "test", Value: `"check(f)"`}, {Key: "entry_point", Value: `"f"`}}}},
		{"MBPP sanitized; CRLF stays", "mbpp", mbppRow, Content{Question: "Write.\n\nYour code should pass these tests:\n\nassert f()", ReferenceAnswer: "a\r\n\tb ", AnswerType: record.Code, OriginalID: "2", Metadata: []record.Entry{{Key: "test_list", Value: `["assert f()"]`}, {Key: "test_imports", Value: `[]`}}}},
		{"MBPP full", "mbpp", source{"text": "Write.", "code": "x", "task_id": decoded.Number("11"), "test_list": []any{"a", "b"}, "test_setup_code": "", "challenge_test_list": []any{}},
			Content{Question: "Write.\n\nYour code should pass these tests:\n\na\nb", ReferenceAnswer: "x", AnswerType: record.Code, OriginalID: "11", Metadata: []record.Entry{{Key: "test_list", Value: `["a","b"]`}, {Key: "test_setup_code", Value: `""`}, {Key: "challenge_test_list", Value: `[]`}}}},
	} {
		t.Run(c.preset+", "+c.name, func(t *testing.T) {
			p, err := Lookup(recipe.PresetVersion(c.preset))
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Map(c.row.row(p))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPresetsRefuse(t *testing.T) {
	for _, c := range []struct {
		name, preset string
		row          source
		message      string
	}{
		{"no mark", "gsm8k", gsm8kRow.with("answer", "72"), `there is no "####" in field "answer", so the answer cannot be found`},
		{"nothing after the mark", "gsm8k", gsm8kRow.with("answer", "#### "), `what follows "####" in field "answer" is "" and not a number`},
		{"words after the mark", "gsm8k", gsm8kRow.with("answer", "#### 5 apples"), `is "5 apples" and not a number`},
		{"half a decimal", "gsm8k", gsm8kRow.with("answer", "#### 5."), `not a number`},
		{"a minus alone", "gsm8k", gsm8kRow.with("answer", "#### -"), `not a number`},
		{"no question", "gsm8k", gsm8kRow.with("question", nil), `the field "question" is absent or null and must be a string`},
		{"an empty question", "gsm8k", gsm8kRow.with("question", ""), `is empty`},
		{"a number for a question", "gsm8k", gsm8kRow.with("question", decoded.Number("5")), `is a number and must be a string`},
		{"a list for an answer", "gsm8k", gsm8kRow.with("answer", []any{}), `is a list and must be a string`},
		{"no box", "math", mathRow.with("solution", "so it is 5"), `there is no \boxed in field "solution"`},
		{"only another command", "math", mathRow.with("solution", `\boxedness{2}`), `there is no \boxed`},
		{"a box at the end", "math", mathRow.with("solution", `\boxed`), `nothing follows the last \boxed`},
		{"a box of nothing", "math", mathRow.with("solution", `$\boxed $`), `nothing follows the last \boxed`},
		{"braces that do not close", "math", mathRow.with("solution", `\boxed{1} \boxed{\frac{1}{2}`), `the braces of the last \boxed do not close`},
		{"a closing brace that is escaped", "math", mathRow.with("solution", `\boxed{1\}`), `do not close`},
		{"no solution", "math", mathRow.with("solution", nil), `the field "solution" is absent or null`},
		{"answers that are no object", "squad2", squadRow.with("answers", []any{}), `the field "answers" is a list`},
		{"answers without texts", "squad2", squadRow.with("answers", map[string]any{}), `must be an object with a list of texts`},
		{"an answer that is no string", "squad2", squadRow.with("answers", map[string]any{"text": []any{nil}}), `an answer is absent or null`},
		{"impossible, with an answer", "squad2", squadRow.with("is_impossible", true), `contradict`},
		{"possible, without an answer", "squad2", squadRow.with("answers", texts()).with("is_impossible", false), `contradict`},
		{"no context", "squad2", squadRow.with("context", nil), `the field "context" is absent or null`},
		{"an id that is a list", "squad2", squadRow.with("id", []any{}), `the id in field "id" is a list`},
		{"no paragraphs", "hotpotqa-context", hotpotRow.with("context", []any{}), `the field "context" is a list and must have paragraphs`},
		{"a context that is a string", "hotpotqa-context", hotpotRow.with("context", "c"), `is a string and must have paragraphs`},
		{"a paragraph that is no pair", "hotpotqa-context", hotpotRow.with("context", []any{[]any{"T"}}), `must be a list of pairs`},
		{"a title without sentences", "hotpotqa-context", hotpotRow.with("context", map[string]any{"title": []any{"T"}}), `has 1 titles and 0 lists of sentences`},
		{"a title that is no string", "hotpotqa-context", hotpotRow.with("context", []any{[]any{nil, []any{}}}), `paragraph 1 of the field "context" has not a title`},
		{"a sentence that is no string", "hotpotqa-context", hotpotRow.with("context", []any{[]any{"T", []any{true}}}), `has a sentence that is a boolean`},
		{"no prompt and no text", "mbpp", mbppRow.with("prompt", nil), `none of the fields prompt and text is there`},
		{"tests that are no list", "mbpp", mbppRow.with("test_list", "assert f()"), `the field "test_list" is a string and must be a list of strings`},
		{"an id that is an object", "mbpp", mbppRow.with("task_id", source{}), `the id in field "task_id" is an object`},
	} {
		t.Run(c.preset+", "+c.name, func(t *testing.T) {
			p, err := Lookup(recipe.PresetVersion(c.preset))
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Map(c.row.row(p))
			if contract.ReasonOf(err) != contract.InvalidData || !strings.HasPrefix(err.Error(), "row 7: ") || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: %v\nshould say %s", contract.ReasonOf(err), err, c.message)
			}
		})
	}
}

func TestMapRefusesARowOfOtherFields(t *testing.T) {
	p, _ := Lookup("gsm8k")
	if _, err := p.Map(decoded.Row{Values: []any{"q"}}); err == nil || !strings.Contains(err.Error(), "wants 2 fields and the row has 1") {
		t.Error(err)
	}
}

func TestMap(t *testing.T) {
	for _, c := range []struct {
		name    string
		content Content
		want    record.Record
		group   string
	}{
		{"the row number is the id", Content{Question: "q", ReferenceAnswer: "a", AnswerType: record.Text},
			record.Record{ID: "d_12", Dataset: "d", Domain: "x", Question: "q", ReferenceAnswer: "a", AnswerType: record.Text, Metadata: []record.Entry{{Key: record.KeySource, Value: `"d"`}, {Key: record.KeyOriginalID, Value: `"12"`}}, Kept: nil}, "q"},
		{"the source has an id, and a group", Content{Question: "q", ReferenceAnswer: "a", AnswerType: record.Text, OriginalID: "é/1", Group: "g", Metadata: []record.Entry{{Key: "k", Value: `1`}}, Kept: []record.Entry{{Key: "m", Value: `[ 1]`}}},
			record.Record{ID: "d_12", Dataset: "d", Domain: "x", Question: "q", ReferenceAnswer: "a", AnswerType: record.Text, Metadata: []record.Entry{{Key: record.KeySource, Value: `"d"`}, {Key: record.KeyOriginalID, Value: `"é/1"`}, {Key: "k", Value: `1`}}, Kept: []record.Entry{{Key: "m", Value: `[ 1]`}}}, "g"},
	} {
		r, group, err := Map(constant{c.content, nil}, decoded.Row{}, Origin{"d", "x", 12})
		if diff := cmp.Diff(c.want, r); diff != "" || group != c.group || err != nil {
			t.Errorf("%s: group %q, %v\n%s", c.name, group, err, diff)
		}
	}
	broken := errors.New("broken")
	if _, _, err := Map(constant{Content{}, broken}, decoded.Row{}, Origin{}); err != broken {
		t.Error(err)
	}
}

// constant is the mapping of every row to one content.
type constant struct {
	content Content
	err     error
}

func (c constant) Fields() []decoded.Field { return nil }

func (c constant) Map(decoded.Row) (Content, error) { return c.content, c.err }

func (c constant) Others(decoded.Row) ([]string, error) { return nil, nil }

func allPresets(t *testing.T) []Preset {
	t.Helper()
	all, err := Presets()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLookup(t *testing.T) {
	if _, err := Lookup("gsm"); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), `"gsm8k" "math"`) {
		t.Error(err)
	}
	for _, p := range allPresets(t) {
		if !strings.HasSuffix(p.Doc, ".") || len(p.Doc) < 60 {
			t.Errorf("%s has no documentation", p.Name)
		}
		fields := p.Fields()
		for i, f := range fields {
			if slices.ContainsFunc(fields[:i], func(g decoded.Field) bool { return g == f }) {
				t.Errorf("%s wants %s twice", p.Name, f.Name)
			}
		}
	}
}
