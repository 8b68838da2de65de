package export

import (
	"bytes"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// labels writes labels: the text of JSON objects with all that scoring an answer needs. They are text because their members differ by row,
// and a column of a table has one type. The members are sorted, and empty ones are omitted. A label has
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
	quoted  []byte // the name of the scorer
}

// scorer returns the scorer of a row.
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

// of returns the label of a row. It is good until the next one.
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
	known := r.known()
	if isList(known.answers) {
		add("answers", known.answers)
	}
	if isText(known.entryPoint) {
		add("entry_point", known.entryPoint)
	}
	if impossible := string(known.impossible); impossible == "true" || impossible == `"true"` {
		add("is_impossible", []byte("true"))
	}
	if scorer == recipe.FormulaScorer || scorer == recipe.CodeScorer {
		add("question", r.rawQuestion)
	}
	l.quoted = strconv.AppendQuote(l.quoted[:0], scorer.Label())
	add("scorer", l.quoted)
	if setup := known.setup(); setup != nil {
		add("setup", setup)
	}
	if tests := known.tests(); tests != nil {
		add("tests", tests)
	}
	out = append(out, '}')
	l.text = out
	return out
}

// tests returns the list of a program's tests; nil where the metadata have none.
func (k known) tests() []byte {
	if isList(k.testList) {
		return k.testList
	}
	if isText(k.test) {
		return bytes.Join([][]byte{[]byte("["), k.test, []byte("]")}, nil)
	}
	return nil
}

// setup returns the list of what runs before the tests: imports, then code.
func (k known) setup() []byte {
	var parts [][]byte
	if isList(k.testImports) {
		parts = append(parts, k.testImports[1:len(k.testImports)-1])
	}
	if isText(k.testSetup) {
		parts = append(parts, k.testSetup)
	}
	if parts == nil {
		return nil
	}
	return bytes.Join([][]byte{[]byte("["), bytes.Join(parts, []byte(",")), []byte("]")}, nil)
}

// isList and isText report whether a raw value is a list, or a text, that is not empty.
func isList(raw []byte) bool { return len(raw) > 2 && raw[0] == '[' }
func isText(raw []byte) bool { return len(raw) > 2 && raw[0] == '"' }
