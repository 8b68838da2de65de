package jsonvalue

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// TestParse: a text of JSON has the value of a row, and a text that is not one value is an error.
func TestParse(t *testing.T) {
	for text, want := range map[string]any{
		`null`: nil, `true`: true, `-1.50e3`: decoded.Number("-1.50e3"), `"ü\n\u0041"`: "ü\nA", `[]`: []any{},
		`{"a":[1,{"b":null}],"c":""}`: map[string]any{"a": []any{decoded.Number("1"), map[string]any{"b": nil}}, "c": ""},
	} {
		got, err := Parse(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", " ", "{", `{"a":1,"a":2}`, "1 2", "NaN", `"\ud800"`, "[1,]"} {
		if v, err := Parse(text); err == nil {
			t.Errorf("%q has the value %v", text, v)
		}
	}
}

// TestChecked: the length of the first value is returned, unless it begins with white space or has several lines.
func TestChecked(t *testing.T) {
	for text, want := range map[string]int{`1,2`: 1, `"a" `: 3, `{"a":[1]}]`: 9, ` 1`: 0, "[1,\n2]": 0, `{"a":1,"a":2}`: 0, "": 0} {
		if got, err := Checked(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

// TestCheckerFindsWhatIsWanted: the spans of wanted values are found at any depth, and a text that is not one object is refused.
func TestCheckerFindsWhatIsWanted(t *testing.T) {
	root := NewWanted("")
	root.Add([]string{"a"}, 0)
	root.Add([]string{"o", "b"}, 1)
	root.Node("r").Raw = 2
	if !root.Child("r").Bare() || root.Child("a").Bare() || root.Find([]byte(`"\u0061"`)) != root.Child("a") {
		t.Error("the tree of names is wrong")
	}
	var c Checker
	if !c.Object([]byte(`{"x":[1],"a":"s","o":{"b":"\n","c":0},"r":[ 1 ]}`), root) {
		t.Fatal("a row was refused")
	}
	type found struct {
		name, raw string
		plain     bool
	}
	var got []found
	for _, s := range c.Found {
		got = append(got, found{s.Wanted.Name, string(s.Raw), s.Plain})
	}
	want := []found{{"a", `"s"`, true}, {"b", `"\n"`, false}, {"r", `[ 1 ]`, false}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "[]", `{"a":1} `, `{"a":1}{}`, `{"a":1,"\u0061":2}`, "{\"a\":\"\xff\"}"} {
		if c.Object([]byte(text), root) {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzValues: where Values finds the end of a value, Checked finds the same one.
func FuzzValues(f *testing.F) {
	for _, text := range []string{`{"a":[1,"\\\"",{"b":null}]},`, `"x" 1`, `-1.5e3]`, "[1,\r2]", `{"a":1,"a":2}`, `]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		values := NewValues([]byte(text))
		defer values.Close()
		end := values.End(0)
		if end < 0 {
			return // It is left to Checked.
		}
		length, err := Checked(text)
		if !jsontext.Value(text[:end]).IsValid() || err == nil && length != end {
			t.Fatalf("%q ends at %d, not %d: %v", text, end, length, err)
		}
	})
}
