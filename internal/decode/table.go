package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// findTable returns how a text is a table, if it is one: as its description has it; else its delimiter is found in the records; else the header
// decides alone, where it has every required field, or where the file's name is that of a table.
func findTable(head []byte, whole bool, f File, fields []decoded.Field) (Table, bool) {
	t := Table{}
	if f.Table != nil {
		t = *f.Table
	}
	if t.Delimiter == 0 {
		t.Delimiter = findDelimiter(head, whole, t.Quote)
	}
	if t.Delimiter != 0 {
		return t, true
	}
	ending := strings.ToLower(f.Name)
	for _, packed := range []string{".gz", ".gzip", ".bz2", ".zst", ".zstd"} {
		ending = strings.TrimSuffix(ending, packed)
	}
	ending = path.Ext(ending)
	widest := 0
	for _, d := range []byte(delimiters) {
		names := header(head, d, t.Quote)
		if hasRequired(names, fields) {
			t.Delimiter = d
			return t, true
		}
		if len(names) > widest {
			t.Delimiter, widest = d, len(names)
		}
	}
	return t, widest > 0 && (f.Table != nil || ending == ".csv" || ending == ".tsv")
}

// header returns the names in the first record of a text, none if the record is bad.
func header(text []byte, delimiter byte, quote Quote) []string {
	r := recordsOf(text, delimiter, quote)
	if err := r.next(); err != nil && !isFlaw(err) {
		return nil
	}
	names := make([]string, len(r.fields))
	for i, field := range r.fields {
		names[i] = string(field)
	}
	return names
}

// recordsOf reads the records of the first bytes of a file.
func recordsOf(text []byte, delimiter byte, quote Quote) records {
	return records{lines: &lines{stream: bytes.NewReader(text), limit: window, buf: make([]byte, window)}, delimiter: delimiter, quote: quote}
}

// hasRequired reports whether names has every required field, and there is at least one.
func hasRequired(names []string, fields []decoded.Field) bool {
	some := false
	for _, f := range fields {
		if !f.Optional && !slices.Contains(names, f.Name) {
			return false
		}
		some = some || !f.Optional
	}
	return some
}

