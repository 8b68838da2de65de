package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	inside "github.com/datasetmix/datasetmix/internal/decode/parquet"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// TestKeysOfAMap: a path goes on below a MAP by its keys, as it does below an object of JSON.
func TestKeysOfAMap(t *testing.T) {
	type row struct {
		Extra map[string]int32 `parquet:"extra"`
	}
	data := parquetfile.Of(t, []row{{map[string]int32{"level": 5, "page": 2}}, {nil}})
	got, err := read(data, decoded.Optional("extra.level", "extra"))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{decoded.Number("5"), map[string]any{"level": decoded.Number("5"), "page": decoded.Number("2")}}, {nil, map[string]any{}}}
	for i, row := range got {
		if diff := cmp.Diff(want[i], row.Values); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := read(data, decoded.Required("extra.level")); !decoded.IsBad(err) {
		t.Errorf("a required key that is not there: %v", err)
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
		rows, err := read(data, decoded.Optional("yes", "maybe", "list"))
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

// TestFooterOfOtherWriters: what the format lets be absent may be absent, and what nobody reads is not looked at.
func TestFooterOfOtherWriters(t *testing.T) {
	lines, _ := manyLines(3)
	file := parquetfile.Of(t, lines)
	footer, err := inside.ReadFooter(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := inside.TrimFooter(footer, inside.FooterParts)
	if err != nil || len(kept) >= len(footer) {
		t.Fatalf("%d bytes were kept of %d: %v", len(kept), len(footer), err)
	}
	// Behind the row groups, field 4: a list of pairs, one with a key alone; an order of values that nobody knows; field 300.
	more := "\x19\x1c\x18\x04lang\x00" + "\x29\x1c\x9c\x00\x00" + "\x08\xd8\x04\x01x"
	footer = append(bytes.Clone(kept[:len(kept)-1]), more+"\x00"...)
	whole := append(bytes.Clone(file[:len(file)/2]), file[len(file)/2:]...)
	old := binary.LittleEndian.Uint32(whole[len(whole)-inside.FooterTail:])
	whole = append(whole[:len(whole)-inside.FooterTail-int(old)], footer...)
	whole = append(binary.LittleEndian.AppendUint32(whole, uint32(len(footer))), inside.Magic...)
	rows, err := read(whole, decoded.Required("id", "text"))
	if err != nil || len(rows) != 3 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestColumnsElsewhere: the summary that Spark and Dask write beside their files has columns, and no pages of them.
func TestColumnsElsewhere(t *testing.T) {
	lines, _ := manyLines(3)
	file := refooted(t, parquetfile.Of(t, lines), func(meta *format.FileMetaData) {
		for i := range meta.RowGroups[0].Columns {
			meta.RowGroups[0].Columns[i].FilePath = "part-0.parquet"
		}
	})
	if _, err := read(file, decoded.Required("text")); err == nil || !strings.Contains(err.Error(), `its pages are in another file, "part-0.parquet"`) {
		t.Error(err)
	}
}

// TestBinaryColumn: a column of images says that it is one.
func TestBinaryColumn(t *testing.T) {
	type row struct {
		Image []byte `parquet:"image"`
	}
	_, err := read(parquetfile.Of(t, []row{{[]byte("text")}, {[]byte("\x89PNG\r\n")}}), decoded.Required("image"))
	if !decoded.IsBad(err) || !strings.Contains(err.Error(), `row 1: column "image": it is a BYTE_ARRAY that is not marked as text`) {
		t.Error(err)
	}
}

func TestNonFiniteColumns(t *testing.T) {
	type row struct {
		Score  float64   `parquet:"score"`
		Scores []float32 `parquet:"scores,list"`
	}
	zero := float32(0)
	data := parquetfile.Of(t, []row{{1, []float32{1, 1 / zero, zero / zero}}})
	file := inMemory(data)
	file.NonFinite = decoded.NonFiniteNull
	rows, err := readFile(file, decoded.Required("score", "scores"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{decoded.Number("1"), []any{decoded.Number("1"), nil, nil}}, rows[0].Values); diff != "" {
		t.Error(diff)
	}
	if _, err := read(data, decoded.Required("scores")); !decoded.IsBad(err) || !strings.Contains(err.Error(), "set read.nonFinite to Null") {
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
	nulls := parquetfile.Of(t, make([]null, 1_200_000))
	long := strings.Repeat("constant", 4<<10)
	constants := make([]constant, 20_000)
	for i := range constants {
		constants[i] = constant{long, int64(i)}
	}
	repeated := parquetfile.Of(t, constants, parquet.Compression(&parquet.Zstd))
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
		file := inMemory(c.data)
		file.Own = c.own
		rows := 0
		var err error
		for _, failed := range decode.Rows(t.Context(), file, decoded.Optional(c.field)) {
			if err = failed; err == nil {
				rows++
			}
		}
		if decoded.IsBad(err) || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || rows < c.rows {
			t.Errorf("%s: %d rows of %d bytes, %v", c.name, rows, len(c.data), err)
		}
	}
}
