// Package mapping makes records of source rows: mappings are expressions in CEL, compiled and evaluated here, and presets are named
// mappings for the rows of known data sets.
package mapping

import (
	"errors"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Mapping is the meaning of a source row. It is a pure function of the row, and safe for use by several goroutines.
type Mapping interface {
	// Fields are the fields of a row that Map reads, in the order of the row's values.
	Fields() []decoded.Field
	// Map returns the content of a row, Dropped for a row that is not to be kept, or an InvalidData failure that names the row.
	Map(row decoded.Row) (Content, error)
	// Others returns the texts of the row besides its question that are compared with the questions of probes, or an InvalidData failure that
	// names the row.
	Others(row decoded.Row) ([]string, error)
}

// Content is what a row says, wherever it is.
type Content struct {
	Question, ReferenceAnswer, AnswerType string
	// OriginalID is the source's own id of the row, "" if it has none.
	OriginalID string
	// Group keeps rows together: those with equal groups are in the same split. "" means the question.
	Group string
	// Metadata is that beyond source and original_id, in its order.
	Metadata []record.Entry
	// Kept are members of the source's row that are published as they are, in ascending order of their names.
	Kept []record.Entry
}

// Dropped is the error of a row that the mapping drops on purpose; its text is the reason under which a caller counts the row. It is not a failure:
// errors.As tells it from one.
type Dropped string

// DroppedByWhere is a row for which the mapping's expression where is false.
const DroppedByWhere Dropped = "where"

func (d Dropped) Error() string { return "the row is left out by " + string(d) }

// IsDropped returns the reason for which a row was dropped, and whether it was.
func IsDropped(err error) (reason Dropped, dropped bool) {
	dropped = errors.As(err, &reason)
	return reason, dropped
}

// Origin is where a row comes from.
type Origin struct {
	// Dataset and Domain are the names in the mix.
	Dataset, Domain string
	// Number of the row in the data set, from 0, over all its files in their order. Dropped rows count.
	Number int64
}

// Map makes the unified record of a source row, and returns it with the value by which rows are kept together. The errors are those
// of Mapping.
func Map(m Mapping, row decoded.Row, at Origin) (r record.Record, group string, err error) {
	content, err := m.Map(row)
	if err != nil {
		return record.Record{}, "", err
	}
	r, group = content.At(at)
	return r, group, nil
}

// At returns the record of the content of a row at its origin, and the value by which rows are kept together.
func (content *Content) At(at Origin) (r record.Record, group string) {
	number := strconv.FormatInt(at.Number, 10)
	r = record.Record{
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
	r.Metadata = append(make([]record.Entry, 0, 2+len(content.Metadata)), record.Entry{Key: record.KeySource, Value: record.StringOf(at.Dataset)}, record.Entry{Key: record.KeyOriginalID, Value: record.StringOf(original)})
	r.Metadata = append(r.Metadata, content.Metadata...)
	r.Kept = content.Kept
	if group = content.Group; group == "" {
		group = content.Question
	}
	return r, group
}
