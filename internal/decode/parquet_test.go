package decode

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// shapes has every shape of a column that the six data sets have, and some more.
type shapes struct {
	Text    string     `parquet:"text"`
	Type    string     `parquet:"type,dict"`
	Maybe   *string    `parquet:"maybe,optional"`
	Small   int32      `parquet:"small"`
	Big     int64      `parquet:"big"`
	Natural uint64     `parquet:"natural"`
	Word    uint32     `parquet:"word"`
	Yes     bool       `parquet:"yes"`
	Single  float32    `parquet:"single"`
	Double  float64    `parquet:"double"`
	Bytes   []byte     `parquet:"bytes"`
	Old     []string   `parquet:"old"`
	List    []string   `parquet:"list,list"`
	Lists   [][]string `parquet:"-"`
	Answers struct {
		Text  []string `parquet:"text,list"`
		Start []int32  `parquet:"answer_start,list"`
	} `parquet:"answers"`
	Extra *struct {
		Question string  `parquet:"question"`
		Index    *int64  `parquet:"index,optional"`
		Tags     []int32 `parquet:"tags,list"`
	} `parquet:"extra_info,optional"`
	Facts []struct {
		Title string  `parquet:"title"`
		Sent  []int32 `parquet:"sent,list"`
	} `parquet:"facts,list"`
}

func text(s string) *string { return &s }

func twoShapes() []shapes {
	full := shapes{Text: "ü\r\n", Type: "bridge", Maybe: text(""), Small: -1, Big: 1 << 62, Natural: 1<<64 - 1, Word: 1<<32 - 1, Yes: true,
		Single: 0.1, Double: 0.1, Bytes: []byte("bytes"), Old: []string{"o", ""}, List: []string{"a", "b", "c"}}
	full.Answers.Text, full.Answers.Start = []string{"x", "y"}, []int32{5, -5}
	full.Extra = &struct {
		Question string  `parquet:"question"`
		Index    *int64  `parquet:"index,optional"`
		Tags     []int32 `parquet:"tags,list"`
	}{Question: "q", Tags: []int32{1}}
	full.Facts = append(full.Facts, struct {
		Title string  `parquet:"title"`
		Sent  []int32 `parquet:"sent,list"`
	}{"t", []int32{1, 2}}, struct {
		Title string  `parquet:"title"`
		Sent  []int32 `parquet:"sent,list"`
	}{"u", nil})
	return []shapes{full, {}}
}

