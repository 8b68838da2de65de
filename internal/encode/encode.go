// Package encode writes the rows of a mixed file in each output format, and reads them back.
//
// A row is one published line of internal/record with its line feed; what is read is, byte for byte, what was written. The bytes of a file follow
// from its rows alone: not from GOMAXPROCS, the sizes of the writes, the time or the machine. They do depend on the versions of the compressors,
// which no format promises to keep. TestGolden fails on a change, and names what a change requires. Reading asks only that a file be right, so files of
// earlier versions stay readable.
//
// docs/format.md describes each format to the byte. Imports: internal/record, internal/decode (which reads Parquet from
// anyone, so from here as well), internal/recipe, klauspost/compress, parquet-go.
package encode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// MaxRow is the longest row, its line feed included, in every format: a longer one could not be a source again.
const MaxRow = decoded.MaxRow

// Writer encodes the rows of one file.
type Writer interface {
	// WriteRow writes one published line with its line feed, and keeps nothing of it. An error may be that of an earlier row; after one, all rows
	// are refused.
	WriteRow(line []byte) error
	// Close finishes the encoding; the file is whole only if it returns no error. It must be called after a failed row as well, and does not close
	// the writer below, which is written to, from one goroutine at a time, until Close returns.
	Close() error
}

// NewWriter begins a file. kept are the members that any row of it may keep, in ascending order; only a table has to know. A writer of the packed forms takes up to 20 MiB, one of Parquet up to 64 MiB.
func NewWriter(w io.Writer, format recipe.Format, kept ...string) (Writer, error) {
	switch format {
	case recipe.JSONL:
		return &lineWriter{to: nopCloser{w}}, nil
	case recipe.JSONLZstd:
		z, err := newZstdWriter(w)
		return &lineWriter{to: z}, err
	case recipe.JSONLGzip:
		z, err := newGzipWriter(w)
		return &lineWriter{to: z}, err
	case recipe.Parquet:
		return newParquetWriter(w, kept), nil
	default:
		return nil, unknown(format)
	}
}

func unknown(format recipe.Format) error {
	return fmt.Errorf("the output format %q is not known; JSONL, JSONLZstd, JSONLGzip and Parquet are", format)
}

// Rows returns the lines of a file, each with its line feed; the slice is used again for the next one. An error says what is
// wrong with the file, without its name, and is the last pair: a file that is cut short, damaged, or has anything after its end.
//
// That a line is a record in its published form is found here for Parquet alone, where it has to be put together again. In the other formats the
// line is in the file, and its reader parses it.
func Rows(r io.ReaderAt, size int64, format recipe.Format) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var err error
		switch format {
		case recipe.JSONL:
			err = plainRows(r, size, yield)
		case recipe.JSONLZstd:
			err = zstdRows(r, size, yield)
		case recipe.JSONLGzip:
			err = gzipRows(r, size, yield)
		case recipe.Parquet:
			err = parquetRows(r, size, yield)
		default:
			err = unknown(format)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// errClosed is the error of a row after the last one.
var errClosed = errors.New("the file is finished")

// errStopped means that the caller wants no more rows.
var errStopped = errors.New("stopped")

// checkLine checks that a row is one line: a second one would be read as another row.
func checkLine(line []byte) error {
	switch n := bytes.IndexByte(line, '\n'); {
	case n < 0 || n != len(line)-1:
		return errors.New("a row is one line with its line feed")
	case len(line) > MaxRow:
		return tooLong(len(line))
	}
	return nil
}

func tooLong(bytes int) error {
	return fmt.Errorf("a row has at least %d bytes, and the most is %d", bytes, MaxRow)
}
