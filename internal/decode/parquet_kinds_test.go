package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

func marked(e format.SchemaElement, mark deprecated.ConvertedType) format.SchemaElement {
	e.ConvertedType = thrift.New(mark)
	return e
}

func textElement(name string, repetition format.FieldRepetitionType) format.SchemaElement {
	return format.SchemaElement{Name: name, RepetitionType: thrift.New(repetition), Type: thrift.New(format.ByteArray), ConvertedType: thrift.New(deprecated.UTF8)}
}

// TestMapForms has a MAP under the names that writers give its parts: the same object for the same pairs.
func TestMapForms(t *testing.T) {
	const optional, required, repeated = format.Optional, format.Required, format.Repeated
	key := func(k string, rep int) parquet.Value { return parquet.ByteArrayValue([]byte(k)).Level(rep, 2, 0) }
	number := func(v int32, rep, def int) parquet.Value { return parquet.Int32Value(v).Level(rep, def, 0) }
	null := func(rep, def int) parquet.Value { return parquet.NullValue().Level(rep, def, 0) }
	outer := marked(element("x", optional, 1), deprecated.Map)
	pairs := func(name string) []format.SchemaElement {
		return []format.SchemaElement{outer, element(name, repeated, 2), textElement("key", required), element("value", optional, 0)}
	}
	two := [][]parquet.Value{{key("a", 0), key("b", 1)}, {number(1, 0, 3), null(1, 2)}}
	want := map[string]any{"a": Number("1"), "b": nil}
	old := pairs("map")
	old[0], old[1] = marked(element("x", optional, 1), deprecated.MapKeyValue), marked(old[1], deprecated.MapKeyValue)
	logical := pairs("key_value")
	logical[0].ConvertedType, logical[0].LogicalType = thrift.Null[deprecated.ConvertedType]{}, format.LogicalType{Value: &format.MapType{}}
	named := pairs("entries")
	named[2].Name, named[3].Name = "k", "v"
	for _, c := range []struct {
		name   string
		schema []format.SchemaElement
		rows   [][]parquet.Value
		want   any
		err    string
	}{
		{"key_value", pairs("key_value"), two, want, ""},
		{"map", pairs("map"), two, want, ""},
		{"entries", pairs("entries"), two, want, ""},
		{"other names of key and value", named, two, want, ""},
		{"marked as old writers do", old, two, want, ""},
		{"marked by the logical type alone", logical, two, want, ""},
		{"empty", pairs("key_value"), [][]parquet.Value{{null(0, 1)}}, map[string]any{}, ""},
		{"null", pairs("key_value"), [][]parquet.Value{{null(0, 0)}}, nil, ""},
		{"keys without values", []format.SchemaElement{outer, element("key_value", repeated, 1), textElement("key", required)}, two[:1], map[string]any{"a": nil, "b": nil}, ""},
		{"keys that are numbers", []format.SchemaElement{outer, element("key_value", repeated, 2), element("key", required, 0), element("value", required, 0)},
			[][]parquet.Value{{number(7, 0, 2), number(-1, 1, 2)}}, map[string]any{"7": Number("7"), "-1": Number("-1")}, ""},
		{"lists of pairs in a MAP", []format.SchemaElement{outer, element("key_value", repeated, 2), textElement("key", required), listElement("value", required), element("list", repeated, 1), element("element", required, 0)},
			[][]parquet.Value{two[0], {number(1, 0, 3), number(2, 2, 3), null(1, 2)}}, map[string]any{"a": []any{Number("1"), Number("2")}, "b": []any{}}, ""},
		{"a key twice", pairs("key_value"), [][]parquet.Value{{key("a", 0), key("a", 1)}, {number(1, 0, 3), number(2, 1, 3)}}, nil, `the key "a" is twice in the MAP`},
		{"a key that is null", []format.SchemaElement{outer, element("key_value", repeated, 2), textElement("key", optional), element("value", required, 0)},
			[][]parquet.Value{{null(0, 2)}, {number(1, 0, 2)}}, nil, "a key of the MAP is null"},
		{"keys that are structs", []format.SchemaElement{outer, element("key_value", repeated, 2), element("key", required, 1), textElement("name", required), element("value", required, 0)},
			nil, nil, `column "x" is marked as a MAP and has no repeated pairs of a plain key`},
		{"of three columns", []format.SchemaElement{outer, element("key_value", repeated, 3), element("key", required, 0), element("value", required, 0), element("more", required, 0)},
			nil, nil, `column "x" is marked as a MAP`},
		{"that is not repeated", []format.SchemaElement{outer, element("key_value", optional, 2), element("key", required, 0), element("value", required, 0)}, nil, nil, `column "x" is marked as a MAP`},
		{"a LIST that is not repeated", []format.SchemaElement{listElement("x", optional), element("list", optional, 1), element("element", required, 0)}, nil, nil, `column "x" is marked as a LIST`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := assemble(c.schema, c.rows...)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v\nshould say %s", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// TestKeysOfAMap: a path goes on below a MAP by its keys, as it does below an object of JSON.
func TestKeysOfAMap(t *testing.T) {
	type row struct {
		Extra map[string]int32 `parquet:"extra"`
	}
	data := parquetFile(t, []row{{map[string]int32{"level": 5, "page": 2}}, {nil}})
	got, err := read(data, Optional("extra.level", "extra"))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{Number("5"), map[string]any{"level": Number("5"), "page": Number("2")}}, {nil, map[string]any{}}}
	for i, row := range got {
		if diff := cmp.Diff(want[i], row.Values); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := read(data, Required("extra.level")); !isBad(err) {
		t.Errorf("a required key that is not there: %v", err)
	}
}

// TestTypesOfGroups: what a group is marked as is looked at before what is in it.
func TestTypesOfGroups(t *testing.T) {
	variant := element("x", format.Optional, 2)
	variant.LogicalType = format.LogicalType{Value: &format.VariantType{}}
	bytes := format.SchemaElement{RepetitionType: thrift.New(format.Required), Type: thrift.New(format.ByteArray)}
	metadata, value := bytes, bytes
	metadata.Name, value.Name = "metadata", "value"
	twice := []format.SchemaElement{element("root", format.Required, 2), element("x", format.Required, 0), element("x", format.Required, 0)}
	for _, c := range []struct {
		name, field string
		schema      []format.SchemaElement
		want        string
	}{
		{"VARIANT", "x", []format.SchemaElement{element("root", format.Required, 1), variant, metadata, value}, `column "x" has the Parquet type VARIANT`},
		{"a part of a VARIANT", "x.value", []format.SchemaElement{element("root", format.Required, 1), variant, metadata, value}, `column "x" has the Parquet type VARIANT`},
		{"a VARIANT in a struct", "y", []format.SchemaElement{element("root", format.Required, 1), element("y", format.Optional, 1), variant, metadata, value}, `column "y.x" has the Parquet type VARIANT`},
		{"two columns of a name", "x", twice, `column "x" is there twice`},
		{"two fields of a name in a struct", "y", append([]format.SchemaElement{element("root", format.Required, 1), element("y", format.Required, 2)}, twice[1:]...), `column "y.x" is there twice`},
	} {
		root, err := newSchema(c.schema, NonFiniteBad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := root.lookup(Field{Name: c.field}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestBooleansInRuns has what Arrow 23 wrote, with pages of version 1 and 2: runs that do not fill their bytes, and packed bits
// between them. The library reads them wrong.
func TestBooleansInRuns(t *testing.T) {
	value := func(i int) bool { return i < 300 || i < 700 && i%37 < 20 || i >= 700 && i%3 == 0 }
	for _, version := range []string{"v1", "v2"} {
		data, err := os.ReadFile(filepath.Join("testdata", "booleans-in-runs-"+version+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := read(data, Optional("yes", "maybe", "list"))
		if err != nil || len(rows) != 1001 {
			t.Fatal(len(rows), err)
		}
		for i, row := range rows {
			want := []any{value(i), value(i), []any{}}
			if i%11 == 0 {
				want[1] = nil
			}
			for k := i; k < min(i+i%4, 1001); k++ {
				want[2] = append(want[2].([]any), value(k))
			}
			if diff := cmp.Diff(want, row.Values); diff != "" {
				t.Fatalf("%s, row %d:\n%s", version, i, diff)
			}
		}
	}
}

// TestRunsOfBits holds the bits to their bounds.
func TestRunsOfBits(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []byte
		most int
		want []byte
		ok   bool
	}{
		{"nothing", nil, 0, nil, true},
		{"a run of true and one of false", []byte{5 << 1, 1, 4 << 1, 0}, 9, []byte{0x1f, 0}, true},
		{"packed bits behind a run", []byte{3 << 1, 1, 1<<1 | 1, 0xa5}, 11, []byte{0x2f, 0x05}, true},
		{"more than there may be", []byte{6 << 1, 1}, 5, nil, false},
		{"more packed bits than there may be", []byte{1<<1 | 1, 1}, 7, nil, false},
		{"cut short", []byte{5 << 1}, 5, nil, false},
		{"packed bits that are cut short", []byte{2<<1 | 1, 1}, 16, nil, false},
		{"a length without an end", []byte{0x80}, 5, nil, false},
	} {
		got, err := appendBits(nil, c.runs, c.most)
		if (err == nil) != c.ok || err == nil && !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, %v", c.name, got, err)
		}
	}
}

// TestPageThatSaysItIsNotPacked: the flag of a page of version 2 counts where the sizes agree with it.
func TestPageThatSaysItIsNotPacked(t *testing.T) {
	leaf, plain := requiredText(t), []byte(strings.Repeat("\x05\x00\x00\x00hello", 4))
	packed := snappy.Encode(nil, plain)
	for _, c := range []struct {
		name  string
		codec format.CompressionCodec
		body  []byte
		claim int
		ok    bool
	}{
		{"and is not", format.Snappy, plain, len(plain), true},
		{"and is, as its sizes say", format.Snappy, packed, len(plain), true},
		{"and is of another size than it claims", format.Snappy, packed, len(plain) - 4, false},
		{"and is longer than it claims, without a codec", format.Uncompressed, plain, len(plain) - 9, false},
	} {
		header := format.PageHeader{Type: format.DataPageV2, CompressedPageSize: int32(len(c.body)), UncompressedPageSize: int32(c.claim),
			DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{NumValues: 4, NumRows: 4, IsCompressed: thrift.New(false)})}
		page := pageBytes(t, header) + string(c.body)
		r, err := newPageReader(strings.NewReader(page), int64(len(page)), &format.ColumnMetaData{Codec: c.codec, TotalCompressedSize: int64(len(page))}, leaf)
		if err != nil {
			t.Fatal(err)
		}
		err = r.turn()
		if (err == nil) != c.ok || c.ok && !bytes.Equal(r.body, plain) {
			t.Errorf("a page that says it is not packed %s: %v", c.name, err)
		}
	}
}

// TestFooterOfOtherWriters: what the format lets be absent may be absent, and what nobody reads is not looked at.
func TestFooterOfOtherWriters(t *testing.T) {
	lines, _ := manyLines(3)
	file := parquetFile(t, lines)
	footer, err := readFooter(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := trimFooter(footer, footerParts)
	if err != nil || len(kept) >= len(footer) {
		t.Fatalf("%d bytes were kept of %d: %v", len(kept), len(footer), err)
	}
	// Behind the row groups, field 4: a list of pairs, one with a key alone; an order of values that nobody knows; field 300.
	more := "\x19\x1c\x18\x04lang\x00" + "\x29\x1c\x9c\x00\x00" + "\x08\xd8\x04\x01x"
	footer = append(bytes.Clone(kept[:len(kept)-1]), more+"\x00"...)
	whole := append(bytes.Clone(file[:len(file)/2]), file[len(file)/2:]...)
	old := binary.LittleEndian.Uint32(whole[len(whole)-footerTail:])
	whole = append(whole[:len(whole)-footerTail-int(old)], footer...)
	whole = append(binary.LittleEndian.AppendUint32(whole, uint32(len(footer))), magicParquet...)
	rows, err := read(whole, Required("id", "text"))
	if err != nil || len(rows) != 3 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestColumnsElsewhere: the summary that Spark and Dask write beside their files has columns, and no pages of them.
func TestColumnsElsewhere(t *testing.T) {
	lines, _ := manyLines(3)
	file := refooted(t, parquetFile(t, lines), func(meta *format.FileMetaData) {
		for i := range meta.RowGroups[0].Columns {
			meta.RowGroups[0].Columns[i].FilePath = "part-0.parquet"
		}
	})
	if _, err := read(file, Required("text")); err == nil || !strings.Contains(err.Error(), `its pages are in another file, "part-0.parquet"`) {
		t.Error(err)
	}
}

// TestBinaryColumn: a column of images says that it is one.
func TestBinaryColumn(t *testing.T) {
	type row struct {
		Image []byte `parquet:"image"`
	}
	_, err := read(parquetFile(t, []row{{[]byte("text")}, {[]byte("\x89PNG\r\n")}}), Required("image"))
	if !isBad(err) || !strings.Contains(err.Error(), `row 1: column "image": it is a BYTE_ARRAY that is not marked as text`) {
		t.Error(err)
	}
}

func TestNonFiniteColumns(t *testing.T) {
	type row struct {
		Score  float64   `parquet:"score"`
		Scores []float32 `parquet:"scores,list"`
	}
	zero := float32(0)
	data := parquetFile(t, []row{{1, []float32{1, 1 / zero, zero / zero}}})
	file := memory(data)
	file.NonFinite = NonFiniteNull
	rows, err := readFile(file, Required("score", "scores"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{Number("1"), []any{Number("1"), nil, nil}}, rows[0].Values); diff != "" {
		t.Error(diff)
	}
	if _, err := read(data, Required("scores")); !isBad(err) || !strings.Contains(err.Error(), "set read.nonFinite to Null") {
		t.Error(err)
	}
}

// TestWhatParquetUnpacksTo: a file is refused when it is more than rows of text can be, and not before.
func TestWhatParquetUnpacksTo(t *testing.T) {
	type null struct {
		Text *string `parquet:"text,optional"`
	}
	type constant struct {
		Text string `parquet:"text,dict"`
		ID   int64  `parquet:"id"`
	}
	nulls := parquetFile(t, make([]null, 1_200_000))
	long := strings.Repeat("constant", 4<<10)
	constants := make([]constant, 20_000)
	for i := range constants {
		constants[i] = constant{long, int64(i)}
	}
	repeated := parquetFile(t, constants, parquet.Compression(&parquet.Zstd))
	for _, c := range []struct {
		name, field string
		data        []byte
		own         bool
		rows        int
		want        string
	}{
		{"rows of nothing", "text", nulls, false, 0, fmt.Sprintf("the file claims 1200000 rows in %d bytes", len(nulls))},
		{"a long text over and over", "text", repeated, false, 8000, "the file has unpacked to more than"},
		{"another column of that file", "id", repeated, false, 20_000, ""},
		{"a file of our own", "text", repeated, true, 20_000, ""},
	} {
		file := memory(c.data)
		file.Own = c.own
		rows := 0
		var err error
		for _, failed := range Rows(t.Context(), file, Optional(c.field)) {
			if err = failed; err == nil {
				rows++
			}
		}
		if isBad(err) || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || rows < c.rows {
			t.Errorf("%s: %d rows of %d bytes, %v", c.name, rows, len(c.data), err)
		}
	}
}

// TestParquetBudget has the sizes of files that are read: none is refused for what all its rows have in common.
func TestParquetBudget(t *testing.T) {
	for _, c := range []struct {
		name             string
		size, rows, text int64
		ok               bool
	}{
		{"a small file with a prompt of 100 kB in each row", 200_000, 2000, 100_000, true},
		{"a million rows with a prompt of 20 kB beside questions of 40 packed bytes", 40_000_000, 1_000_000, 20_000, true},
		{"a million rows of 5 packed bytes", 5_000_000, 1_000_000, 500, true},
		{"34 GB from 394 kB", 394_000, 1_000_000, 32 << 10, false},
		{"30 million rows from 878 bytes", 878, 30_000_000, 0, false},
	} {
		b := newBudget(File{Size: c.size})
		err := b.rows([]format.RowGroup{{NumRows: c.rows}})
		column := []*column{{row: make([]parquet.Value, 1), texts: int(c.text)}}
		for i := int64(0); i < c.rows && err == nil; i++ {
			err = b.row(column)
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	b := newBudget(File{Size: 100})
	for _, rows := range []int64{-1, 1 << 62} {
		if err := b.rows([]format.RowGroup{{NumRows: rows}, {NumRows: 1 << 62}}); err == nil {
			t.Errorf("%d rows are not refused", rows)
		}
	}
}

// TestLargeRowsOfParquet: one row may not take the memory of all; the rows next to it are read.
func TestLargeRowsOfParquet(t *testing.T) {
	type row struct {
		Text  string  `parquet:"text"`
		List  []int32 `parquet:"list,list"`
		Other []int32 `parquet:"other,list"`
	}
	data := parquetFile(t, []row{{Text: "a"}, {List: make([]int32, maxValues+1)}, {List: make([]int32, maxValues/2), Other: make([]int32, maxValues/2)}, {Text: strings.Repeat("x", maxKept+1)}, {Text: "b"}}, parquet.DataPageStatistics(false))
	readOn(data, Required("text", "list", "other")).check(t, []string{"a", "too-long row group 0, row 1", "too-long row group 0, row 2", "too-long row group 0, row 3", "b"}, "")
	readOn(data, Required("text", "list")).check(t, []string{"a", "too-long row group 0, row 1", "", "too-long row group 0, row 3", "b"}, "")
}

// TestLargeRowsOfJSON: what is wanted of a row has bounds, in lines and in arrays, and the rows next to it are read.
func TestLargeRowsOfJSON(t *testing.T) {
	long := func(n int, entry string) string { return strings.TrimSuffix(strings.Repeat(entry+",", n), ",") }
	var names strings.Builder
	for i := range maxNames + 10 {
		fmt.Fprintf(&names, `,"%d":1`, i)
	}
	rows := []string{`{"a":"x"}`, `{"a":[` + long(maxValues+1, "1") + `]}`, `{"b":[` + long(maxValues+1, "1") + `],"a":"y"}`, `{"a":{"k":[` + long(maxValues/2+1, "{}") + `]}}`,
		`{"a":"` + strings.Repeat("z", maxKept+1) + `"}`, `{"a":"w","b":{"c":1` + names.String() + `}}`, `{"a":["` + strings.Repeat(",", 2*maxValues) + `"]}`, `{"a":"v"}`}
	want := func(place string) []string {
		out := []string{"x", "too-long", "y", "too-long", "too-long", "too-long", "", "v"}
		for i := range out {
			if out[i] == "too-long" {
				out[i] += fmt.Sprintf(place, i+1)
			}
		}
		return out
	}
	readOn([]byte(strings.Join(rows, "\n")), Required("a")).check(t, want(" line %d"), "")
	readOn([]byte("["+strings.Join(rows, ",\n")+"]"), Required("a")).check(t, want(" element %d of the array"), "")
}

// TestNamesTwiceInArrays: an element with a name twice is one bad row, and in SQuAD ends the file, as anything above a question does.
func TestNamesTwiceInArrays(t *testing.T) {
	readOn([]byte(`[{"a":"x"},{"a":"y","b":{"c":1,"c":2}},{"a":"z"}]`), Required("a")).check(t, []string{"x", "duplicate-name element 2 of the array", "z"}, "")
	file := memory([]byte(`{"d":{"r":[{"a":"x"}],"r":[{"a":"y"}]}}`))
	file.Path = []string{"d", "r"}
	collect(file, Required("a")).check(t, []string{"x"}, `there are two "d.r" in the file`)
	readOn([]byte(`{"data":[{"paragraphs":[{"context":"c","qas":[{"question":"q"}]}]},{"title":"t","title":"u","paragraphs":[]}]}`), Required("question")).check(t, []string{"q"}, "duplicate object member name")
	readOn([]byte(`[{"a":"x"},{"a":"y","b":NaN}]`), Required("a")).check(t, []string{"x"}, "as NaN and Infinity begin")
}
