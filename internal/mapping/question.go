package mapping

import (
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
)

// Question finds the question of a row and nothing else: that is all that is needed of rows that others are only compared with. It is safe for use
// by several goroutines.
type Question struct {
	fields     []decoded.Field
	expression *expression
	files      language.Files
}

// CompileQuestion makes the question of a preset, or of an expression; one of both is given. Only the fields of the question are requested, so the
// rows need no answers. What does not compile is an InvalidTask failure.
func CompileQuestion(preset, expression string) (*Question, error) {
	if preset != "" {
		p, err := find(preset)
		if err != nil {
			return nil, err
		}
		preset, expression = p.Name, p.Record.Question
	}
	env, err := language.Env()
	if err != nil {
		return nil, fmt.Errorf("the mapping language cannot be set up: %w", err)
	}
	c := compiler{env: env, preset: preset, fix: "the question of the source to decontaminate against", guarded: map[string]bool{}}
	q := &Question{expression: c.expression("question", expression, aString)}
	q.fields, err = c.done()
	return q, err
}

// Of returns the question of a row whose values are in the order of Fields. A row without one is an InvalidData failure that
// names the row.
func (q *Question) Of(row decoded.Row) (string, error) {
	text, err := q.expression.asked(&rowValue{names: q.fields, values: row.Values, at: row.File(), files: &q.files})
	if err != nil {
		return "", row.Failf("%w", err)
	}
	return text, nil
}

// Fields returns the fields of a row that Of reads.
func (q *Question) Fields() []decoded.Field { return slices.Clone(q.fields) }
