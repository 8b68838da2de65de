// Package decode turns the bytes of one source file into rows, streaming.
//
// The format is found in the content, never in the name: JSON Lines, a JSON array of objects, an array inside a JSON document,
// the nested SQuAD form, CSV with its relatives, and Parquet; gzip, bzip2 and zstd may lie around all but Parquet. Only the
// fields that a caller names are materialised, but every byte of a text row is checked, strictly: UTF-8, the grammar, no name
// twice in one object. For Parquet, whose columns are stored apart, only the columns that a caller names are read and checked.
//
// Memory is bounded by the longest row (MaxRow) for texts, by the longest article for SQuAD, and by one page of each wanted
// column for Parquet; it does not depend on the size of the file.
//
// What each format leaves open is decided in docs/contributing/decoding.md, which names a test for every choice.
package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// MaxRow is the longest row of a text format, in bytes as they stand there, and the longest SQuAD article: 128 MiB. Buffers
// start small and grow only for a row that needs it.
const MaxRow = 128 << 20

// contextEvery is how many rows pass between two looks at the context.
const contextEvery = 256

// File is the bytes of one source file.
type File struct {
	// Name is in messages. Its ending says of a text that looks like none of the formats whether it is a table.
	Name string
	// Data is read at several places at once, from one goroutine.
	Data io.ReaderAt
	// Size of Data in bytes.
	Size int64
	// Path leads from the top of a JSON document to the array of its rows, name by name: {"data", "rows"} for
	// {"data": {"rows": […]}}. Without it the text is an array, JSON Lines or of the SQuAD form.
	Path []string
	// Table says what is known of the file if it is a table, CSV or one of its relatives. nil is to find out whether it is one.
	Table *Table
	// NonFinite says what becomes of numbers that are not finite.
	NonFinite NonFinite
	// Own says that the project wrote the file: what it unpacks to, and what a row of it holds, has no bounds.
	Own bool
}

// Table is how a text of delimited fields is written.
type Table struct {
	// Delimiter of the fields; 0 is to be found.
	Delimiter byte
	Quote     Quote
	// Columns are the names of a table without a header; nil is that the first record has them.
	Columns []string
}

// Quote is what quotation marks mean in a table.
type Quote int

// Unsaid is RFC 4180, and that a record is refused where both meanings would do. With QuoteNone they are text like any other, and no
// field has a delimiter or a line end in it.
const (
	QuoteUnsaid Quote = iota
	QuoteDouble
	QuoteNone
)

// NonFinite is what becomes of a wanted number that is not finite: NaN, Infinity, -Infinity.
type NonFinite bool

// JSON has no such numbers, and a record neither: its row is bad, or the value is null.
const (
	NonFiniteBad  NonFinite = false
	NonFiniteNull NonFinite = true
)

// notFinite is the value of a number that is not finite.
func notFinite(as NonFinite) (any, error) {
	if as == NonFiniteNull {
		return nil, nil
	}
	return nil, bad(Malformed, errNotFinite)
}

var errNotFinite = errors.New("the number is not finite (NaN or Infinity), which JSON cannot hold; correct it at the source, or set read.nonFinite to Null to read such numbers as null")

// Field is one field of a row that a mapping wants.
type Field struct {
	// Name of a column, or a path of names with dots ("extra_info.question") into objects and structs. A column whose own
	// name has the dots comes first.
	Name string
	// Optional fields are nil where they are absent or null; any other must be there and not be null.
	Optional bool
	// Ordered asks for the text of a list or an object, JSON, where a row has one under the whole name; it is nil where the row
	// has anything else, which another Field of that name may ask for. Formats without an order give nil.
	Ordered bool
	// Raw asks for the JSON text of whatever a row has under the whole name at its top, null as well; the value is JSON, and nil only
	// where the row has no such member. It is the text that is in the source where that is JSON, on one line. Without a Name it
	// is the whole row.
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
	// Plain has the bit 1<<i where the i-th value is a string that is in JSON as it is: UTF-8 without a character that needs an escape. A
	// value whose bit is not set may be one, too.
	Plain uint64

	place place
}

// Where names the row for a message: the file and the line, element, question, or row group and row.
func (r Row) Where() string {
	if r.place.format == "" {
		return fmt.Sprintf("row %d", r.Number)
	}
	return r.place.String()
}

// File is the name of the file that the row is in.
func (r Row) File() string { return r.place.file }

// Failf is the InvalidData failure of this row, its place first. The text should say why and what to do.
func (r Row) Failf(format string, args ...any) error {
	return contract.Failf(contract.InvalidData, "%s: %w", r.Where(), fmt.Errorf(format, args...))
}

// place is where a row is in its file, in the words of the file's format.
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
// last row it gives io.EOF. Its errors are bare: Rows puts the place before them and a reason on them. After a BadRow the next
// call gives the next row; after any other error there is none.
type rows interface {
	next(row *Row) error
	close()
}

// Rows yields the rows of a file in their order. Each field is asked for once. A file of none is no error: shards may be empty, and
// whoever reads them all knows whether any row came.
//
// Bad input is a contract.Failure with reason InvalidData that says where, why and what to do. If there is a BadRow in it, the
// file can be read on: a caller that goes on ranging gets the rows after it; a row that is bad has a number like any other. Any
// other error is the last. When the bytes themselves cannot be read the reason is WorkerFailed, since trying again may help.
// When ctx ends, its error comes with it.
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
			if err == io.EOF {
				return
			}
			last := false
			if err != nil {
				last, err = explain(row.place, src, err)
			}
			if !yield(row, err) || last {
				return
			}
		}
	}
}

// explain says whether a format's bare error ends the file, and makes of it the one that a caller gets.
func explain(where place, src *source, err error) (last bool, _ error) {
	var row *BadRow
	if src.err == nil && errors.As(err, &row) {
		row.Where = where.String()
		return false, contract.Failf(contract.InvalidData, "%w", row)
	}
	return true, failure(where, src, err)
}

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
