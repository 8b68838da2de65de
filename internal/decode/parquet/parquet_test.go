package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// got is a row as the tests write it down.
type got struct {
	Number int64
	Where  string
	Values []any
}

func inMemory(data []byte) decode.File {
	return decode.File{Name: "rows", Data: bytes.NewReader(data), Size: int64(len(data))}
}

// read collects a file's rows and the error that ended them.
func read(data []byte, fields []decoded.Field) ([]got, error) {
	return readFile(inMemory(data), fields)
}

func readFile(f decode.File, fields []decoded.Field) (out []got, _ error) {
	for row, err := range decode.Rows(context.Background(), f, fields) {
		if err != nil {
			return out, err
		}
		out = append(out, got{row.Number, row.Where(), slices.Clone(row.Values)})
	}
	return out, nil
}

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

func TestParquetShapes(t *testing.T) {
	data := parquetfile.Of(t, twoShapes())
	none := []any{}
	for _, c := range []struct {
		field     string
		full, not any
	}{
		{"text", "ü\r\n", ""},
		{"type", "bridge", ""},
		{"maybe", "", nil},
		{"small", decoded.Number("-1"), decoded.Number("0")},
		{"big", decoded.Number("4611686018427387904"), decoded.Number("0")},
		{"natural", decoded.Number("18446744073709551615"), decoded.Number("0")},
		{"word", decoded.Number("4294967295"), decoded.Number("0")},
		{"yes", true, false},
		{"single", decoded.Number("0.1"), decoded.Number("0")},
		{"double", decoded.Number("0.1"), decoded.Number("0")},
		{"bytes", "bytes", ""},
		{"old", []any{"o", ""}, none},
		{"list", []any{"a", "b", "c"}, none},
		{"answers", map[string]any{"text": []any{"x", "y"}, "answer_start": []any{decoded.Number("5"), decoded.Number("-5")}}, map[string]any{"text": none, "answer_start": none}},
		{"answers.text", []any{"x", "y"}, none},
		{"extra_info", map[string]any{"question": "q", "index": nil, "tags": []any{decoded.Number("1")}}, nil},
		{"extra_info.question", "q", nil},
		{"extra_info.index", nil, nil},
		{"extra_info.tags", []any{decoded.Number("1")}, nil},
		{"facts", []any{map[string]any{"title": "t", "sent": []any{decoded.Number("1"), decoded.Number("2")}}, map[string]any{"title": "u", "sent": none}}, none},
	} {
		t.Run(c.field, func(t *testing.T) {
			rows, err := read(data, decoded.Optional(c.field))
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
		want[i] = got{int64(i), "", []any{words, decoded.Number(strconv.Itoa(i)), lines[i].Text}}
	}
	return lines, want
}

func TestParquetCodecsAndPages(t *testing.T) {
	lines, want := manyLines(1000)
	for _, codec := range []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw} {
		for _, version := range []int{1, 2} {
			data := parquetfile.Of(t, lines, parquet.Compression(codec), parquet.DataPageVersion(version), parquet.PageBufferSize(300), parquet.MaxRowsPerRowGroup(300))
			rows, err := read(data, decoded.Required("words", "id", "text"))
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
	data := parquetfile.Of(t, []line{{ID: 1}})
	for _, c := range []struct {
		fields  []decoded.Field
		want    []any
		message string
	}{
		{fields: nil, want: []any{}},
		{fields: decoded.Optional("nothing", "id"), want: []any{nil, decoded.Number("1")}},
		{fields: decoded.Required("nothing"), message: `rows: there is no field "nothing"; the fields of the file are "id", "text", "words", "other"`},
		{fields: decoded.Required("words.list"), message: `there is no field "words.list"`},
		{fields: decoded.Required("id.more"), message: `there is no field "id.more"`},
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
	whole := parquetfile.Of(t, lines, parquet.Compression(&parquet.Uncompressed), parquet.MaxRowsPerRowGroup(300))
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
		fields  []decoded.Field
		message string
	}{
		{"the magic alone", whole[:4], nil, "rows: the Parquet file was cut short: it has no footer"},
		{"cut short", whole[:len(whole)/2], decoded.Required("text"), "rows: the Parquet file was cut short: it ends in"},
		{"cut inside the footer", whole[:len(whole)-20], decoded.Required("text"), "the Parquet file was cut short: it ends in"},
		{"a footer longer than the file", footer(1 << 31), decoded.Required("text"), "its footer claims 2147483648 bytes"},
		{"a footer that is none", footer(100), decoded.Required("text"), "the Parquet footer cannot be read"},
		{"fixed bytes", parquetfile.Of(t, []fixed{{}}), decoded.Required("id"), `column "id" has the Parquet type FIXED_LEN_BYTE_ARRAY`},
		{"not a number", parquetfile.Of(t, []numbers{{1}, {zero / zero}}), decoded.Required("f"), `rows, row group 0, row 1: column "f": the number is not finite`},
		{"not UTF-8", parquetfile.Of(t, []line{{Text: "\xff"}}), decoded.Required("text"), `rows, row group 0, row 0: column "text": the text is not UTF-8`},
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
	whole := parquetfile.Of(t, lines, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(100))
	failed := 0
	for at := 4; at+16 < len(whole)-8; at += 16 {
		damaged := bytes.Clone(whole)
		copy(damaged[at:], bytes.Repeat([]byte{0xa5}, 16))
		rows, err := read(damaged, decoded.Required("text", "words", "id"))
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
