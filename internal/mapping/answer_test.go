package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// today returns a record as it is made now, with answers judged.
func today(change func(*recipe.Record)) recipe.Record {
	return base(func(r *recipe.Record) {
		r.Rule = recipe.RecordRule
		change(r)
	})
}

// TestRowsWithoutAnAnswer: what there is of a row's answer, and what becomes of the row: refused under a class, or kept with an
// answer where the record says that there may be none.
func TestRowsWithoutAnAnswer(t *testing.T) {
	required := today(func(*recipe.Record) {})
	optional := today(func(r *recipe.Record) { r.Answers = recipe.OptionalAnswers })
	guarded := today(func(r *recipe.Record) { r.ReferenceAnswer = `row.?a` })
	below := today(func(r *recipe.Record) { r.ReferenceAnswer, r.Answers = `row.o.a`, recipe.OptionalAnswers })
	none := today(func(r *recipe.Record) { r.ReferenceAnswer = `""` })
	before := base(func(*recipe.Record) {})
	type kept struct{ answer string }
	for _, c := range []struct {
		name   string
		record recipe.Record
		row    string
		want   any // a kept answer, or the class and a part of the message
	}{
		{"an answer", required, `{"q":"Q","a":" x "}`, kept{" x "}},
		{"an empty answer", required, `{"q":"Q","a":""}`, []string{"no-answer", `there is no reference answer: the field "a" is empty`}},
		{"spaces", required, `{"q":"Q","a":" \t\r\n"}`, []string{"no-answer", `the field "a" is nothing but white space`}},
		{"a no-break space", required, `{"q":"Q","a":"\u00a0\u3000"}`, []string{"no-answer", `nothing but white space`}},
		{"characters without a width", required, `{"q":"Q","a":"\u200b\ufeff\u00ad"}`, []string{"no-answer", `nothing but white space`}},
		{"a field that may be absent, and is", guarded, `{"q":"Q"}`, []string{"no-answer", `the field "a" is absent or null`}},
		{"a field that may be absent, and is null", guarded, `{"q":"Q","a":null}`, []string{"no-answer", `the field "a" is absent or null`}},
		{"a result that is empty", today(func(r *recipe.Record) { r.ReferenceAnswer = `row.a.trim()` }), `{"q":"Q","a":" "}`, []string{"no-answer", `the result is empty`}},
		{"a preset's answer", recipe.Record{Preset: "hotpotqa", Rule: recipe.RecordRule}, `{"question":"Q","answer":""}`, []string{"no-answer", `the field "answer" is empty`}},
		{"a list", required, `{"q":"Q","a":[]}`, []string{"unmappable", `the field "a" is a list and must be a string or a number`}},
		{"optional: an answer", optional, `{"q":"Q","a":"x"}`, kept{"x"}},
		{"optional: an empty answer", optional, `{"q":"Q","a":""}`, kept{""}},
		{"optional: white space", optional, `{"q":"Q","a":" \n"}`, kept{""}},
		{"optional: absent", optional, `{"q":"Q"}`, kept{""}},
		{"optional: null", optional, `{"q":"Q","a":null}`, kept{""}},
		{"optional: a list is a mistake all the same", optional, `{"q":"Q","a":["x"]}`, []string{"unmappable", `is a list`}},
		{"optional, inside an object: an answer", below, `{"q":"Q","o":{"a":"x"}}`, kept{"x"}},
		{"optional, inside an object: no key", below, `{"q":"Q","o":{}}`, kept{""}},
		{"optional, inside an object: null", below, `{"q":"Q","o":{"a":null}}`, kept{""}},
		{"optional, inside an object: no object", below, `{"q":"Q"}`, kept{""}},
		{"none by nature", none, `{"q":"Q"}`, kept{""}},
		{"a preset with rows that have none", recipe.Record{Preset: "math", Rule: recipe.RecordRule}, `{"problem":"Q","solution":"$\\boxed{}$"}`, kept{""}},
		{"the same, and answers required", recipe.Record{Preset: "math", Rule: recipe.RecordRule, Answers: recipe.RequiredAnswers}, `{"problem":"Q","solution":"$\\boxed{}$"}`, []string{"no-answer", "the result is empty"}},
		{"another preset, and answers optional", recipe.Record{Preset: "hotpotqa", Rule: recipe.RecordRule, Answers: recipe.OptionalAnswers}, `{"question":"Q","answer":""}`, kept{""}},
		{"a question of white space", required, `{"q":"\u2003","a":"x"}`, []string{"unmappable", `the question is nothing but white space`}},
		{"a record of before takes an empty answer", before, `{"q":" ","a":""}`, kept{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := mapped(t, c.record, c.row)
			switch want := c.want.(type) {
			case kept:
				if err != nil || got.ReferenceAnswer != want.answer {
					t.Errorf("the answer is %q, %v, want %q", got.ReferenceAnswer, err, want.answer)
				}
			case []string:
				if err == nil || contract.ReasonOf(err) != contract.InvalidData || string(ClassOf(err)) != want[0] || !strings.Contains(err.Error(), want[1]) {
					t.Errorf("%s, %v\nshould be %s and say %s", ClassOf(err), err, want[0], want[1])
				}
			}
		})
	}
}

