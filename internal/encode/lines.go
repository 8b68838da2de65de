package encode

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// lineBuffer is the buffer in which lines are found; a longer one is copied together.
const lineBuffer = 256 << 10

// errHalfRow tells a file that ends inside a row.
var errHalfRow = errors.New("it does not end with a whole row")

// lineWriter writes plain lines to a compressor.
type lineWriter struct {
	to  io.WriteCloser
	err error
}

func (w *lineWriter) WriteRow(line []byte) error {
	if w.err == nil {
		w.err = checkLine(line)
	}
	if w.err == nil {
		_, w.err = w.to.Write(line)
	}
	return w.err
}

// Close closes the compressor even after an error, so that nothing writes to the file any more.
func (w *lineWriter) Close() error {
	err := w.to.Close()
	if w.err == nil {
		w.err = errClosed
		return err
	}
	return w.err
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func plainRows(r io.ReaderAt, size int64, yield func([]byte, error) bool) error {
	bytes, err := eachLine(io.NewSectionReader(r, 0, size), yield)
	if err == nil && bytes != size {
		err = fmt.Errorf("it has %d bytes and should have %d", bytes, size)
	}
	return err
}

// eachLine yields the lines of a text and returns its length.
func eachLine(r io.Reader, yield func([]byte, error) bool) (bytes int64, err error) {
	from := bufio.NewReaderSize(r, lineBuffer)
	var long []byte // the beginning of a line that is longer than the buffer
	for {
		line, err := from.ReadSlice('\n')
		bytes += int64(len(line))
		if len(long)+len(line) > MaxRow {
			return bytes, tooLong(len(long) + len(line))
		}
		if len(long) > 0 || errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			line = long
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(line) > 0:
			return bytes, errHalfRow
		case err == io.EOF:
			return bytes, nil
		case err != nil:
			return bytes, err
		}
		if !yield(line, nil) {
			return bytes, errStopped
		}
		long = long[:0]
	}
}
