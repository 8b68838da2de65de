// Package decoded has the types that all decoders share: rows, their values and places, the bounds of a row, and the errors of bad rows.
package decoded

import (
	"errors"
	"fmt"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// MaxRow is the most bytes of a row in the file of a text format, and of a SQuAD article: 128 MiB. Buffers
// start small and grow only for a row that needs it.
const MaxRow = 128 << 20

// Field is one field of a row that a mapping wants.
type Field struct {
	// Name of a column, or a path of names with dots ("extra_info.question") into objects and structs. A column whose own
	// name has the dots comes first.
	Name string
	// Optional fields are nil where they are absent or null; any other must be there and not be null.
	Optional bool
	// Ordered requests the text of a list or an object, JSON, where a row has one under the whole name; it is nil where the row has anything else,
	// which another Field of that name may request. Formats without an order return nil.
	Ordered bool
	// Raw requests the JSON text of whatever a row has under the whole name at its top, including null; the value is JSON, and nil only where the
	// row has no such member. It is the text of the source where that is JSON, on one line. Without a Name it is the whole row.
	Raw bool
}

// Required lists fields that must be there.
func Required(names ...string) []Field { return fieldsOf(false, names) }

// Optional lists fields that may be absent.
func Optional(names ...string) []Field { return fieldsOf(true, names) }

func fieldsOf(optional bool, names []string) []Field {
	fields := make([]Field, len(names))
	for i, name := range names {
		fields[i] = Field{Name: name, Optional: optional}
	}
	return fields
}

// Number is a number as the source wrote it. It never passes through a float64, so no digit of it is lost.
type Number string

// Row is one row of a file.
type Row struct {
	// Number of the row in its file, from 0.
	Number int64
	// Values of the wanted fields, in the order they were asked for: string, Number, bool, nil, []any or map[string]any.
	// The slice is used again for the next row; the values in it belong to the caller.
	Values []any
	// Plain has the bit 1<<i set where the i-th value is a string that needs no escape in JSON. A value whose bit is not set may be such a
	// string as well.
	Plain uint64

	Place Place
}

// Where names the row for a message: the file and the line, element, question, or row group and row.
func (r Row) Where() string {
	if r.Place.Format == "" {
		return fmt.Sprintf("row %d", r.Number)
	}
	return r.Place.String()
}

// File returns the name of the file that the row is in.
func (r Row) File() string { return r.Place.File }

// Failf returns the InvalidData failure of this row, its place first. The text should say why and what to do.
func (r Row) Failf(format string, args ...any) error {
	return contract.Failf(contract.InvalidData, "%s: %w", r.Where(), fmt.Errorf(format, args...))
}

// Place is where a row is in its file, in the words of the file's format.
type Place struct {
	File, Format string
	Group, N     int64
}

func (p Place) String() string {
	switch {
	case p.Format == "":
		return p.File
	case p.Group > 0:
		return fmt.Sprintf("%s, "+p.Format, p.File, p.Group, p.N)
	default:
		return fmt.Sprintf("%s, "+p.Format, p.File, p.N)
	}
}

// Reader reads the rows of one format. Next fills the row's values and its place, the place before anything can fail; after the last row it returns
// io.EOF. Its errors are bare: the caller adds the place and a reason. After a BadRow the next call returns the next row; after any other error
// there is none.
type Reader interface {
	Next(row *Row) error
	Close()
}

// NonFinite is how a wanted number that is not finite is read: NaN, Infinity, -Infinity.
type NonFinite bool

// NonFiniteBad and NonFiniteNull: neither JSON nor a record has such numbers: the row is bad, or the value is null.
const (
	NonFiniteBad  NonFinite = false
	NonFiniteNull NonFinite = true
)

// NotFinite returns the value of a number that is not finite.
func NotFinite(as NonFinite) (any, error) {
	if as == NonFiniteNull {
		return nil, nil
	}
	return nil, Bad(Malformed, errNotFinite)
}

var errNotFinite = errors.New("the number is not finite (NaN or Infinity), which JSON cannot hold; correct it at the source, or set read.nonFinite to Null to read such numbers as null")