// TestNumericAnswers: the texts that are one number, and those that are none.
func TestNumericAnswers(t *testing.T) {
	numbers := []string{
		"0", "72", "-1.5", "+5", "\u22127", "007", "1,234", "-12,345,678.90", ".5", "-.25", "0.50", "1e3", "1E+06", "2.5e-7", "3/4", "-22/7", "1,000/3", " 72 ", "72\n", strings.Repeat("9", 60),
	}
	none := []string{
		"seven", "x", "72 apples", "$5", "5%", "5°", "7 or 8", "7, 8", "1,2,3", "12,34", "1,2345", "1234,567", ",123", "1,,234", "1.", "1.2.3", "--5", "-+5", "+-5", "\u2212-5", "5-", "-", "+", ".", "-.", "e5", "1e", "1e+", "1e100", "1e5.0",
		"1 000", "1_000", "0x1F", "NaN", "nan", "Inf", "-infinity", "3/0", "3/00", "3/-4", "3/", "/4", "1/2/3", "1.5/2", "1 1/2", "½", "²", "７２", "٣", "1:30", "2^3", "1e3e3", "null", "true", strings.Repeat("9", 61),
	}
	numeric := today(func(r *recipe.Record) { r.AnswerType = record.Numeric })
	for _, s := range numbers {
		got, err := mapped(t, numeric, `{"q":"Q","a":`+string(record.StringOf(s))+`}`)
		if err != nil || got.ReferenceAnswer != s {
			t.Errorf("%q is a number: %q, %v", s, got.ReferenceAnswer, err)
		}
	}
	for _, s := range none {
		_, err := mapped(t, numeric, `{"q":"Q","a":`+string(record.StringOf(s))+`}`)
		if err == nil || ClassOf(err) != NotANumber || !strings.Contains(err.Error(), `the answer type is numeric, and the field "a" is "`) {
			t.Errorf("%q is no number: %v, %v", s, ClassOf(err), err)
		}
	}
}

// TestNumericAnswersOfRows: a number as the row has it, types by expression, and answers that are optional.
func TestNumericAnswersOfRows(t *testing.T) {
	for _, c := range []struct {
		name, answerType, row, want string
		class                       Class
	}{
		{"a number of JSON, as it is written", `numeric`, `{"q":"Q","a":1.50e1}`, "1.50e1", ""},
		{"a number of JSON that no scorer reads", `numeric`, `{"q":"Q","a":1e400}`, "", NotANumber},
		{"text", `text`, `{"q":"Q","a":"seven"}`, "seven", ""},
		{"a type by an expression", `row.t`, `{"q":"Q","a":"seven","t":"numeric"}`, "", NotANumber},
		{"another row of it", `row.t`, `{"q":"Q","a":"seven","t":"text"}`, "seven", ""},
	} {
		got, err := mapped(t, today(func(r *recipe.Record) { r.AnswerType = c.answerType }), c.row)
		class := Class("")
		if err != nil {
			class = ClassOf(err)
		}
		if class != c.class || got.ReferenceAnswer != c.want && err == nil {
			t.Errorf("%s: %q, %q, %v", c.name, got.ReferenceAnswer, class, err)
		}
	}
	loose := today(func(r *recipe.Record) { r.AnswerType, r.Answers = record.Numeric, recipe.OptionalAnswers })
	if got, err := mapped(t, loose, `{"q":"Q","a":" "}`); err != nil || got.ReferenceAnswer != "" {
		t.Errorf("an optional number: %q, %v", got.ReferenceAnswer, err)
	}
	if _, err := mapped(t, loose, `{"q":"Q","a":"n/a"}`); ClassOf(err) != NotANumber {
		t.Errorf("an optional number that is none: %v", err)
	}
}

// TestAnswersMayBeAbsentOnlyWhereTheyAreOptional: what the files are asked for follows from the record.
func TestAnswersMayBeAbsentOnlyWhereTheyAreOptional(t *testing.T) {
	absent := map[string]bool{}
	for name, r := range map[string]recipe.Record{
		"required": today(func(*recipe.Record) {}), "optional": today(func(r *recipe.Record) { r.Answers = recipe.OptionalAnswers }), "before": base(func(*recipe.Record) {}),
	} {
		m, err := Compile(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Fields() {
			if f.Name == "a" {
				absent[name] = f.Optional
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{"required": false, "optional": true, "before": false}, absent); diff != "" {
		t.Error(diff)
	}
	if _, err := Compile(base(func(r *recipe.Record) { r.Rule = "record/v9" })); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), `"record/v9"`) {
		t.Errorf("a rule of a later release: %v", err)
	}
}
