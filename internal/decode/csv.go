package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// delimiters in the order in which one is preferred where a text fits several.
const delimiters = ",;\t"

// sampled is how many records are looked at to find the delimiter.
const sampled = 10

var (
	errQuoteInside = errors.New("there is a quotation mark inside a field that does not begin with one; put the field in quotes and double those inside it")
	errQuoteAfter  = errors.New("there is text after the quotation mark that ends a field; double the quotation marks inside a field")
	errQuoteOpen   = errors.New("the file ends inside a quoted field: it was cut short or a quotation mark is missing; fetch it again or correct it at the source")
	errNotUTF8     = errors.New("the text is not UTF-8; convert it to UTF-8 at the source")
	errNul         = errors.New("there is a NUL byte in the text; correct it at the source")
)

// records cuts a text into the records of RFC 4180. encoding/csv would read a field whose quote is never closed into memory to
// the end of the file, and turns CRLF inside quotes into LF; this reader does neither.
type records struct {
	lines     *lines
	delimiter byte
	// fields of the current record; they are valid until the next.
	fields [][]byte
	first  int64 // the line where the record begins

	out  []byte // the fields of a record with quotes, without them
	ends []int  // where each of them ends
}

// next reads a record. Lines with nothing in them are skipped. A record that is bad is over with the line in which that shows.
func (r *records) next() error {
	line, err := r.lines.next()
	for err == nil && len(trimCR(line)) == 0 {
		line, err = r.lines.next()
	}
	r.first = r.lines.number
	switch {
	case err == errTooLong:
		return bad(TooLong, err)
	case err != nil:
		return err
	case bytes.IndexByte(line, '"') >= 0:
		return r.quoted(line)
	}
	r.fields = r.fields[:0]
	for rest := trimCR(line); ; {
		i := bytes.IndexByte(rest, r.delimiter)
		if i < 0 {
			r.fields = append(r.fields, rest)
			return flaw(line)
		}
		r.fields, rest = append(r.fields, rest[:i]), rest[i+1:]
	}
}

// quoted reads a record that has quotation marks and so may go over several lines.
func (r *records) quoted(line []byte) error {
	r.out, r.ends = r.out[:0], r.ends[:0]
	wrong := flaw(line)
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
		r.ends = append(r.ends, len(r.out))
	}
	r.fields = r.fields[:0]
	start := 0
	for _, end := range r.ends {
		r.fields = append(r.fields, r.out[start:end])
		start = end
	}
	return wrong
}

// inQuotes takes a field up to its closing quote, over the lines that it goes over, and gives what follows on the line. What
// follows is the delimiter or the end.
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
				return nil, bad(Malformed, errQuoteAfter)
			}
			return line, nil
		default:
			r.out = append(append(r.out, line...), '\n')
			var err error
			if line, err = r.continued(); err != nil {
				return nil, err
			}
			if *wrong == nil {
				*wrong = flaw(line)
			}
		}
	}
}

// continued gives the next line of a quoted field. A record that is too long or never ends is no bad row, since nothing says
// where the next one would begin.
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

// unquoted takes what is before the next delimiter and says whether there was one.
func (r *records) unquoted(line []byte) (rest []byte, more bool, err error) {
	field := trimCR(line)
	i := bytes.IndexByte(line, r.delimiter)
	if i >= 0 {
		field, rest = line[:i], line[i+1:]
	}
	if bytes.IndexByte(field, '"') >= 0 {
		return nil, false, bad(Malformed, errQuoteInside)
	}
	r.out = append(r.out, field...)
	return rest, i >= 0, nil
}

func trimCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte("\r")) }

// flaw is what is wrong with a line whatever its fields are.
func flaw(line []byte) error {
	switch {
	case !utf8.Valid(line):
		return bad(InvalidUTF8, errNotUTF8)
	case bytes.IndexByte(line, 0) >= 0:
		return bad(Malformed, errNul)
	}
	return nil
}

// findDelimiter says whether text is a table and gives its delimiter, 0 if it is none: its first record, the header, has at
// least two fields, and of the ten records after it at least one has as many. The delimiter with the most such records wins,
// then the one with the most fields.
func findDelimiter(text []byte, whole bool) byte {
	if !whole {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	best, most, widest := byte(0), 0, 0
	for _, d := range []byte(delimiters) {
		width, agree := sample(text, d, whole)
		if agree > most || agree == most && agree > 0 && width > widest {
			best, most, widest = d, agree, width
		}
	}
	return best
}

// sample gives the fields of the header and how many of the next records have as many. One that goes on behind the text counts.
func sample(text []byte, delimiter byte, whole bool) (width, agree int) {
	r := records{lines: &lines{stream: bytes.NewReader(text), limit: window, buf: make([]byte, window)}, delimiter: delimiter}
	if r.next() != nil || len(r.fields) < 2 {
		return 0, 0
	}
	width = len(r.fields)
	for n := range sampled {
		err := r.next()
		switch {
		case err == nil && len(r.fields) == width, err == errQuoteOpen && !whole:
			agree++
		case err == io.EOF && n == 0 && !whole:
			agree++
		}
	}
	return width, agree
}

// table is CSV or one of its relatives.
type table struct {
	records records
	names   []string
	fields  []Field
	columns []int // of each field, -1 for one that is not there
	done    func()
}

func openTable(stream io.Reader, done func(), delimiter byte, fields []Field) (rows, error) {
	t := &table{records: records{lines: newLines(stream), delimiter: delimiter}, fields: fields, done: done}
	if err := t.records.next(); err != nil {
		var row *BadRow
		if errors.As(err, &row) {
			err = row.Err // Without its header no row of the file can be read.
		}
		return nil, fmt.Errorf("the header: %w", err)
	}
	for i, field := range t.records.fields {
		name := string(field)
		switch {
		case name == "":
			return nil, fmt.Errorf("the header: column %d has no name; name it or leave it away, as an index that pandas writes without index=False", i+1)
		case slices.Contains(t.names, name):
			return nil, fmt.Errorf("the header: the name %q is there twice; rename one of the columns", name)
		}
		t.names = append(t.names, name)
	}
	for _, f := range fields {
		column := slices.Index(t.names, f.Name)
		if column < 0 && !f.Optional {
			return nil, missingField(f.Name, quotedNames(t.names))
		}
		t.columns = append(t.columns, column)
	}
	return t, nil
}

func (t *table) close() { t.done() }

func (t *table) next(row *Row) error {
	err := t.records.next()
	row.place.format, row.place.n = "line %d", t.records.first
	if err != nil {
		return err
	}
	if got, want := len(t.records.fields), len(t.names); got != want {
		if t.records.lines.open && got < want {
			return fmt.Errorf("the file ends inside a record: it has %d fields of %d and no line end; the file was cut short, fetch it again", got, want)
		}
		return badf(WrongShape, "the record has %d fields and the header %d; put fields with a delimiter or a line end in quotes", got, want)
	}
	for i, column := range t.columns {
		if row.Values[i] = nil; column >= 0 {
			row.Values[i] = string(t.records.fields[column])
		}
	}
	return nil
}

func quotedNames(names []string) []string {
	quoted := make([]string, 0, len(names))
	for _, name := range names[:min(len(names), namesShown)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return quoted
}