// findDelimiter returns the delimiter of a table, 0 if the text is none: its first record, the header, has at least two fields, and of the
// ten records after it at least one has as many. The delimiter with the most such records wins, then the one with the most fields.
func findDelimiter(text []byte, whole bool, quote Quote) byte {
	if !whole {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	best, most, widest := byte(0), 0, 0
	for _, d := range []byte(delimiters) {
		width, agree := sample(text, d, whole, quote)
		if agree > most || agree == most && agree > 0 && width > widest {
			best, most, widest = d, agree, width
		}
	}
	return best
}

// sample returns the fields of the header and how many of the next records have as many. One that continues after the text counts, and so does one
// with invalid characters: its line reports them later.
func sample(text []byte, delimiter byte, whole bool, quote Quote) (width, agree int) {
	r := recordsOf(text, delimiter, quote)
	if err := r.next(); err != nil && !isFlaw(err) || len(r.fields) < 2 {
		return 0, 0
	}
	width = len(r.fields)
	for n := range sampled {
		err := r.next()
		switch {
		case (err == nil || isFlaw(err)) && len(r.fields) == width, err == errQuoteOpen && !whole:
			agree++
		case err == io.EOF && n == 0 && !whole:
			agree++
		}
	}
	return width, agree
}

// isFlaw reports whether a record is bad only because of its characters.
func isFlaw(err error) bool { return errors.Is(err, errNotUTF8) || errors.Is(err, errNul) }

// table is CSV or one of its relatives.
type table struct {
	records records
	names   []string
	fields  []decoded.Field
	columns []int // by field; -1 if the table does not have it
	done    func()
}

func openTable(stream io.Reader, done func(), as Table, fields []decoded.Field) (decoded.Reader, error) {
	t := &table{records: records{lines: newLines(stream), delimiter: as.Delimiter, quote: as.Quote}, names: as.Columns, fields: fields, done: done}
	if t.names == nil {
		if err := t.header(); err != nil {
			return nil, fmt.Errorf("the header: %w", err)
		}
	}
	t.records.width = len(t.names)
	for _, f := range fields {
		column := slices.Index(t.names, f.Name)
		switch {
		case f.Raw && f.Name == "":
			if twice := repeated(t.names); twice != "" {
				return nil, fmt.Errorf("the header: the name %q is there twice; rename one of the columns", twice)
			}
		case column < 0 && !f.Optional:
			return nil, decoded.NoField(f.Name, quotedNames(t.names))
		case column >= 0 && slices.Contains(t.names[column+1:], f.Name):
			return nil, fmt.Errorf("the header: the name %q is there twice; rename one of the columns", f.Name)
		}
		t.columns = append(t.columns, column)
	}
	return t, nil
}

// repeated returns a name that is there twice, "" if none is.
func repeated(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	for i := range sorted[:max(len(sorted)-1, 0)] {
		if sorted[i] == sorted[i+1] {
			return sorted[i]
		}
	}
	return ""
}

// header reads the names of the columns. An unused one may be empty, like that of an index written by pandas, or a duplicate.
func (t *table) header() error {
	if err := t.records.next(); err != nil {
		var row *decoded.BadRow
		if errors.As(err, &row) {
			err = row.Err // Without its header no row of the file can be read.
		}
		return err
	}
	for _, field := range t.records.fields {
		if bytes.IndexByte(field, '\r') >= 0 && bytes.IndexByte(field, '\n') < 0 {
			return errors.New("the lines of the file end with CR alone, as those of old Macs; convert them to LF")
		}
		t.names = append(t.names, string(field))
	}
	return nil
}

func (t *table) Close() { t.done() }

func (t *table) Next(row *decoded.Row) error {
	err := t.records.next()
	row.Place.Format, row.Place.N = lineFormat, t.records.first
	if err != nil {
		return err
	}
	if got, want := len(t.records.fields), len(t.names); got != want {
		if t.records.lines.open && got < want {
			return fmt.Errorf("the file ends inside a record: it has %d fields of %d and no line end; the file was cut short, fetch it again", got, want)
		}
		return decoded.Badf(decoded.WrongShape, "the record has %d fields and the header %d; put fields with a delimiter or a line end in quotes", got, want)
	}
	if t.isHeader() {
		return decoded.Badf(decoded.WrongShape, "the record repeats the header: tables were put together with their headers; leave all but the first out")
	}
	size := 0
	for i, column := range t.columns {
		row.Values[i] = nil
		switch field := t.fields[i]; {
		case field.Raw && field.Name == "":
			whole := t.whole()
			size += len(whole)
			row.Values[i] = whole
		case column < 0 || field.Ordered:
		case field.Raw:
			size += len(t.records.fields[column])
			row.Values[i] = plainJSON(string(t.records.fields[column]))
		default:
			size += len(t.records.fields[column])
			row.Values[i] = string(t.records.fields[column])
		}
	}
	return decoded.Bounded(0, size) // A record has no more values than columns, which are bounded.
}

// whole returns the record as an object, its members in the order of the columns.
func (t *table) whole() decoded.JSON {
	dst := []byte{'{'}
	for i, name := range t.names {
		dst = decoded.AppendValue(decoded.AppendName(dst, i, name), string(t.records.fields[i]))
	}
	return decoded.JSON(append(dst, '}'))
}

// isHeader reports whether the values of a record are the names of its columns, of which there are several.
func (t *table) isHeader() bool {
	if len(t.names) < 2 || string(t.records.fields[1]) != t.names[1] {
		return false
	}
	for i, field := range t.records.fields {
		if i == 0 {
			field = bytes.TrimPrefix(field, []byte(byteOrder))
		}
		if string(field) != t.names[i] {
			return false
		}
	}
	return true
}

func quotedNames(names []string) []string {
	quoted := make([]string, 0, len(names))
	for _, name := range names[:min(len(names), namesShown)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return quoted
}
