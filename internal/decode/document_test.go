package decode

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

func TestPath(t *testing.T) {
	two := []got{{0, "rows, element 1 of the array", []any{"x"}}, {1, "rows, element 2 of the array", []any{"y"}}}
	array := `[{"a":"x"}, {"a":"y"}]`
	for _, c := range []struct {
		name, data string
		path       []string
	}{
		{"one name", `{"data":` + array + `}`, []string{"data"}},
		{"two names", `{"data":{"rows":` + array + `}}`, []string{"data", "rows"}},
		{"beside others", `{"version":1,"no":[[1],{"rows":2}],"data":{"x":{"rows":[]},"rows":` + array + `,"more":[1,[2]]},"end":{"rows":[3]}}`, []string{"data", "rows"}},
		{"over several lines", "{\n \"data\": {\r\n \"rows\":\n" + array + "\n}\n}\n", []string{"data", "rows"}},
		{"a byte order mark", "\xef\xbb\xbf{\"data\":" + array + `}`, []string{"data"}},
		{"packed", string(zipped(`{"data":` + array + `}`)), []string{"data"}},
		{"a name with a dot", `{"a.b":` + array + `}`, []string{"a.b"}},
		{"a name with an escape", `{"d\u0061ta":` + array + `}`, []string{"data"}},
		{"the path of the SQuAD form", `{"data":[{"paragraphs":[],"a":"x"},{"a":"y"}]}`, []string{"data"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := readFile(File{Name: "rows", Data: strings.NewReader(c.data), Size: int64(len(c.data)), Path: c.path}, decoded.Required("a"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(two, rows); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPathRefuses(t *testing.T) {
	for _, c := range []struct{ name, data, message string }{
		{"an array", `[{"a":1}]`, `rows, element 1 of the array: the path "data.rows" does not fit the file: at the top of the file is a list and must be an object`},
		{"a name that is not there", `{"x":1,"y":[2]}`, `there is no "data" in the file; the names in its place are "x", "y", no more`},
		{"a second name that is not there", `{"data":{"x":1}}`, `there is no "data.rows" in the file; the names in its place are "x", no more`},
		{"an array on the way", `{"data":[{"rows":[]}]}`, `at "data" is a list and must be an object`},
		{"no array at the end", `{"data":{"rows":{"a":1}}}`, `at "data.rows" is an object and must be a list of rows`},
		{"cut on the way", `{"data":{"ro`, "the JSON ends before it is complete"},
		{"cut in a value beside it", `{"x":[1,2`, "the JSON ends before it is complete"},
		{"cut in the array", `{"data":{"rows":[{"a":1}`, "element 2 of the array: the JSON ends before it is complete"},
		{"cut behind the array", `{"data":{"rows":[{"a":1}]}`, "the JSON ends before it is complete"},
		{"malformed behind the array", `{"data":{"rows":[{"a":1}],}}`, "this is not valid JSON"},
		{"text after the end", `{"data":{"rows":[{"a":1}]}}{}`, "there is more text after the end"},
		{"JSON Lines", "{\"a\":1}\n{\"a\":2}\n", `there is no "data" in the file`},
		{"CSV", "a,b\n1,2\n", "a path to the rows is only for a JSON document"},
		{"Parquet", "PAR1....PAR1", "a path to the rows is only for a JSON document"},
		{"a name twice", `{"data":1,"data":{"rows":[{"a":1}]}}`, "at \"data\" is a number and must be an object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readFile(File{Name: "rows", Data: strings.NewReader(c.data), Size: int64(len(c.data)), Path: []string{"data", "rows"}}, decoded.Required("a"))
			if err == nil || decoded.IsBad(err) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v\nshould say %s", err, c.message)
			}
		})
	}
}

// TestDocumentWithoutPath: the file may be meant as one document; the message says what could be its rows, and never chooses.
func TestDocumentWithoutPath(t *testing.T) {
	one := `its rows seem to be the list "data.rows": set the path to it`
	for _, c := range []struct{ name, data, message string }{
		{"over several lines", "{\n\"data\": {\"rows\": [\n{\"a\": 1}\n]}\n}\n", "rows: the file is one JSON object over several lines and not JSON Lines; " + one},
		{"longer than the window", "{\n\"data\": {\"rows\": [\n{\"a\": 1}" + strings.Repeat(",\n{\"a\": 1}", window) + "]}}", one},
		{"several lists", "{\n\"x\": [{}], \"y\": {\"z\": [{}, 1]}, \"w\": [1]\n}", `it has lists of objects at ["x" "y.z"]: set the path to the one with the rows`},
		{"no lists", "{\n\"a\": [1]\n}", "the file is one JSON object over several lines; write each row on a line of its own"},
		{"on one line", `{"version": 1, "data": {"rows": [{"a": 1}]}}` + "\n\n", `rows, line 1: there is no field "a"; the fields of the file are "version", "data"; choose the preset or mapping that fits them; or, if the file is one JSON document, ` + one},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read([]byte(c.data), decoded.Required("a"))
			if err == nil || decoded.IsBad(err) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v\nshould say %s", err, c.message)
			}
		})
	}
}

// TestRowsLikeDocuments: rows of JSON Lines that hold lists of objects are rows.
func TestRowsLikeDocuments(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		rows []string
	}{
		"one row with a list":                       {`{"a":"x","messages":[{"role":"user"}]}`, []string{"x"}},
		"a bad row with a list and one after it":    {`{"messages":[{}]}` + "\n\n" + `{"a":"x"}`, []string{"missing-field line 1", "x"}},
		"a bad row with a list and a bad one":       {`{"messages":[{}]}` + "\n{\n{\"a\":\"x\"}\n", []string{"missing-field line 1", "malformed line 2", "x"}},
		"a first row that is cut, and more rows":    {"{\"a\":\"x\n{\"a\":\"y\"}\n", []string{"malformed line 1", "y"}},
		"a first row without its end, and more":     {"{\"a\":1\n{\"a\":\"y\"}\n{\"a\":\"z\"}\n", []string{"malformed line 1", "y", "z"}},
		"a first row that is broken in another way": {"{a}\n{\"a\":\"y\"}\n", []string{"malformed line 1", "y"}},
	} {
		t.Run(name, func(t *testing.T) { readOn([]byte(c.data), decoded.Required("a")).check(t, c.rows, "") })
	}
}

