package mapping

import (
	"fmt"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/record"
)

// mapping is a compiled record. It keeps nothing of a row.
type mapping struct {
	fields []decoded.Field
	// where, original and group are nil where the record has none.
	where, question, answer, answerType, original, group *expression
	answers                                              answers
	metadata                                             []member
	kept                                                 []keptMember
	others                                               []*expression
	files                                                language.Files
}

// member is a member of the metadata.
type member struct {
	name  string
	value *expression
	// text is the field with the text of the value if that is a list or an object, -1 if no field has it.
	text int
}

// expression is one compiled expression: a constant, a path or a program.
type expression struct {
	// part of the record that it is, text as it was written, and the preset that it comes from, "" if none.
	part, text, preset string
	constant           string
	path               *path
	// parts are the pieces of a text that is put together from fields and constants alone, and fields has the bits of those fields.
	parts  []part
	fields uint64
	// plan is nil where only the program can evaluate the expression.
	plan    plan
	program cel.Program
	checked *ast.AST
}

// path selects the first of some fields that a row has, and in it a member below.
type path struct {
	fields   []int
	names    []string
	below    []string
	optional bool
}

// Fields returns the fields that the expressions name, each once.
func (m *mapping) Fields() []decoded.Field { return slices.Clone(m.fields) }

// Map evaluates the mapping for a row whose values are in the order of Fields.
func (m *mapping) Map(row decoded.Row) (Content, error) {
	values := &rowValue{}
	if err := m.take(values, row); err != nil {
		return Content{}, err
	}
	content, err := m.content(values)
	if err != nil {
		return Content{}, row.Failf("%w", err)
	}
	return content, nil
}

// take sets the row, whose values are those of Fields, and returns Dropped unless it is to be kept.
func (m *mapping) take(values *rowValue, row decoded.Row) error {
	if len(row.Values) != len(m.fields) {
		return row.Failf("the mapping wants %d fields and the row has %d", len(m.fields), len(row.Values))
	}
	*values = rowValue{names: m.fields, values: row.Values, plain: row.Plain, joined: values.joined[:0], at: row.File(), files: &m.files}
	if m.where != nil {
		keep, err := m.where.boolean(values)
		if err != nil {
			return row.Failf("%w", err)
		}
		if !keep {
			return DroppedByWhere
		}
	}
	return nil
}

// content returns the content of a row.
func (m *mapping) content(row *rowValue) (c Content, err error) {
	if c, err = m.texts(row); err != nil {
		return c, err
	}
	if len(m.metadata) > 0 {
		c.Metadata = make([]record.Entry, 0, len(m.metadata))
	}
	for _, k := range m.metadata {
		value, err := k.of(row)
		if err != nil {
			return c, err
		}
		if value != "" {
			c.Metadata = append(c.Metadata, record.Entry{Key: k.name, Value: value})
		}
	}
	c.Kept = m.keep(row, nil)
	return c, nil
}

// texts returns the content of a row without its metadata and its kept members.
func (m *mapping) texts(row *rowValue) (c Content, err error) {
	if c.Question, err = m.question.asked(row); err != nil {
		return c, err
	}
	if m.answers.judged && blank(c.Question) {
		return c, m.question.failure("the question is nothing but white space")
	}
	if c.AnswerType, err = m.answerType.textual(row, aString); err != nil {
		return c, err
	}
	if !isAnswerType(c.AnswerType) {
		return c, m.answerType.failure(fmt.Sprintf("the answer type is %.40q and must be numeric, text or code", c.AnswerType))
	}
	if c.ReferenceAnswer, err = m.answered(row, c.AnswerType); err != nil {
		return c, err
	}
	if c.OriginalID, err = m.original.maybe(row); err != nil {
		return c, err
	}
	c.Group, err = m.group.maybe(row)
	return c, err
}

// of returns the member's value for a row, "" where the row has none.
func (k *member) of(row *rowValue) (record.JSON, error) {
	if k.text >= 0 {
		if text, ok := row.values[k.text].(decoded.JSON); ok {
			if value, err := record.FormatValue(text); err == nil {
				return value, nil // A number that is not finite, and that read.nonFinite makes null, is not JSON.
			}
		}
	}
	v, err := k.value.value(row)
	if v == nil || err != nil {
		return "", err
	}
	return record.ValueOf(v), nil
}

// value evaluates the expression. An absent value is nil; everything else is as decode has it.
func (x *expression) value(row *rowValue) (any, error) {
	if x.constant != "" {
		return x.constant, nil
	}
	if x.path != nil {
		if v, ok := x.path.take(row); ok {
			return v, nil
		}
		return x.evaluate(row)
	}
	if x.plan != nil {
		if v, ok := x.plan(row); ok {
			return x.native(v)
		}
	}
	return x.evaluate(row)
}

// evaluate runs the expression in CEL.
func (x *expression) evaluate(row *rowValue) (any, error) {
	out, _, err := x.program.Eval(row)
	if err != nil {
		return nil, x.failure(x.explain(err, row))
	}
	return x.native(out)
}

func (x *expression) native(out ref.Val) (any, error) {
	v, err := language.Native(out)
	if err != nil {
		return nil, x.failure(language.Problem(err, language.Subject{Text: "the result"}))
	}
	return v, nil
}

// take returns the value at the path, and whether the row has one.
func (p *path) take(row *rowValue) (v any, ok bool) {
	for _, i := range p.fields {
		if v = row.values[i]; v != nil {
			break
		}
	}
	for _, name := range p.below {
		object, _ := v.(map[string]any)
		if v, ok = object[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// textual returns the value of an expression, which must be a string; with aScalar it may also be a number.
func (x *expression) textual(row *rowValue, want result) (string, error) {
	if x.constant != "" {
		return x.constant, nil
	}
	if text, ok := x.joined(row); ok {
		return text, nil
	}
	v, err := x.value(row)
	if err != nil {
		return "", err
	}
	return x.textOf(v, want)
}

// textOf returns a value of the expression, which must be a string; with aScalar it may also be a number.
func (x *expression) textOf(v any, want result) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case decoded.Number:
		if want.words == aScalar.words {
			return string(v), nil
		}
	case nil:
		if x.path != nil && len(x.path.names) > 1 {
			return "", x.failure(fmt.Sprintf("none of the fields %q is there", x.path.names))
		}
	}
	return "", x.failure(x.subject().The() + " is " + language.Describe(v) + " and must be " + want.words)
}

// asked returns the value of the expression of a question.
func (x *expression) asked(row *rowValue) (string, error) {
	question, err := x.textual(row, aString)
	if err == nil && question == "" {
		err = x.failure("the question is empty")
	}
	return question, err
}

// maybe returns the value of an expression that may be empty, and may itself be absent.
func (x *expression) maybe(row *rowValue) (string, error) {
	if x == nil {
		return "", nil
	}
	v, err := x.value(row)
	switch v := v.(type) {
	case nil:
		return "", err
	case string:
		return v, err
	case decoded.Number:
		return string(v), err
	}
	of := x.subject().The()
	if x.part == "metadata "+record.KeyOriginalID {
		of = "the id in " + x.subject().String()
	}
	return "", x.failure(of + " is " + language.Describe(v) + " and must be a string or a number")
}

func (x *expression) boolean(row *rowValue) (bool, error) {
	v, err := x.value(row)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, x.failure(x.subject().The() + " is " + language.Describe(v) + " and must be a bool")
	}
	return b, nil
}
