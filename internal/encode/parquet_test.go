package encode

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

func metadata(t *testing.T, file []byte) *parquet.File {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSchema holds what docs/format.md says of the columns.
func TestSchema(t *testing.T) {
	f := metadata(t, write(t, recipe.Parquet, corpus(10)))
	const want = `message row {
	required binary id (STRING);
	required binary dataset (STRING);
	required binary domain (STRING);
	required binary question (STRING);
	required binary reference_answer (STRING);
	required binary answer_type (STRING);
	required binary metadata (STRING);
}`
	if diff := cmp.Diff(want, f.Schema().String()); diff != "" {
		t.Error(diff)
	}
	if got := f.Metadata().CreatedBy; got != createdBy {
		t.Errorf("created by %q", got)
	}
	if got := f.Metadata().KeyValueMetadata; len(got) > 0 {
		t.Errorf("metadata of the file: %v", got)
	}
	for i, column := range f.Metadata().RowGroups[0].Columns {
		if got := columns[i]; got != strings.Join(column.MetaData.PathInSchema, ".") {
			t.Errorf("column %d is %v, not %s", i, column.MetaData.PathInSchema, got)
		}
		if dictionary := column.MetaData.DictionaryPageOffset > 0; dictionary != (i == 1 || i == 2 || i == 5) {
			t.Errorf("column %s has a dictionary: %t", columns[i], dictionary)
		}
		if column.MetaData.BloomFilterOffset > 0 {
			t.Errorf("column %s has a bloom filter", columns[i])
		}
	}
}

// TestRowGroups cuts groups by the bytes of their lines, and gives a longer row one of its own.
func TestRowGroups(t *testing.T) {
	line := func(bytes int) string {
		frame := len(lineOf(record.Record{}))
		return lineOf(record.Record{Question: strings.Repeat("x", bytes-frame)})
	}
	const quarter = groupBytes / 4
	for _, c := range []struct {
		name  string
		bytes []int
		want  []int64
	}{
		{"none", nil, nil},
		{"one", []int{quarter}, []int64{1}},
		{"just full", []int{quarter, quarter, quarter, quarter}, []int64{4}},
		{"a byte more", []int{quarter, quarter, quarter, quarter + 1}, []int64{3, 1}},
		{"a long row", []int{200, groupBytes + 1, 200, 200}, []int64{1, 1, 2}},
		{"a long row first", []int{groupBytes + 1, 200}, []int64{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			for _, n := range c.bytes {
				lines = append(lines, line(n))
			}
			var got []int64
			for _, group := range metadata(t, write(t, recipe.Parquet, lines)).RowGroups() {
				got = append(got, group.NumRows())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPagesHaveBounds: a page index without bounds would tell Spark and DataFusion that no row matches.
func TestPagesHaveBounds(t *testing.T) {
	lines := corpus(3000)
	f := metadata(t, write(t, recipe.Parquet, lines))
	pages := 0
	for i, chunk := range f.RowGroups()[0].ColumnChunks() {
		index, err := chunk.ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		pages += index.NumPages()
		for page := range index.NumPages() {
			if low, high := index.MinValue(page).String(), index.MaxValue(page).String(); low == "" && columns[i] != "reference_answer" || high == "" {
				t.Errorf("column %s, page %d: from %q to %q", columns[i], page, low, high)
			}
		}
	}
	if pages <= len(columns) {
		t.Errorf("%d pages, so that none was closed by its size", pages)
	}
}

// TestRecordsThatWereNotPublished are in files that another program might write.
func TestRecordsThatWereNotPublished(t *testing.T) {
	const notPublished = "the line is not a unified record as it is published"
	for _, c := range []struct {
		name string
		row  row
		want string
	}{
		{"metadata with a space", row{Metadata: `{"a": 1}`}, notPublished},
		{"metadata that is no object", row{Metadata: `[]`}, notPublished},
		{"no metadata", row{Metadata: ``}, notPublished},
		{"metadata that goes on", row{Metadata: `{"a":1}}`}, notPublished},
		{"metadata that closes the row and opens another", row{Metadata: "{}}\n{\"id\":\"\""}, notPublished},
		{"an escape too many", row{Metadata: `{"a":"\u0041"}`}, notPublished},
		{"a key twice", row{Metadata: `{"a":1,"a":2}`}, notPublished},
		{"a question that is not UTF-8", row{Question: "\xff", Metadata: `{}`}, "UTF-8"},
		{"metadata that is not UTF-8", row{Metadata: "{\"a\":\"\xff\"}"}, "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			w := parquet.NewGenericWriter[row](&out, parquet.Compression(&parquet.Zstd))
			if _, err := w.Write([]row{{Metadata: "{}"}, c.row}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := read(t, recipe.Parquet, out.Bytes())
			if err == nil || !strings.Contains(err.Error(), c.want) || len(got) != 1 {
				t.Errorf("%d rows, %v", len(got), err)
			}
			if reason := new(contract.Failure); errors.As(err, &reason) {
				t.Errorf("the error has the reason %s, which is the caller's to give", reason.Reason)
			}
		})
	}
}

func TestLinesThatWereNotPublished(t *testing.T) {
	for _, line := range []string{"\n", "{}\n", strings.Replace(special()[1], ":", ": ", 1), strings.Replace(special()[1], "plain", "\xff", 1)} {
		w := newParquetWriter(&bytes.Buffer{}, nil)
		if err := w.WriteRow([]byte(line)); err == nil || !strings.Contains(err.Error(), "the line is not a unified record as it is published") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestOtherColumns are files that have records, but not as they are written.
func TestOtherColumns(t *testing.T) {
	type fewer struct {
		ID       string `parquet:"id"`
		Question string `parquet:"question"`
	}
	type more struct {
		row
		Extra string `parquet:"extra"`
	}
	type optional struct {
		ID              *string `parquet:"id"`
		Dataset         string  `parquet:"dataset"`
		Domain          string  `parquet:"domain"`
		Question        string  `parquet:"question"`
		ReferenceAnswer string  `parquet:"reference_answer"`
		AnswerType      string  `parquet:"answer_type"`
		Metadata        string  `parquet:"metadata"`
	}
	const columns = "its columns are not those of a mixed file"
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"fewer columns", columns, parquetfile.Of(t, []fewer{{}})},
		{"more columns", columns, parquetfile.Of(t, []more{{}})},
		{"an optional column", columns, parquetfile.Of(t, []optional{{}})},
		{"another codec", "is packed with SNAPPY, not with zstd", parquetfile.Of(t, []row{{Metadata: "{}"}}, parquet.Compression(&parquet.Snappy))},
		{"no codec", "is packed with UNCOMPRESSED, not with zstd", parquetfile.Of(t, []row{{Metadata: "{}"}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := read(t, recipe.Parquet, c.file); err == nil || !strings.Contains(err.Error(), c.want) || len(got) > 0 {
				t.Errorf("%d rows, %v", len(got), err)
			}
		})
	}
}
