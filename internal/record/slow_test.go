package record

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// slowParse does what Parse does, by a library: read the JSON, put the record together, write it again and compare.
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
	if r.Kept, err = slowKept(dec); err != nil {
		return Record{}, err
	}
	if again := r.AppendJSON(nil); !bytes.Equal(again, line) {
		return Record{}, errors.New("another form")
	}
	return r, nil
}

func slowKept(dec *jsontext.Decoder) (kept []Entry, err error) {
	for dec.PeekKind() == '"' {
		name, _ := dec.ReadToken()
		key := name.String()
		value, err := dec.ReadValue()
		if n := len(kept); err != nil || slices.Contains(recipe.OwnMembers, key) || n > 0 && kept[n-1].Key >= key || bytes.ContainsAny(value, "\r\n") {
			return nil, errors.New("not a member that is kept")
		}
		kept = append(kept, Entry{key, JSON(value)})
	}
	return kept, nil
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
		written, err := jsontext.AppendFormat(nil, value)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{key, JSON(written)})
	}
	_, err = dec.ReadToken()
	return entries, err
}

// FuzzParse compares Parse with slowParse: they take and refuse the same lines and read the same records.
func FuzzParse(f *testing.F) {
	r := natalia()
	f.Add(r.AppendJSON(nil))
	const begin, end = `{"id":"","dataset":"","domain":"","question":"","reference_answer":"","answer_type":"","metadata":{"a":`, `}}`
	for _, value := range []string{`1`, `-0`, `1.50e-07`, `01`, `1.`, `1e`, `-`, `.5`, `null`, `nul`, `true`, `"\u0000\b\\\"é"`, `"\/"`, `"\u00e9"`, `"\u001F"`, "\"\x01\"", "\"\xff\"", `"`,
		`[]`, `[1,{"b":null,"c":[]}]`, `[1,]`, `[,1]`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a":1,}`, `{"a" :1}`, `[ 1]`, `1,"a":2`, `1,"b":2`, `1,`, ``} {
		f.Add([]byte(begin + value + end))
		f.Add([]byte(begin + `1},"b":` + value + `}`))
		f.Add([]byte(begin + `1},"b":1,"c":` + value + `}`))
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
