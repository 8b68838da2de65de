package record

import (
	"fmt"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/decode"
)

// Mapping says what a source row means. It is a pure function of the row.
type Mapping interface {
	// Fields are the fields of a row that Map looks at, in the order in which it finds them in the row's values.
	Fields() []decode.Field
	// Map gives the content of a row, or an InvalidData failure that names the row.
	Map(row decode.Row) (Content, error)
}

// Content is what a row says, wherever it stands.
type Content struct {
	Question, ReferenceAnswer, AnswerType string
	// OriginalID is the source's own id of the row, "" if it has none.
	OriginalID string
	// Group keeps rows together: those with equal groups land on one side of a split. "" is the question.
	Group string
	// Kept is the metadata beyond source and original_id, in its order.
	Kept []Entry
}

// Origin is where a row stands.
type Origin struct {
	// Dataset and Domain are the names in the mix.
	Dataset, Domain string
	// Number of the row in the data set, from 0, over all its files in their order.
	Number int64
}

// Map makes the unified record of a source row, and gives the value by which rows are kept together.
func Map(m Mapping, row decode.Row, at Origin) (r Record, group string, err error) {
	content, err := m.Map(row)
	if err != nil {
		return Record{}, "", err
	}
	number := strconv.FormatInt(at.Number, 10)
	r = Record{
		ID:              at.Dataset + "_" + number,
		Dataset:         at.Dataset,
		Domain:          at.Domain,
		Question:        content.Question,
		ReferenceAnswer: content.ReferenceAnswer,
		AnswerType:      content.AnswerType,
	}
	original := content.OriginalID
	if original == "" {
		original = number
	}
	r.Metadata = append(make([]Entry, 0, 2+len(content.Kept)), Entry{KeySource, StringOf(at.Dataset)}, Entry{KeyOriginalID, StringOf(original)})
	r.Metadata = append(r.Metadata, content.Kept...)
	if group = content.Group; group == "" {
		group = content.Question
	}
	return r, group, nil
}

// fields gives the values of a row by their names.
type fields struct {
	names  []decode.Field
	values []any
}

func (f fields) get(name string) any {
	for i := range f.names {
		if f.names[i].Name == name {
			return f.values[i]
		}
	}
	return nil
}

// str is the value of a field that must be a string.
func (f fields) str(name string) (string, error) {
	s, ok := f.get(name).(string)
	if !ok {
		return "", fmt.Errorf("the field %q is %s and must be a string; correct it at the source or choose another preset", name, describe(f.get(name)))
	}
	return s, nil
}

// describe names the kind of a value for a message.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "absent or null"
	case string:
		return "a string"
	case decode.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
