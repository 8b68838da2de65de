package export

import (
	"bytes"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// labels writes labels: JSON objects of what an answer is scored by, which is text, since its shape differs by row and a column of a
// table has one. Their members are sorted; one that is empty is absent. A label says
//
//	answer         the reference answer
//	answer_type    numeric, text or code
//	answers        all answers that are right, where the metadata have several
//	entry_point    of a program: the name of the function
//	is_impossible  true where saying that there is no answer is right
//	question       where the scorer looks at it: a formula that only repeats the problem is no answer, and a program may continue it
//	scorer         how answers are compared
//	setup          of a program: what runs before the tests
//	tests          of a program
type labels struct {
	recipe  recipe.Recipe
	scorers map[string]recipe.Scorer // by data set and answer type
	key     []byte
	text    []byte
}

// scorer is the scorer of a row.
func (l *labels) scorer(of *row) recipe.Scorer {
	l.key = append(append(append(l.key[:0], of.dataset...), 0), of.answerType...)
	if name, ok := l.scorers[string(l.key)]; ok {
		return name
	}
	dataset, _, _ := l.recipe.Dataset(string(of.dataset))
	name := dataset.Record.ScorerOf(string(of.answerType))
	if l.scorers == nil {
		l.scorers = map[string]recipe.Scorer{}
	}
	l.scorers[string(l.key)] = name
	return name
}

// of is the label of a row. It is good until the next one.
func (l *labels) of(r *row, scorer recipe.Scorer) []byte {
	out := l.text[:0]
	out = append(out, '{')
	add := func(name string, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(append(out, '"'), name...), `":`...), value...)
	}
	if len(r.answer) > 0 {
		add("answer", r.rawAnswer)
	}
	add("answer_type", r.rawType)
	if answers := r.member("answers"); isList(answers) {
		add("answers", answers)
	}
	if entry := r.member("entry_point"); isText(entry) {
		add("entry_point", entry)
	}
	if impossible := string(r.member("is_impossible")); impossible == "true" || impossible == `"true"` {
		add("is_impossible", []byte("true"))
	}
	if scorer == recipe.FormulaScorer || scorer == recipe.CodeScorer {
		add("question", r.rawQuestion)
	}
	add("scorer", []byte(strconv.Quote(scorer.Label())))
	if setup := setup(r); setup != nil {
		add("setup", setup)
	}
	if tests := tests(r); tests != nil {
		add("tests", tests)
	}
	out = append(out, '}')
	l.text = out
	return out
}

// tests are the list of a program's tests; nil where the metadata have none.
func tests(r *row) []byte {
	if list := r.member("test_list"); isList(list) {
		return list
	}
	if one := r.member("test"); isText(one) {
		return bytes.Join([][]byte{[]byte("["), one, []byte("]")}, nil)
	}
	return nil
}

// setup is the list of what runs before the tests: imports, then code.
func setup(r *row) []byte {
	var parts [][]byte
	if imports := r.member("test_imports"); isList(imports) {
		parts = append(parts, imports[1:len(imports)-1])
	}
	if code := r.member("test_setup_code"); isText(code) {
		parts = append(parts, code)
	}
	if parts == nil {
		return nil
	}
	return bytes.Join([][]byte{[]byte("["), bytes.Join(parts, []byte(",")), []byte("]")}, nil)
}

// isList and isText say whether a raw value is one that says something.
func isList(raw []byte) bool { return len(raw) > 2 && raw[0] == '[' }
func isText(raw []byte) bool { return len(raw) > 2 && raw[0] == '"' }
