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

	"github.com/datasetmix/datasetmix/internal/contract"
)

// FuzzRows feeds any bytes: rows or an InvalidData failure, never a panic, and always the same.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{"", "{}\n", `{"a":1,"b":{"c":2}}`, `[{"a":1}]`, squadText, "\xef\xbb\xbf{}", "PAR1\x00\x00\x00\x00PAR1", "\x1f\x8b", "\x28\xb5\x2f\xfd"} {
		f.Add([]byte(seed))
	}
	f.Add(zipped("{\"a\":1}\n"))
	f.Add(zstandard("{\"a\":1}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := read(data, Optional("a", "b.c"))
		if err != nil && contract.ReasonOf(err) != contract.InvalidData {
			t.Fatalf("%s: %v", contract.ReasonOf(err), err)
		}
		if err == nil && len(first) == 0 {
			t.Fatal("no rows and no error")
		}
		second, again := read(data, Optional("a", "b.c"))
		if diff := cmp.Diff(first, second); diff != "" || (err == nil) != (again == nil) {
			t.Fatalf("a second reading differs: %v, %v\n%s", err, again, diff)
		}
	})
}

// FuzzFormats begins with a whole file of each format, plain and packed, and of Parquet in each encoding of pages: what damaged
// bytes say of lengths must not be believed.
func FuzzFormats(f *testing.F) {
	lines := "{\"a\":\"x\",\"b\":{\"c\":[1,2]}}\n{\"a\":null}\n"
	for _, text := range []string{lines, `[{"a":"x"},{"b":{"c":1}}]`, `{"data":{"rows":[{"a":1}]}}`, squadText, "a,b.c\nx,1\n\"y\n\",2\n", "a\tb.c\nx\t1\n"} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
		f.Add(zipped(text, text), false)
		f.Add(zstandard(text), false)
	}
	f.Add(parquetFile(f, twoShapes()), false)
	f.Add(parquetFile(f, twoShapes(), parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy)), false)
	const most = 1 << 30 // A page may unpack to 128 MiB, and its values take as much again.
	f.Fuzz(func(t *testing.T, data []byte, path bool) {
		file := memory(data)
		if path {
			file.Path = []string{"data", "rows"}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, fields := range [][]Field{Optional("a", "b.c"), Required("question", "answers"), Optional("text", "facts", "extra_info", "double")} {
			for _, err := range Rows(t.Context(), file, fields) {
				if err != nil && contract.ReasonOf(err) != contract.InvalidData {
					t.Fatalf("%s: %v", contract.ReasonOf(err), err)
				}
			}
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > most {
			t.Fatalf("%d bytes were allocated for a file of %d", after.TotalAlloc-before.TotalAlloc, len(data))
		}
	})
}

// FuzzLine compares one row with two other implementations: what is refused with jsontext's strict check of a whole value,
// and what is read with encoding/json.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{`{"a":"x","b":[1,{"a":2}]}`, `{"a":{"a":1.5e300}}`, `{"a":"\u00fc\ud83d\ude00"}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":nul}`, `{"a":1}{}`, `{"x":"é","a":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		trimmed := bytes.Trim([]byte(text), " \t\r")
		if len(trimmed) == 0 || trimmed[0] != '{' || bytes.ContainsRune(trimmed, '\n') || isSquad(trimmed) {
			t.Skip()
		}
		var values []any
		var failure error
		for row, err := range Rows(context.Background(), memory(trimmed), Optional("a")) {
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
		if err := dec.Decode(&want); err != nil {
			t.Skip() // For one, encoding/json stops at another depth.
		}
		if diff := cmp.Diff(want["a"], standard(values[0])); diff != "" {
			t.Fatal(diff)
		}
	})
}

// standard turns a value into the one that encoding/json gives.
func standard(v any) any {
	switch v := v.(type) {
	case Number:
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
