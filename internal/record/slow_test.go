package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// slowParse is Parse once more, by a library: read the JSON, put the record together, write it again and compare.
func slowParse(line []byte) (Record, error) {
	if !jsontext.Value(line).IsValid() {
		return Record{}, errors.New("not JSON, or not strict")
	}
	dec := jsontext.NewDecoder(bytes.NewReader(line))
	var r Record
	_, err := dec.ReadToken()
	if err != nil || jsontext.Value(line).Kind() != '{' {
		return Record{}, errors.New("not an object")
	}
	for _, member := range []struct {
		name string
		to   *string
	}{{"id", &r.ID}, {"dataset", &r.Dataset}, {"domain", &r.Domain}, {"question", &r.Question}, {"reference_answer", &r.ReferenceAnswer}, {"answer_type", &r.AnswerType}} {
		name, _ := dec.ReadToken()
		if name.Kind() != '"' || name.String() != member.name {
			return Record{}, fmt.Errorf("not the key %s", member.name)
		}
		value, err := dec.ReadToken()
		if err != nil || value.Kind() != '"' {
			return Record{}, errors.New("not a string")
		}
		*member.to = value.String()
	}
	if r.Metadata, err = slowMetadata(dec); err != nil {
		return Record{}, err
	}
	if again := r.AppendJSON(nil); !bytes.Equal(again, line) {
		return Record{}, errors.New("another form")
	}
	return r, nil
}

func slowMetadata(dec *jsontext.Decoder) (entries []Entry, err error) {
	if name, _ := dec.ReadToken(); name.Kind() != '"' || name.String() != "metadata" || dec.PeekKind() != '{' {
		return nil, errors.New("no metadata")
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() == '"' {
		name, _ := dec.ReadToken()
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		var v any
		std := json.NewDecoder(bytes.NewReader(value))
		std.UseNumber()
		if err := std.Decode(&v); err != nil {
			return nil, err
		}
		entries = append(entries, Entry{key, JSON(slowValue(v))})
	}
	return entries, nil
}

// slowValue writes a value in the published form.
func slowValue(v any) []byte {
	switch v := v.(type) {
	case []any:
		parts := make([][]byte, len(v))
		for i, e := range v {
			parts[i] = slowValue(e)
		}
		return slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]"))
	case map[string]any:
		var parts [][]byte
		for _, name := range slices.Sorted(maps.Keys(v)) {
			quoted, _ := jsontext.AppendQuote(nil, name)
			parts = append(parts, slices.Concat(quoted, []byte(":"), slowValue(v[name])))
		}
		return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}"))
	case string:
		quoted, _ := jsontext.AppendQuote(nil, v)
		return quoted
	case json.Number:
		return []byte(v)
	case bool:
		return fmt.Appendf(nil, "%t", v)
	default:
		return []byte("null")
	}
}

// FuzzParse compares Parse with slowParse: they take and refuse the same lines and read the same records.
func FuzzParse(f *testing.F) {
	r := natalia()
	f.Add(r.AppendJSON(nil))
	const begin, end = `{"id":"","dataset":"","domain":"","question":"","reference_answer":"","answer_type":"","metadata":{"a":`, `}}`
	for _, value := range []string{`1`, `-0`, `1.50e-07`, `01`, `1.`, `1e`, `-`, `.5`, `null`, `nul`, `true`, `"\u0000\b\\\"é"`, `"\/"`, `"\u00e9"`, `"\u001F"`, "\"\x01\"", "\"\xff\"", `"`,
		`[]`, `[1,{"b":null,"c":[]}]`, `[1,]`, `[,1]`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a":1,}`, `{"a" :1}`, `[ 1]`, `1,"a":2`, `1,"b":2`, `1,`, ``} {
		f.Add([]byte(begin + value + end))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		want, wanted := slowParse(line)
		got, err := Parse(line)
		if (err == nil) != (wanted == nil) {
			t.Fatalf("Parse: %v, the slow one: %v", err, wanted)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if err == nil && string(got.AppendJSON(nil)) != string(line) {
			t.Fatal("it is written in another form")
		}
	})
}
