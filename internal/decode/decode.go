// Package decode turns the bytes of one source file into rows, streaming.
//
// The format is found in the content, never in the name: JSON Lines, a JSON array of objects, an array inside a JSON document,
// the nested SQuAD form, CSV with its relatives, and Parquet; all but Parquet may be compressed by gzip, bzip2 or zstd. Only the
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
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// contextEvery is how many rows pass between two checks of the context.
const contextEvery = 256

// File is the bytes of one source file.
type File struct {
	// Name is for messages. Its ending decides whether a text that looks like none of the formats is a table.
	Name string
	// Data is read at several places, from one goroutine.
	Data io.ReaderAt
	// Size of Data in bytes.
	Size int64
	// Path leads from the top of a JSON document to the array of its rows, name by name: {"data", "rows"} for
	// {"data": {"rows": […]}}. Without it the text is an array, JSON Lines or of the SQuAD form.
	Path []string
	// Table is the form of the file if it is CSV or a similar table; nil means that the form is detected.
	Table *Table
	// NonFinite is how numbers that are not finite are read.
	NonFinite decoded.NonFinite
	// Own reports that the project wrote the file: its unpacked size and its rows are not bounded.
	Own bool
}

// Table is the form of a text of delimited fields.
type Table struct {
	// Delimiter of the fields; 0 means detect it.
	Delimiter byte
	Quote     Quote
	// Columns are the names of a table without a header; nil means that the first record has them.
	Columns []string
}

// Quote is what quotation marks mean in a table.
type Quote int

// By default they are those of RFC 4180, and a record that is valid in both meanings is refused. With QuoteNone they are plain text, and no field
// contains a delimiter or a line end.
const (
	QuoteUnsaid Quote = iota
	QuoteDouble
	QuoteNone
)

// Rows yields the rows of a file in their order. Each field is asked for once. A file without rows is no error: shards may be empty, and the reader
// of all of them knows whether there was any row.
//
// Bad input is a contract.Failure with reason InvalidData and a message with the place, the cause and the remedy. If there is a BadRow in it, the
// file can be read on: a caller that continues gets the rows after it; a bad row is counted like any other. Any other error is the last. When the
// bytes themselves cannot be read the reason is WorkerFailed, since trying again may help. When ctx ends, its error comes with it.
func Rows(ctx context.Context, f File, fields []decoded.Field) iter.Seq2[decoded.Row, error] {
	return func(yield func(decoded.Row, error) bool) {
		src := &source{data: f.Data}
		r, err := open(f, src, fields)
		if err != nil {
			yield(decoded.Row{}, failure(decoded.Place{File: f.Name}, src, err))
			return
		}
		defer r.Close()
		row := decoded.Row{Values: make([]any, len(fields)), Place: decoded.Place{File: f.Name}}
		for ; ; row.Number++ {
			if row.Number%contextEvery == 0 && ctx.Err() != nil {
				yield(decoded.Row{}, fmt.Errorf("reading %s: %w", f.Name, context.Cause(ctx)))
				return
			}
			err := r.Next(&row)
			if err == io.EOF {
				return
			}
			last := false
			if err != nil {
				last, err = explain(row.Place, src, err)
			}
			if !yield(row, err) || last {
				return
			}
		}
	}
}

// explain reports whether a format's bare error ends the file, and returns the error for the caller, with place and reason.
func explain(where decoded.Place, src *source, err error) (last bool, _ error) {
	var row *decoded.BadRow
	if src.err == nil && errors.As(err, &row) {
		row.Where = where.String()
		return false, contract.Failf(contract.InvalidData, "%w", row)
	}
	return true, failure(where, src, err)
}

// failure puts a place and a reason on an error of a format. A failed read below the format is an error of the machine, whatever the format made of
// it.
func failure(where decoded.Place, src *source, err error) error {
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
