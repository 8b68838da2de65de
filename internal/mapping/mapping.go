// Package mapping makes records of source rows: mappings are expressions in CEL, compiled and evaluated here, and presets are named
// mappings for the rows of known data sets.
package mapping

import (
	"errors"

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

// Content is the content of a row, whatever its place in the mix.
type Content struct {
	Question, ReferenceAnswer, AnswerType string
	// OriginalID is the source's own id of the row, "" if it has none.
	OriginalID string
	// Group keeps rows together: those with equal groups are in the same split. "" means the question.
	Group string
	// Metadata is the metadata without source and original_id, in its order.
	Metadata []record.Entry
	// Kept are members of the source's row that are published unchanged, in ascending order of their names.
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