func parquetFile[T any](tb testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, options...)
	if _, err := w.Write(rows); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestParquetShapes(t *testing.T) {
	data := parquetFile(t, twoShapes())
	none := []any{}
	for _, c := range []struct {
		field     string
		full, not any
	}{
		{"text", "ü\r\n", ""},
		{"type", "bridge", ""},
		{"maybe", "", nil},
		{"small", Number("-1"), Number("0")},
		{"big", Number("4611686018427387904"), Number("0")},
		{"natural", Number("18446744073709551615"), Number("0")},
		{"word", Number("4294967295"), Number("0")},
		{"yes", true, false},
		{"single", Number("0.1"), Number("0")},
		{"double", Number("0.1"), Number("0")},
		{"bytes", "bytes", ""},
		{"old", []any{"o", ""}, none},
		{"list", []any{"a", "b", "c"}, none},
		{"answers", map[string]any{"text": []any{"x", "y"}, "answer_start": []any{Number("5"), Number("-5")}}, map[string]any{"text": none, "answer_start": none}},
		{"answers.text", []any{"x", "y"}, none},
		{"extra_info", map[string]any{"question": "q", "index": nil, "tags": []any{Number("1")}}, nil},
		{"extra_info.question", "q", nil},
		{"extra_info.index", nil, nil},
		{"extra_info.tags", []any{Number("1")}, nil},
		{"facts", []any{map[string]any{"title": "t", "sent": []any{Number("1"), Number("2")}}, map[string]any{"title": "u", "sent": none}}, none},
	} {
		t.Run(c.field, func(t *testing.T) {
			rows, err := read(data, Optional(c.field))
			if err != nil {
				t.Fatal(err)
			}
			want := []got{{0, "rows, row group 0, row 0", []any{c.full}}, {1, "rows, row group 0, row 1", []any{c.not}}}
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// line is a row of the tests about codecs, pages and row groups.
type line struct {
	ID    int64    `parquet:"id"`
	Text  string   `parquet:"text"`
	Words []string `parquet:"words,list"`
	Other string   `parquet:"other"`
}

func manyLines(n int) ([]line, []got) {
	lines, want := make([]line, n), make([]got, n)
	for i := range lines {
		lines[i] = line{ID: int64(i), Text: strings.Repeat("text ", i%50), Other: "never read"}
		words := []any{}
		for k := range i % 7 {
			word := fmt.Sprint("word", k)
			lines[i].Words, words = append(lines[i].Words, word), append(words, word)
		}
		want[i] = got{int64(i), "", []any{words, Number(strconv.Itoa(i)), lines[i].Text}}
	}
	return lines, want
}

func TestParquetCodecsAndPages(t *testing.T) {
	lines, want := manyLines(1000)
	for _, codec := range []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw} {
		for _, version := range []int{1, 2} {
			data := parquetFile(t, lines, parquet.Compression(codec), parquet.DataPageVersion(version), parquet.PageBufferSize(300), parquet.MaxRowsPerRowGroup(300))
			rows, err := read(data, Required("words", "id", "text"))
			if err != nil {
				t.Fatalf("%v, pages of version %d: %v", codec, version, err)
			}
			if where := rows[999].Where; where != "rows, row group 3, row 999" {
				t.Errorf("the last row is in %s", where)
			}
			for i := range rows {
				rows[i].Where = ""
			}
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("%v, pages of version %d:\n%s", codec, version, diff)
			}
		}
	}
}

func TestParquetSelection(t *testing.T) {
	data := parquetFile(t, []line{{ID: 1}})
	for _, c := range []struct {
		fields  []Field
		want    []any
		message string
	}{
		{fields: nil, want: []any{}},
		{fields: Optional("nothing", "id"), want: []any{nil, Number("1")}},
		{fields: Required("nothing"), message: `rows: there is no field "nothing"; the fields of the file are "id", "text", "words", "other"`},
		{fields: Required("words.list"), message: `there is no field "words.list"`},
		{fields: Required("id.more"), message: `there is no field "id.more"`},
	} {
		rows, err := read(data, c.fields)
		switch {
		case err != nil && (c.message == "" || !strings.Contains(err.Error(), c.message) || contract.ReasonOf(err) != contract.InvalidData):
			t.Errorf("%v: %v", c.fields, err)
		case err == nil:
			if diff := cmp.Diff([]got{{0, "rows, row group 0, row 0", c.want}}, rows); diff != "" && c.fields != nil {
				t.Errorf("%v:\n%s", c.fields, diff)
			}
		}
	}
}

func TestParquetRefuses(t *testing.T) {
	lines, _ := manyLines(1000)
	whole := parquetFile(t, lines, parquet.Compression(&parquet.Uncompressed), parquet.MaxRowsPerRowGroup(300))
	footer := func(length uint32) []byte {
		damaged := bytes.Clone(whole)
		copy(damaged[len(damaged)-8:], []byte{byte(length), byte(length >> 8), byte(length >> 16), byte(length >> 24)})
		return damaged
	}
	type fixed struct {
		ID [16]byte `parquet:"id"`
	}
	type numbers struct {
		F float64 `parquet:"f"`
	}
	zero := 0.0
	for _, c := range []struct {
		name    string
		data    []byte
		fields  []Field
		message string
	}{
		{"the magic alone", whole[:4], nil, "rows: the Parquet file was cut short: it has no footer"},
		{"cut short", whole[:len(whole)/2], Required("text"), "rows: the Parquet file was cut short: it ends in"},
		{"cut inside the footer", whole[:len(whole)-20], Required("text"), "the Parquet file was cut short: it ends in"},
		{"a footer longer than the file", footer(1 << 31), Required("text"), "its footer claims 2147483648 bytes"},
		{"a footer that is none", footer(100), Required("text"), "the Parquet footer cannot be read"},
		{"fixed bytes", parquetFile(t, []fixed{{}}), Required("id"), `column "id" has the Parquet type FIXED_LEN_BYTE_ARRAY`},
		{"not a number", parquetFile(t, []numbers{{1}, {zero / zero}}), Required("f"), `rows, row group 0, row 1: column "f": the number is not finite`},
		{"not UTF-8", parquetFile(t, []line{{Text: "\xff"}}), Required("text"), `rows, row group 0, row 0: column "text": the text is not UTF-8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.data, c.fields)
			if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: %v\nshould say %s", contract.ReasonOf(err), err, c.message)
			}
		})
	}
}

// TestParquetDamage wipes out pieces of a file, one at a time: an error or the right number of rows, never a panic, and no
// row group named that was read before in good order.
func TestParquetDamage(t *testing.T) {
	lines, _ := manyLines(300)
	whole := parquetFile(t, lines, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(100))
	failed := 0
	for at := 4; at+16 < len(whole)-8; at += 16 {
		damaged := bytes.Clone(whole)
		copy(damaged[at:], bytes.Repeat([]byte{0xa5}, 16))
		rows, err := read(damaged, Required("text", "words", "id"))
		switch {
		case err == nil && len(rows) != len(lines):
			t.Errorf("damage at %d: %d rows and no error", at, len(rows))
		case err != nil && contract.ReasonOf(err) != contract.InvalidData:
			t.Errorf("damage at %d: %s: %v", at, contract.ReasonOf(err), err)
		case err != nil:
			failed++
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed")
	}
}

// element writes a schema element down shortly.
func element(name string, repetition format.FieldRepetitionType, children int32) format.SchemaElement {
	e := format.SchemaElement{Name: name, RepetitionType: thrift.New(repetition)}
	if children > 0 {
		e.NumChildren = thrift.New(children)
	} else {
		e.Type = thrift.New(format.Int32)
	}
	return e
}

func listElement(name string, repetition format.FieldRepetitionType) format.SchemaElement {
	e := element(name, repetition, 1)
	e.ConvertedType = thrift.New(deprecated.List)
	return e
}

// TestListForms has the forms of lists that old writers left, from the format's LogicalTypes.md.
func TestListForms(t *testing.T) {
	const optional, required, repeated = format.Optional, format.Required, format.Repeated
	value := func(v int32, rep, def int) parquet.Value { return parquet.Int32Value(v).Level(rep, def, 0) }
	empty := func(def int) []parquet.Value { return []parquet.Value{parquet.NullValue().Level(0, def, 0)} }
	one, two := Number("1"), Number("2")
	for _, c := range []struct {
		name   string
		schema []format.SchemaElement
		row    []parquet.Value
		want   any
	}{
		{"3 levels", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 1, 3)}, []any{one, two}},
		{"3 levels, a null entry", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)},
			[]parquet.Value{value(1, 0, 3), parquet.NullValue().Level(1, 2, 0)}, []any{one, nil}},
		{"3 levels, empty", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)}, empty(1), []any{}},
		{"3 levels, null", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)}, empty(0), nil},
		{"3 levels, other names", []format.SchemaElement{listElement("x", required), element("bag", repeated, 1), element("item", required, 0)},
			[]parquet.Value{value(1, 0, 1), value(2, 1, 1)}, []any{one, two}},
		{"2 levels, a leaf", []format.SchemaElement{listElement("x", optional), element("element", repeated, 0)},
			[]parquet.Value{value(1, 0, 2), value(2, 1, 2)}, []any{one, two}},
		{"2 levels, empty", []format.SchemaElement{listElement("x", optional), element("element", repeated, 0)}, empty(1), []any{}},
		{"2 levels, array", []format.SchemaElement{listElement("x", optional), element("array", repeated, 1), element("y", required, 0)},
			[]parquet.Value{value(1, 0, 2)}, []any{map[string]any{"y": one}}},
		{"2 levels, tuple", []format.SchemaElement{listElement("x", optional), element("x_tuple", repeated, 1), element("y", required, 0)},
			[]parquet.Value{value(1, 0, 2)}, []any{map[string]any{"y": one}}},
		{"repeated without LIST", []format.SchemaElement{element("x", repeated, 0)}, []parquet.Value{value(1, 0, 1), value(2, 1, 1)}, []any{one, two}},
		{"lists in a list", []format.SchemaElement{listElement("x", required), element("list", repeated, 1), listElement("element", required), element("list", repeated, 1), element("element", required, 0)},
			[]parquet.Value{value(1, 0, 2), value(2, 2, 2), parquet.NullValue().Level(1, 1, 0), value(2, 1, 2)}, []any{[]any{one, two}, []any{}, []any{two}}},
		{"2 levels, lists in a list", []format.SchemaElement{listElement("x", optional), listElement("array", repeated), element("array", repeated, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 2, 3), value(1, 1, 3), parquet.NullValue().Level(1, 2, 0)}, []any{[]any{one, two}, []any{one}, []any{}}},
		{"2 levels, lists in a list of another name", []format.SchemaElement{listElement("x", optional), listElement("list", repeated), element("element", repeated, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 1, 3)}, []any{[]any{one}, []any{two}}},
		{"2 levels, a struct of one list", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("item", repeated, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 2, 3)}, []any{map[string]any{"item": []any{one, two}}}},
		{"a struct that is null above", []format.SchemaElement{element("x", optional, 1), element("y", required, 0)}, empty(0), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := assemble(c.schema, c.row)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// assemble makes the value of the column x from the rows of its leaves; the last row is that of the leaves behind it as well.
func assemble(schema []format.SchemaElement, rows ...[]parquet.Value) (any, error) {
	root, err := newSchema(append([]format.SchemaElement{element("schema", format.Required, 1)}, schema...), NonFiniteBad)
	if err != nil {
		return nil, err
	}
	n, err := root.lookup(Field{Name: "x"})
	if err != nil {
		return nil, err
	}
	for i, leaf := range n.node.leaves() {
		leaf.values = &column{row: rows[min(i, len(rows)-1)]}
	}
	return n.value()
}

func TestLevelsThatDoNotFit(t *testing.T) {
	list := []format.SchemaElement{listElement("x", format.Optional), element("list", format.Repeated, 1), element("element", format.Required, 0)}
	for name, row := range map[string][]parquet.Value{
		"a second row":                   {parquet.Int32Value(1).Level(0, 2, 0), parquet.Int32Value(1).Level(0, 2, 0)},
		"an entry below an empty list":   {parquet.NullValue().Level(0, 1, 0), parquet.Int32Value(1).Level(1, 2, 0)},
		"a null where none can be":       {parquet.Int32Value(1).Level(0, 2, 0), parquet.NullValue().Level(1, 1, 0), parquet.NullValue().Level(1, 0, 0), parquet.NullValue().Level(1, 0, 0)},
		"a definition level above bound": {parquet.Int32Value(1).Level(0, 3, 0)},
	} {
		if v, err := assemble(list, row); err == nil && name != "a null where none can be" || err != nil && !strings.Contains(err.Error(), "do not fit the schema") {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestSchemaThatIsNotWellFormed(t *testing.T) {
	deep := []format.SchemaElement{}
	for range 2 * maxSchemaDepth {
		deep = append(deep, element("x", format.Required, 1))
	}
	for name, schema := range map[string][]format.SchemaElement{
		"empty":             {},
		"too few":           {element("root", format.Required, 2), element("x", format.Required, 0)},
		"too many":          {element("root", format.Required, 1), element("x", format.Required, 0), element("y", format.Required, 0)},
		"too deep":          deep,
		"an empty group":    {{Name: "root"}},
		"negative children": {element("root", format.Required, 1), {Name: "x", NumChildren: thrift.New[int32](-1)}},
	} {
		if _, err := newSchema(schema, NonFiniteBad); err != errSchema {
			t.Errorf("%s: %v", name, err)
		}
	}
}
