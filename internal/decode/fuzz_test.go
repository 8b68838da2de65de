package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// FuzzFormats begins with a whole file of each format, plain and packed, and of Parquet in each encoding of pages and with each
// codec: rows or an InvalidData failure, never a panic, always the same, and what damaged bytes say of lengths is not believed.
func FuzzFormats(f *testing.F) {
	lines := "{\"a\":\"x\",\"b\":{\"c\":[1,2]}}\n{\"a\":null}\n"
	for _, text := range []string{lines, `[{"a":"x"},{"b":{"c":1}}]`, `{"data":{"rows":[{"a":1}]}}`, squadText, "a,b.c\nx,1\n\"y\n\",2\n", "a\tb.c\nx\t1\n", "\xef\xbb\xbf{}", "{}\n", ""} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
		f.Add(zipped(text, text), false)
		f.Add(zstandard(text), false)
	}
	for _, text := range []string{bzip2Rows, "PAR1\x00\x00\x00\x00PAR1", "\x1f\x8b", "\x28\xb5\x2f\xfd"} {
		f.Add([]byte(text), false)
	}
	type fact struct {
		Title string  `parquet:"title"`
		Sent  []int32 `parquet:"sent,list"`
	}
	type shape struct {
		Text   string   `parquet:"text,dict"`
		Double *float64 `parquet:"double,optional"`
		Facts  []fact   `parquet:"facts,list"`
	}
	shapes := []shape{{Text: "ü\r\n", Double: new(0.1)}, {Facts: make([]fact, 2)}}
	for i, codec := range []compress.Codec{&parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw, &parquet.Uncompressed} {
		f.Add(parquetfile.Of(f, shapes, parquet.DataPageVersion(1+i%2), parquet.Compression(codec)), false)
	}
	const most = 2 << 30 // A page may unpack to 128 MiB, and its values take several times as much; here are three readings.
	f.Fuzz(func(t *testing.T, data []byte, path bool) {
		file := memory(data)
		if path {
			file.Path = []string{"data", "rows"}
		}
		took := allocated(func() {
			for _, fields := range [][]decoded.Field{decoded.Required("question", "answers"), decoded.Optional("text", "facts", "extra_info", "double"), decoded.Optional("a", "b.c")} {
				readWell(t, file, fields)
			}
		})
		if took > most {
			t.Fatalf("%d bytes were allocated for a file of %d", took, len(data))
		}
		first, err := readFile(file, decoded.Optional("a", "b.c"))
		second, again := readFile(file, decoded.Optional("a", "b.c"))
		if diff := cmp.Diff(first, second); diff != "" || (err == nil) != (again == nil) {
			t.Fatalf("a second reading differs: %v, %v\n%s", err, again, diff)
		}
	})
}

// readWell reads to the end, over bad rows: every failure says that the data is invalid.
func readWell(t *testing.T, file File, fields []decoded.Field) {
	t.Helper()
	for _, err := range Rows(t.Context(), file, fields) {
		if err != nil && contract.ReasonOf(err) != contract.InvalidData {
			t.Fatalf("%s: %v", contract.ReasonOf(err), err)
		}
	}
}

// agreeOnLine compares one row with two other implementations: what is refused with jsontext's strict check of a whole value,
// and what is read with encoding/json.
func agreeOnLine(t *testing.T, text []byte) {
	t.Helper()
	trimmed := bytes.Trim(text, " \t\r")
	if len(trimmed) == 0 || trimmed[0] != '{' || bytes.ContainsRune(trimmed, '\n') || isSquad(trimmed) {
		return
	}
	if _, some := finiteText(nil, trimmed); some {
		return // Numbers that are not finite are read, where nobody wants them.
	}
	var values []any
	var failure error
	for row, err := range Rows(context.Background(), memory(trimmed), decoded.Optional("a")) {
		if values, failure = row.Values, err; err != nil {
			break
		}
	}
	if valid := jsontext.Value(trimmed).IsValid(); valid != (failure == nil) {
		t.Fatalf("valid is %t and the error %v", valid, failure)
	}
	if failure != nil {
		return
	}
	var want map[string]any
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	dec.UseNumber()
	if dec.Decode(&want) != nil {
		return // For one, encoding/json stops at another depth.
	}
	if diff := cmp.Diff(want["a"], standard(values[0])); diff != "" {
		t.Fatal(diff)
	}
}

// agreeOnValue walks over any valid JSON as encoding/json does.
func agreeOnValue(t *testing.T, text []byte) {
	t.Helper()
	value, err := (&jsonLines{}).check(text)
	if err != nil {
		return
	}
	var want any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&want) != nil {
		return
	}
	c, skipped := jsonvalue.NewCursor(value), jsonvalue.NewCursor(value)
	if diff := cmp.Diff(want, standard(c.Value())); diff != "" {
		t.Fatal(diff)
	}
	if skipped.Skip(); skipped.At != c.At || c.At != len(value) {
		t.Fatalf("%q: the value ends at %d, skipped at %d", text, c.At, skipped.At)
	}
}

// standard turns a value into the one that encoding/json gives.
func standard(v any) any {
	switch v := v.(type) {
	case decoded.Number:
		return json.Number(v)
	case []any:
		for i := range v {
			v[i] = standard(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = standard(v[k])
		}
	}
	return v
}

// allocated returns how many bytes f takes, given back or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