// TestLongValuesBesideTheRows: a list beside the path may be longer than any row, another value may not.
func TestLongValuesBesideTheRows(t *testing.T) {
	long := strings.Repeat("1,", 200_000)
	for name, c := range map[string]struct {
		data string
		want error
	}{
		"a list":   {`{"x":[` + long + `1],"data":[{"a":1}],"y":[` + long + `1]}`, nil},
		"a string": {`{"x":"` + long + `","data":[{"a":1}]}`, errTooLong},
	} {
		d := newDocument(strings.NewReader(c.data), []string{"data"})
		d.stream.limit = 100_000
		_, err := d.element()
		if err == nil {
			_, err = d.element()
		}
		if err == io.EOF {
			err = nil
		}
		if err != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArraysOfObjects(t *testing.T) {
	for text, want := range map[string][]string{
		`{"a":[{}],"b":[[{}]],"c":{"d":{"e":[{"f":[{}]}]}}}`: {"a", "c.d.e"},
		`{"a":[],"b":[1,{}],"c":"[{}]"}`:                     nil,
		`{"a":[{"x":1},`:                                     {"a"},
		`{"a":{"b":`:                                         nil,
		`[{}]`:                                               nil,
		`{"a":[{}],"b":[{}],"c":nonsense,"d":[{}]}`:          {"a", "b"},
		strings.Repeat(`{"a":`, 20) + `[{}]` + strings.Repeat("}", 20): nil,
	} {
		if diff := cmp.Diff(want, arraysOfObjects([]byte(text))); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// FuzzPath feeds any text as a document: what is read with a path is what the array alone gives.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":1},{"b":2}`, `1,{}`, `{"a":[}`, ``, `]}`, `{"a":1}],"x":[1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, elements string) {
		alone, wrong := read([]byte("["+elements+"]"), decoded.Optional("a"))
		data := []byte(`{"before":[1,{"data":2}],"data":[` + elements + `],"after":{}}`)
		rows, err := readFile(File{Name: "rows", Data: bytes.NewReader(data), Size: int64(len(data)), Path: []string{"data"}}, decoded.Optional("a"))
		if wrong == nil && err != nil {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff(alone, rows); wrong == nil && diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzSquad puts any text where the articles of the SQuAD form stand.
func FuzzSquad(f *testing.F) {
	for _, seed := range []string{`{"qas":[{"question":"q","answers":[{"text":"t","answer_start":1}]}],"context":"c"}`, `1`, `{"qas":[1,{}]}`, `{"qas":[{"question":"q","answers":{}}]},{}`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, paragraphs string) {
		data := []byte(`{"data":[{"title":"t","paragraphs":[` + paragraphs + `]}]}`)
		first := readOn(data, decoded.Optional("title", "question", "answers.text", "context"))
		if diff := cmp.Diff(first, readOn(data, decoded.Optional("title", "question", "answers.text", "context"))); diff != "" {
			t.Fatal(diff)
		}
	})
}
