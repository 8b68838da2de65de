package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

const orNoQuotes = "; if quotation marks are plain text in this file, set read.table.quote to None"

// delimiters in order of preference, where a text fits several.
const delimiters = ",;\t"

// sampled is how many records are read to find the delimiter.
const sampled = 10

var (
	errQuoteInside = errors.New("there is a quotation mark inside a field that does not begin with one; put the field in quotes and double those inside it" + orNoQuotes)
	errQuoteAfter  = errors.New("there is text after the quotation mark that ends a field; double the quotation marks inside a field" + orNoQuotes)
	errQuoteOpen   = errors.New("the file ends inside a quoted field: it was cut short or a quotation mark is missing; fetch it again or correct it at the source" + orNoQuotes)
	errQuoteLines  = errors.New("a quoted field goes over several lines, and each of them has as many fields as the header: it is not clear whether quotation marks are plain text in this file; " +
		"set read.table.quote to None if they are, and to Double if the lines are one record")
	errColumns = fmt.Errorf("the record has more than %d fields; check the delimiter", decoded.MaxValues)
	errNotUTF8 = errors.New("the text is not UTF-8; convert it to UTF-8 at the source")
	errNul     = errors.New("there is a NUL byte in the text; correct it at the source")
)

// records cuts a text into the records of RFC 4180. encoding/csv would read a field whose quote is never closed into memory to
// the end of the file, and turns CRLF inside quotes into LF; this reader does neither.
type records struct {
	lines     *lines
	delimiter byte
	quote     Quote
	// width is the fields of the header, 0 before it was read.
	width int
	// fields of the current record; they are valid until the next.
	fields [][]byte
	first  int64 // the line where the record begins

	both bool   // each line of the record could also be a separate record
	out  []byte // the fields of a record with quotes, without them
	ends []int  // where each of them ends
}

// next reads a record. Empty lines are skipped. A bad record ends with the line in which that shows.
func (r *records) next() error {
	line, err := r.lines.next()
	for err == nil && len(trimCR(line)) == 0 {
		line, err = r.lines.next()
	}
	r.first = r.lines.number
	switch {
	case err == errTooLong:
		return decoded.Bad(decoded.TooLong, err)
	case err != nil:
		return err
	case r.quote != QuoteNone && bytes.IndexByte(line, '"') >= 0:
		return r.quoted(line)
	}
	r.fields = r.fields[:0]
	for rest := trimCR(line); len(r.fields) < decoded.MaxValues; {
		i := bytes.IndexByte(rest, r.delimiter)
		if i < 0 {
			r.fields = append(r.fields, rest)
			return flaw(line)
		}
		r.fields, rest = append(r.fields, rest[:i]), rest[i+1:]
	}
	return decoded.Bad(decoded.TooLong, errColumns)
}

// plainly reports whether a line has as many fields as the header if quotation marks are plain text. A tab in a quoted text is so rare that this
// decides what the marks are; a comma is not.
func (r *records) plainly(line []byte) bool {
	return r.quote == QuoteUnsaid && r.delimiter == '\t' && r.width > 1 && bytes.Count(line, []byte{'\t'}) == r.width-1
}

// quoted reads a record with quotation marks, which may span several lines.
func (r *records) quoted(line []byte) error {
	r.out, r.ends, r.both = r.out[:0], r.ends[:0], r.plainly(line)
	wrong, first := flaw(line), r.lines.number
	for more := true; more; {
		var err error
		if len(line) > 0 && line[0] == '"' {
			line, err = r.inQuotes(line[1:], &wrong)
		}
		if err == nil {
			line, more, err = r.unquoted(line)
		}
		if err != nil {
			return err
		}
		if r.ends = append(r.ends, len(r.out)); len(r.ends) > decoded.MaxValues {
			return decoded.Bad(decoded.TooLong, errColumns)
		}
	}
	if r.both && r.lines.number > first {
		return errQuoteLines
	}
	r.fields = r.fields[:0]
	start := 0
	for _, end := range r.ends {
		r.fields = append(r.fields, r.out[start:end])
		start = end
	}
	return wrong
}

// inQuotes reads a field up to its closing quote, over all of its lines, and returns what follows on the line: the delimiter or the end.
func (r *records) inQuotes(line []byte, wrong *error) ([]byte, error) {
	for {
		i := bytes.IndexByte(line, '"')
		switch {
		case i >= 0 && i+1 < len(line) && line[i+1] == '"':
			r.out = append(r.out, line[:i+1]...)
			line = line[i+2:]
		case i >= 0:
			r.out = append(r.out, line[:i]...)
			if line = line[i+1:]; len(trimCR(line)) > 0 && line[0] != r.delimiter {
				return nil, decoded.Bad(decoded.Malformed, errQuoteAfter)
			}
			return line, nil
		default:
			r.out = append(append(r.out, line...), '\n')
			var err error
			if line, err = r.continued(); err != nil {
				return nil, err
			}
			r.both = r.both && r.plainly(line)
			if *wrong == nil {
				*wrong = flaw(line)
			}
		}
	}
}

// continued returns the next line of a quoted field. A record that is too long or never ends is not a bad row, since the beginning of the next one
// is unknown.
func (r *records) continued() ([]byte, error) {
	if len(r.out) > r.lines.limit {
		return nil, errTooLong
	}
	line, err := r.lines.next()
	if err == io.EOF {
		return nil, errQuoteOpen
	}
	return line, err
}

// unquoted reads what is before the next delimiter and reports whether there was one.
func (r *records) unquoted(line []byte) (rest []byte, more bool, err error) {
	field := trimCR(line)
	i := bytes.IndexByte(line, r.delimiter)
	if i >= 0 {
		field, rest = line[:i], line[i+1:]
	}
	if bytes.IndexByte(field, '"') >= 0 {
		return nil, false, decoded.Bad(decoded.Malformed, errQuoteInside)
	}
	r.out = append(r.out, field...)
	return rest, i >= 0, nil
}

func trimCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte("\r")) }

// flaw returns what is wrong with a line whatever its fields are.
func flaw(line []byte) error {
	switch {
	case !utf8.Valid(line):
		return decoded.Bad(decoded.InvalidUTF8, errNotUTF8)
	case bytes.IndexByte(line, 0) >= 0:
		return decoded.Bad(decoded.Malformed, errNul)
	}
	return nil
}
