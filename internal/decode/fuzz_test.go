package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

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
