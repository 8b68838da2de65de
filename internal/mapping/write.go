package mapping

import (
	"slices"
	"strconv"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Writer makes the lines of a data set's rows. They are those of Map and AppendJSON to the byte, and the digests are the same, but there
// is no record in between: what a row says goes from its values into the line, and a text that is in JSON as it is goes there without another
// look at it. A Writer reuses its memory, so only one goroutine may use it.
type Writer struct {
	mapping *mapping
	// What comes before the number of a row, before its question, and before its original id.
	id, question, original []byte
	// What comes before the value of each member of the metadata.
	members [][]byte

	row     rowValue
	message []byte
	spans   []memberSpan
	entries []record.Entry
}

// memberSpan is where the value of a member of the metadata is in the line.
type memberSpan struct{ member, start, end int }

// Said is the content of a row that rows are compared by. Its texts are valid until the next row, and no longer than the values of the
// row.
type Said struct {
	Question, ReferenceAnswer, AnswerType string
	// Group keeps rows together; it is the question where the mapping has no other.
	Group string
	// Digests are those of the record.
	Digests record.Digests
	// Kept are the members of the source's row that are kept.
	Kept []record.Entry
	// Rest is where, in the line of the row, the members behind its texts begin.
	Rest int
}

// NewWriter makes a writer of the rows of a data set. m is what Compile gave.
func NewWriter(m Mapping, dataset, domain string) *Writer {
	w := &Writer{mapping: m.(*mapping)}
	name := []byte(record.StringOf(dataset))
	w.id = append(append([]byte(`{"id":`), name[:len(name)-1]...), '_')
	w.question = append(append([]byte(`","dataset":`), name...), `,"domain":`...)
	w.question = append(append(w.question, record.StringOf(domain)...), `,"question":`...)
	w.original = append(append([]byte(`,"metadata":{"source":`), name...), `,"original_id":`...)
	before := func(name string) []byte { return append(jsonscan.AppendString([]byte{','}, name), ':') }
	for _, k := range w.mapping.metadata {
		w.members = append(w.members, before(k.name))
	}
	return w
}

// Row appends the line of a row, without its line end. The errors are those of Mapping.Map, and then nothing is appended.
func (w *Writer) Row(line []byte, row decoded.Row, number int64) (Said, []byte, error) {
	values := &w.row
	if err := w.mapping.take(values, row); err != nil {
		return Said{}, line, err
	}
	content, err := w.mapping.texts(values)
	if err != nil {
		return Said{}, line, row.Failf("%w", err)
	}
	whole := line
	line = strconv.AppendInt(append(line, w.id...), number, 10)
	line = w.mapping.question.appendText(append(line, w.question...), content.Question, values)
	line = w.mapping.answer.appendText(append(line, `,"reference_answer":`...), content.ReferenceAnswer, values)
	line = jsonscan.AppendString(append(line, `,"answer_type":`...), content.AnswerType)
	rest := len(line) + len(",") - len(whole)
	line = append(line, w.original...)
	if content.OriginalID != "" {
		line = w.mapping.original.appendText(line, content.OriginalID, values)
	} else {
		line = append(strconv.AppendInt(append(line, '"'), number, 10), '"')
	}
	if line, err = w.appendMembers(line, values); err != nil {
		return Said{}, whole, row.Failf("%w", err)
	}
	line = append(line, '}')
	w.entries = w.mapping.keep(values, w.entries[:0])
	for _, e := range w.entries {
		line = append(append(jsonscan.AppendString(append(line, ','), e.Key), ':'), e.Value...)
	}
	line = append(line, '}')
	said := Said{Question: content.Question, ReferenceAnswer: content.ReferenceAnswer, AnswerType: content.AnswerType, Group: content.Group, Kept: w.entries, Rest: rest}
	if said.Group == "" {
		said.Group = said.Question
	}
	said.Digests = w.digests(line, &content)
	return said, line, nil
}

// appendMembers appends the members of the metadata, and records the places of their values.
func (w *Writer) appendMembers(line []byte, row *rowValue) (_ []byte, err error) {
	w.spans = w.spans[:0]
	for i := range w.mapping.metadata {
		before := len(line)
		line = append(line, w.members[i]...)
		start := len(line)
		if line, err = w.mapping.metadata[i].appendValue(line, row); err != nil {
			return line, err
		}
		if len(line) == start {
			line = line[:before]
			continue
		}
		w.spans = append(w.spans, memberSpan{i, start, len(line)})
	}
	return line, nil
}

// appendValue appends the member's value for a row, nothing where the row has none.
func (k *member) appendValue(line []byte, row *rowValue) ([]byte, error) {
	if k.text >= 0 {
		if text, ok := row.values[k.text].(decoded.JSON); ok {
			if written, err := jsontext.AppendFormat(line, []byte(text)); err == nil {
				return written, nil
			}
		}
	}
	v, err := k.value.value(row)
	if v == nil || err != nil {
		return line, err
	}
	if text, ok := v.(string); ok {
		return k.value.appendText(line, text, row), nil
	}
	return decoded.AppendValue(line, v), nil
}

// digests returns those of the record of a line.
func (w *Writer) digests(line []byte, content *Content) (d record.Digests) {
	message := d.Begin(w.message[:0], content.Question, content.ReferenceAnswer, content.AnswerType)
	for _, s := range w.spans {
		message = record.AppendSized(record.AppendSized(message, w.mapping.metadata[s.member].name), line[s.start:s.end])
	}
	message = record.AppendKept(message, w.entries)
	d.End(message)
	w.message = message
	return d
}

// part is a piece of a text: a field of the row, or a constant and what it is in JSON.
type part struct {
	field          int
	constant, text string
}

// partsOf returns the pieces that an expression joins, nil if it does anything else. The JSON of a joined text is the joined JSON of its
// pieces.
func (c *compiler) partsOf(e ast.Expr) (parts []part) {
	for _, addend := range addends(e) {
		if addend.Kind() == ast.LiteralKind {
			text, ok := addend.AsLiteral().(types.String)
			if !ok {
				return nil
			}
			quoted := record.StringOf(string(text))
			parts = append(parts, part{-1, string(text), string(quoted[1 : len(quoted)-1])})
			continue
		}
		p := c.direct(addend)
		if p == nil || len(p.fields) != 1 || len(p.below) > 0 || p.fields[0] >= maxPlain {
			return nil
		}
		parts = append(parts, part{field: p.fields[0]})
	}
	return parts
}

// maxPlain is the most fields of a row that decoded.Row.Plain has bits for.
const maxPlain = 64

// joined returns the text that an expression puts together of several plain pieces, and reports whether it does.
func (x *expression) joined(row *rowValue) (string, bool) {
	if len(x.parts) < 2 || x.fields&^row.plain != 0 {
		return "", false
	}
	size := 0
	for _, p := range x.parts {
		size += len(p.of(row))
	}
	from := len(row.joined)
	row.joined = slices.Grow(row.joined, size)
	for _, p := range x.parts {
		row.joined = append(row.joined, p.of(row)...)
	}
	return unsafe.String(unsafe.SliceData(row.joined[from:]), size), size <= language.MaxText
}

// of returns the piece of a row. A field that is plain is a string.
func (p *part) of(row *rowValue) string {
	if p.field < 0 {
		return p.constant
	}
	text, _ := row.values[p.field].(string)
	return text
}

// appendText appends a text that the expression gave for a row, as JSON. An answer of nothing but white space may have become none.
func (x *expression) appendText(line []byte, text string, row *rowValue) []byte {
	if text == "" || x == nil || x.parts == nil || x.fields&^row.plain != 0 {
		return jsonscan.AppendString(line, text)
	}
	line = append(line, '"')
	for _, p := range x.parts {
		if p.field < 0 {
			line = append(line, p.text...)
			continue
		}
		line = append(line, p.of(row)...)
	}
	return append(line, '"')
}
