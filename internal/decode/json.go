package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// lineBuffer is where the buffer of a line starts.
const lineBuffer = 256 << 10

// lineFormat is the place of a row.
const lineFormat = "line %d"

// lines cuts a stream into lines. A line is valid until the next.
type lines struct {
	stream io.Reader
	limit  int
	number int64

	buf        []byte
	start, end int // buf[start:end] is read and not yet returned
	err        error
	long       bool // the rest of a line that is too long has still to be dropped
	open       bool // the line that was returned last has no line feed
}

func newLines(stream io.Reader) *lines {
	return &lines{stream: stream, limit: decoded.MaxRow, buf: make([]byte, lineBuffer)}
}

// next returns the next line without its line feed, io.EOF after the last. A last line may lack the line feed. After errTooLong
// it goes on with the line after.
func (l *lines) next() ([]byte, error) {
	if err := l.drop(); err != nil {
		return nil, err
	}
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
			l.long = true
			return nil, errTooLong
		}
		searched -= l.room()
		l.read()
	}
}

func (l *lines) read() {
	n, err := l.stream.Read(l.buf[l.end:])
	l.end += n
	l.err = err
}

// drop skips what is left of a line that is too long.
func (l *lines) drop() error {
	for l.long {
		if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
			l.start += i + 1
			l.long = false
			return nil
		}
		l.start, l.end = 0, 0
		if l.err != nil {
			return l.err
		}
		l.read()
	}
	return nil
}

// last returns what is left when the stream has ended.
func (l *lines) last() ([]byte, error) {
	line := l.buf[l.start:l.end]
	l.start = l.end
	if l.err == io.EOF && len(line) > 0 {
		l.open = true
		return line, nil
	}
	return nil, l.err
}

// room makes space after end and returns by how much the bytes moved down: first by moving the unfinished line to the front,
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
	checker jsonvalue.Checker
	scanner scanner
	dec     jsontext.Decoder
	buffer  bytes.Buffer
	finite  []byte // reused memory
	done    func()
	later   bool // the first row of the file was decoded elsewhere

	// A line that was read ahead.
	held     bool
	heldLine []byte
	heldErr  error
}

func openLines(stream io.Reader, done func(), f File, fields []decoded.Field) decoded.Reader {
	return &jsonLines{lines: newLines(stream), scanner: scanner{selection: selectFields(fields), nonFinite: f.NonFinite}, done: done}
}

func (j *jsonLines) Close() { j.done() }

func (j *jsonLines) Next(row *decoded.Row) error {
	line, err := j.take()
	row.Place.Format, row.Place.N = lineFormat, j.lines.number
	switch {
	case err == errTooLong:
		return decoded.Bad(decoded.TooLong, err)
	case err != nil:
		return err
	}
	return j.line(line, row)
}

// take returns the next line that is not blank.
func (j *jsonLines) take() ([]byte, error) {
	if j.held {
		j.held = false
		return j.heldLine, j.heldErr
	}
	for {
		line, err := j.lines.next()
		if line = trim(line); err != nil || len(line) > 0 {
			return line, err
		}
	}
}

// trim removes the white space around a line; bytes.Trim is slow where there is none.
func trim(line []byte) []byte {
	if len(line) > 0 && line[0] > ' ' && line[len(line)-1] > ' ' {
		return line
	}
	return bytes.Trim(line, " \t\r")
}

// line decodes one row, and checks a bad first one once more.
func (j *jsonLines) line(line []byte, row *decoded.Row) error {
	err := j.row(line, row.Values)
	row.Plain = j.scanner.plain
	if row.Number == 0 && !j.later && isRefused(err) {
		return j.document(line, err)
	}
	return err
}

// row decodes the values of a line. The checker decides on nearly every one; what it does not accept, jsontext accepts or explains.
func (j *jsonLines) row(line []byte, values []any) error {
	j.scanner.odd = false
	if j.checker.Object(line, j.scanner.root) {
		return j.scanner.spans(line, j.checker.Found, values)
	}
	if j.checker.Many {
		return decoded.Bad(decoded.TooLong, errManyNames)
	}
	if finite, some := finiteText(j.finite[:0], line); some {
		// The places are the same in the text without such numbers, which is checked, and in the line, which has the values.
		if j.finite = finite; j.checker.Object(finite, j.scanner.root) {
			copy(finite, line)
			j.scanner.odd = true
			return j.scanner.spans(finite, j.checker.Found, values)
		}
		line = finite
	}
	if _, err := j.check(line); err != nil {
		return j.refusal(line, err)
	}
	return j.scanner.row(line, values)
}

// isRefused reports whether a row is bad although it is JSON.
func isRefused(err error) bool {
	var row *decoded.BadRow
	return errors.As(err, &row) && (row.Class == decoded.MissingField || row.Class == decoded.WrongShape)
}

// refusal returns the error of a line that is not JSON.
func (j *jsonLines) refusal(line []byte, err error) error {
	switch {
	case j.lines.open && errors.Is(err, io.ErrUnexpectedEOF):
		return jsonError(err) // The file was truncated: this is not a bad row but the end of the file.
	case err == jsonvalue.ErrMore:
		return decoded.Bad(decoded.Malformed, err)
	default:
		return badJSON(line, err)
	}
}

// check reads a text that has to be one JSON value. A decoder over a bytes.Buffer parses in place, without a copy; Reset
// keeps what it has allocated.
func (j *jsonLines) check(text []byte) (jsontext.Value, error) {
	j.buffer = *bytes.NewBuffer(text)
	j.dec.Reset(&j.buffer)
	value, err := j.dec.ReadValue()
	if err == nil && len(j.dec.UnreadBuffer()) > 0 {
		err = jsonvalue.End(&j.dec)
	}
	return value, err
}

// document looks at a first row that is bad: it may be a whole document on one line, which is then the only one and has lists
// of rows in it. Continuing as after one bad row would hide that every row is lost. Or it is odd among good ones.
func (j *jsonLines) document(text []byte, err error) error {
	paths := arraysOfObjects(text)
	j.heldLine, j.heldErr = j.take() // The text is not needed again, so its memory may go.
	if j.held = j.heldErr != io.EOF; j.held {
		if _, malformed := j.check(j.heldLine); j.heldErr != nil || malformed != nil {
			return err
		}
		return oddFirst(err, j.heldLine)
	}
	if len(paths) == 0 {
		return err
	}
	return fmt.Errorf("%w; or, if the file is one JSON document, %s", errors.Unwrap(err), setPath(paths))
}
