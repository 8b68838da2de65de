package decode

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// lineBuffer is where the buffer of a line starts.
const lineBuffer = 256 << 10

// lines cuts a stream into lines. A line is valid until the next.
type lines struct {
	stream io.Reader
	limit  int
	number int64

	buf        []byte
	start, end int // buf[start:end] is read and not yet given out
	err        error
}

func newLines(stream io.Reader) *lines {
	return &lines{stream: stream, limit: MaxRow, buf: make([]byte, lineBuffer)}
}

// next gives the next line without its line feed, io.EOF after the last. A last line may lack the line feed.
func (l *lines) next() ([]byte, error) {
	l.number++
	for searched := l.start; ; {
		if i := bytes.IndexByte(l.buf[searched:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : searched+i]
			l.start = searched + i + 1
			return line, nil
		}
		searched = l.end
		if l.err != nil {
			return l.last()
		}
		if l.end-l.start > l.limit {
			return nil, errTooLong
		}
		searched -= l.room()
		n, err := l.stream.Read(l.buf[l.end:])
		l.end += n
		l.err = err
	}
}

// last gives what is left when the stream has ended.
func (l *lines) last() ([]byte, error) {
	line := l.buf[l.start:l.end]
	l.start = l.end
	if l.err == io.EOF && len(line) > 0 {
		return line, nil
	}
	return nil, l.err
}

// room makes space after end and gives by how much the bytes moved down: first by moving the unfinished line to the front,
// and when that does not help by doubling the buffer.
func (l *lines) room() int {
	if l.end < len(l.buf) {
		return 0
	}
	moved := l.start
	if most := l.limit + lineBuffer; l.start > len(l.buf)/2 || len(l.buf) == most {
		copy(l.buf, l.buf[l.start:l.end])
	} else {
		grown := make([]byte, min(2*len(l.buf), most))
		copy(grown, l.buf[l.start:l.end])
		l.buf = grown
	}
	l.start, l.end = 0, l.end-moved
	return moved
}

// jsonLines is JSON Lines: one object per line.
type jsonLines struct {
	lines   *lines
	scanner scanner
	dec     jsontext.Decoder
	buffer  bytes.Buffer
	done    func()
}

func openLines(stream io.Reader, done func(), fields []Field) rows {
	return &jsonLines{lines: newLines(stream), scanner: scanner{selection: selectFields(fields)}, done: done}
}

func (j *jsonLines) close() { j.done() }

func (j *jsonLines) next(row *Row) error {
	for {
		line, err := j.lines.next()
		row.place.format, row.place.n = "line %d", j.lines.number
		if err != nil {
			return err
		}
		if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
			continue
		}
		// A decoder over a bytes.Buffer parses in place, without a copy; Reset keeps what it has allocated.
		j.buffer = *bytes.NewBuffer(line)
		j.dec.Reset(&j.buffer)
		if err := j.scanner.row(&j.dec, row.Values); err != nil {
			return err
		}
		if len(j.dec.UnreadBuffer()) > 0 {
			return end(&j.dec)
		}
		return nil
	}
}

// limited refuses a row that is longer than the limit, so that a decoder's buffer cannot grow without bound.
type limited struct {
	stream io.Reader
	limit  int
	since  int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.since > l.limit {
		return 0, errTooLong
	}
	n, err := l.stream.Read(p)
	l.since += n
	return n, err
}

// jsonArray is one JSON array of objects, compact or indented.
type jsonArray struct {
	stream  *limited
	dec     *jsontext.Decoder
	scanner scanner
	done    func()
}

func openArray(stream io.Reader, done func(), fields []Field) rows {
	l := &limited{stream: stream, limit: MaxRow}
	return &jsonArray{stream: l, dec: jsontext.NewDecoder(l), scanner: scanner{selection: selectFields(fields)}, done: done}
}

func (a *jsonArray) close() { a.done() }

func (a *jsonArray) next(row *Row) error {
	row.place.format, row.place.n = "element %d of the array", row.Number+1
	a.stream.since = 0
	if row.Number == 0 {
		if _, err := a.dec.ReadToken(); err != nil {
			return jsonError(err)
		}
	}
	if a.dec.PeekKind() != ']' {
		return a.scanner.row(a.dec, row.Values)
	}
	if _, err := a.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	if err := end(a.dec); err != nil {
		return err
	}
	return io.EOF
}
