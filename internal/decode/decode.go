// Package decode turns the bytes of one source file into rows, streaming.
//
// The format is found in the content, never in the name: JSON Lines, one JSON array of objects, the nested SQuAD form and
// Parquet; gzip (of any number of members) and zstd may lie around the JSON forms. Only the fields that a caller names are
// materialised, but every byte of a JSON row is checked, strictly: UTF-8, the grammar, no name twice in one object. For
// Parquet, whose columns are stored apart, only the columns that a caller names are read and checked.
//
// Memory is bounded by the longest row (MaxRow) for JSON, by the longest article for SQuAD, and by one page of each wanted
// column for Parquet; it does not depend on the size of the file.
//
// Choices that a format leaves open: a byte order mark at the start is skipped; lines may end in CRLF; blank lines are
// skipped but counted; a last line needs no line end; a field that is absent and one that is null are the same; a file
// without a row is an error, since a source that lost its rows should be noticed.
package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// MaxRow is the longest JSON row, in bytes of JSON text, and the longest SQuAD article: 128 MiB. Buffers start small and
// grow only for a row that needs it.
const MaxRow = 128 << 20

// contextEvery is how many rows pass between two looks at the context.
const contextEvery = 256

// File is the bytes of one source file.
type File struct {
	// Name stands in messages and nowhere else.
	Name string
	// Data is read at several places at once, from one goroutine.
	Data io.ReaderAt
	// Size of Data in bytes.
	Size int64
}

// Field is one field of a row that a mapping wants.
type Field struct {
	// Name of a column, or a path of names with dots ("extra_info.question") into objects and structs. A column whose own
	// name has the dots comes first.
	Name string
	// Optional fields are nil where they are absent; the absence of any other is an error.
	Optional bool
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

	place place
}

// Where names the row for a message: the file and the line, element, question, or row group and row.
func (r Row) Where() string {
	if r.place.format == "" {
		return fmt.Sprintf("row %d", r.Number)
	}
	return r.place.String()
}

// Failf is the InvalidData failure of this row, its place first. The text should say why and what to do.
func (r Row) Failf(format string, args ...any) error {
	return contract.Failf(contract.InvalidData, "%s: %w", r.Where(), fmt.Errorf(format, args...))
}

// place is where a row stands in its file, in the words of the file's format.
type place struct {
	file, format string
	group, n     int64
}

func (p place) String() string {
	switch {
	case p.format == "":
		return p.file
	case p.group > 0:
		return fmt.Sprintf("%s, "+p.format, p.file, p.group, p.n)
	default:
		return fmt.Sprintf("%s, "+p.format, p.file, p.n)
	}
}

// rows is what each format does. next fills the row's values and its place, the place before anything can fail; after the
// last row it gives io.EOF. Its errors are bare: Rows puts the place before them and a reason on them.
type rows interface {
	next(row *Row) error
	close()
}

// Rows yields the rows of a file in their order and stops after the first error. Each field is asked for once.
//
// Bad input is a contract.Failure with reason InvalidData that says where, why and what to do. When the bytes themselves
// cannot be read the reason is WorkerFailed, since trying again may help. When ctx ends, its error comes with it.
func Rows(ctx context.Context, f File, fields []Field) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		src := &source{data: f.Data}
		r, err := open(f, src, fields)
		if err != nil {
			yield(Row{}, failure(place{file: f.Name}, src, err))
			return
		}
		defer r.close()
		row := Row{Values: make([]any, len(fields)), place: place{file: f.Name}}
		for ; ; row.Number++ {
			if row.Number%contextEvery == 0 && ctx.Err() != nil {
				yield(Row{}, fmt.Errorf("reading %s: %w", f.Name, context.Cause(ctx)))
				return
			}
			err := r.next(&row)
			if err == io.EOF && row.Number > 0 {
				return
			}
			if err == io.EOF {
				row.place, err = place{file: f.Name}, errNoRows
			}
			if err != nil {
				yield(Row{}, failure(row.place, src, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

var (
	errNoRows  = errors.New("the file has no rows; check that the source names the right file and that it was uploaded whole")
	errTooLong = fmt.Errorf("the row is longer than %d MiB; split it at the source, or name only files that hold rows", MaxRow>>20)
)

// failure puts a place and a reason on an error of a format. A read that failed below the format is the machine's trouble,
// whatever the format made of it.
func failure(where place, src *source, err error) error {
	if src.err != nil {
		return contract.Failf(contract.WorkerFailed, "%s: the bytes cannot be read: %w", where, src.err)
	}
	return contract.Failf(contract.InvalidData, "%s: %w", where, err)
}

// source remembers the first error of the bytes below, to tell a broken disk from a broken file.
type source struct {
	data io.ReaderAt
	err  error
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.data.ReadAt(p, off)
	if err != nil && err != io.EOF && s.err == nil {
		s.err = err
	}
	return n, err
}
