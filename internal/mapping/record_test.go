package mapping

import (
	"strconv"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Origin is where a row comes from.
type Origin struct {
	// Dataset and Domain are the names in the mix.
	Dataset, Domain string
	// Number of the row in the data set, from 0, over all its files in their order. Dropped rows count.
	Number int64
}

// Map makes the unified record of a source row, and returns it with the value by which rows are kept together: what a Writer does, in
// two steps that the tests compare with it.
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
