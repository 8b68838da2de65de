package decode

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// The behaviours that docs/contributing/decoding.md names, one test each.

func TestByteOrderMark(t *testing.T) {
	for _, data := range []string{`{"a":"x"}`, `[{"a":"x"}]`, "a,b\nx,y\n", string(zipped("\xef\xbb\xbf" + `{"a":"x"}`))} {
		if !strings.HasPrefix(data, magicGzip) {
			data = byteOrder + data
		}
		readOn([]byte(data), decoded.Required("a")).check(t, []string{"x"}, "")
	}
	readOn([]byte("{\"a\":\"x\"}\n"+byteOrder+"{\"a\":\"y\"}\n"), decoded.Required("a")).check(t, []string{"x", "malformed line 2"}, "")
	readOn([]byte("{\"a\":\""+byteOrder+"x\"}\n"), decoded.Required("a")).check(t, []string{byteOrder + "x"}, "")
}

func TestCRLF(t *testing.T) {
	readOn([]byte("{\"a\":\"x\"}\r\n\r\n{\"a\":\"y\"}\r\n"), decoded.Required("a")).check(t, []string{"x", "y"}, "")
	readOn([]byte("[\r\n{\"a\":\"x\"},\r\n{\"a\":\r\n\"y\"}\r\n]\r\n"), decoded.Required("a")).check(t, []string{"x", "y"}, "")
	readOn([]byte("a,b\r\nx,y\r\n\"z\r\n\",w\r\n"), decoded.Required("a")).check(t, []string{"x", "z\r\n"}, "")
	readOn([]byte("{\"a\":\"x\\r\\ny\"}\r\n"), decoded.Required("a")).check(t, []string{"x\r\ny"}, "")
	readOn([]byte("{\"a\":\"x\"}\r{\"a\":\"y\"}\r\n"), decoded.Required("a")).check(t, []string{"malformed line 1"}, "") // CR alone ends no line
}

func TestLoneSurrogate(t *testing.T) {
	for _, escape := range []string{`\ud800`, `\udc00`, `\ud800x`, `\ud800\ud800`, `\udc00\ud800`} {
		data := `{"a":"x"}` + "\n" + `{"a":"` + escape + `"}` + "\n" + `{"a":"\ud83d\ude00"}`
		readOn([]byte(data), decoded.Required("a")).check(t, []string{"x", "malformed line 2", "😀"}, "")
	}
	readOn([]byte("{\"a\":\"\xed\xa0\x80\"}\n"), decoded.Required("a")).check(t, []string{"invalid-utf8 line 1"}, "") // the same, as bytes
}

func TestInvalidUTF8(t *testing.T) {
	for _, bytes := range []string{"\xff", "\xc3", "\xc0\x80", "\xf5\x80\x80\x80", "caf\xe9"} {
		readOn([]byte("{\"a\":\"x\"}\n{\"b\":\""+bytes+"\"}\n{\"a\":\"y\"}"), decoded.Required("a")).check(t, []string{"x", "invalid-utf8 line 2", "y"}, "")
		readOn([]byte("a,b\nx,1\ny,"+bytes+"\nz,3\n"), decoded.Required("a")).check(t, []string{"x", "invalid-utf8 line 3", "z"}, "")
		readOn([]byte("[{\"a\":\"x\"},{\"a\":\""+bytes+"\"}]"), decoded.Required("a")).check(t, []string{"x"}, "invalid UTF-8")
	}
}

func TestDuplicateKeys(t *testing.T) {
	for _, row := range []string{`{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"a":1,"b":[{"c":{"d":1,"d":2}}]}`} {
		readOn([]byte("{\"a\":\"x\"}\n"+row+"\n"), decoded.Required("a")).check(t, []string{"x", "duplicate-name line 2"}, "")
	}
	readOn([]byte(`{"a":"x","A":1}`), decoded.Required("a")).check(t, []string{"x"}, "") // names differ by case
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	for _, number := range []string{"9007199254740993", "-0", "1e400", "1.50", "1E+2", "0.1000000000000000055511151231257827", strings.Repeat("9", 1000)} {
		rows, err := read([]byte(`{"a":`+number+`,"b":[`+number+`]}`), decoded.Required("a", "b"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{decoded.Number(number), []any{decoded.Number(number)}}, rows[0].Values); diff != "" {
			t.Error(diff)
		}
	}
	for _, wrong := range []string{"01", "+1", ".5", "1.", "NaN", "Infinity", "0x1"} {
		readOn([]byte("{\"a\":\"x\"}\n{\"a\":"+wrong+"}\n"), decoded.Required("a")).check(t, []string{"x", "malformed line 2"}, "")
	}
}

// TestLongRows reads rows of 100 MB that are made while they are read: they are rows, in memory of a few times their length,
// and one byte more than MaxRow is too much.
func TestLongRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 400 MB")
	}
	for _, c := range []struct {
		name       string
		head, tail string
		bytes      int64
		rows       []string
		end        string
	}{
		{"a line", `{"a":"x","b":"`, "\"}\n{\"a\":\"y\"}\n", 100 << 20, []string{"x", "y"}, ""},
		{"a line that is too long", `{"a":"x"}` + "\n" + `{"a":"x","b":"`, "\"}\n{\"a\":\"y\"}\n", decoded.MaxRow + 1<<20, []string{"x", "too-long line 2", "y"}, ""},
		{"an element that is too long", `[{"a":"x"},{"a":"x","b":"`, `"},{"a":"y"}]`, decoded.MaxRow + 1<<20, []string{"x"}, "element 2 of the array: the row is longer than 128 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := endless{c.head, strings.Repeat("0123456789abcdef", 64), c.tail, c.bytes >> 10}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var out outcome
			for row, err := range Rows(context.Background(), File{Name: "test", Data: e, Size: e.size()}, decoded.Required("a")) {
				switch {
				case decoded.IsBad(err):
					out.Rows = append(out.Rows, "too-long "+strings.TrimPrefix(row.Where(), "test, "))
				case err != nil:
					out.End = err.Error()
				default:
					out.Rows = append(out.Rows, row.Values[0].(string))
				}
			}
			runtime.ReadMemStats(&after)
			out.check(t, c.rows, c.end)
			if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 6*decoded.MaxRow {
				t.Errorf("%d MiB were allocated", grown>>20)
			}
		})
	}
}

func TestNestingDepth(t *testing.T) {
	nested := func(depth int) string {
		return `{"a":"x","b":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	for _, fields := range [][]decoded.Field{decoded.Required("a"), decoded.Required("a", "b")} {
		readOn([]byte(nested(10_000)), fields).check(t, []string{"x"}, "")
		readOn([]byte(nested(10_001)+"\n"+nested(3)), fields).check(t, []string{"malformed line 1", "x"}, "")
	}
}

func TestNULBytes(t *testing.T) {
	readOn([]byte("{\"a\":\"x\"}\n\x00\x00\x00\n{\"a\":\"\x00\"}\n{\"a\":\"\\u0000\"}\n"), decoded.Required("a")).check(t,
		[]string{"x", "malformed line 2", "malformed line 3", "\x00"}, "")
	readOn([]byte("a,b\nx,1\ny\x00,2\n"), decoded.Required("a")).check(t, []string{"x", "malformed line 3"}, "")
	readOn([]byte("\x00\x00\x00\x00"), decoded.Required("a")).check(t, nil, "none of the formats")
	readOn([]byte(`[{"a":"x"}]`+"\x00"), decoded.Required("a")).check(t, []string{"x"}, "this is not valid JSON")
}

func TestEmptyLines(t *testing.T) {
	readOn([]byte("\n \t\r\n{\"a\":\"x\"}\n\n\n{}\n\n"), decoded.Required("a")).check(t, []string{"x", "missing-field line 6"}, "")
	readOn([]byte("\n\na,b\n\nx,1\n\r\ny\n"), decoded.Required("a")).check(t, []string{"x", "wrong-shape line 7"}, "")
	readOn([]byte("\n[\n\n{\"a\":\"x\"}\n\n]\n\n"), decoded.Required("a")).check(t, []string{"x"}, "")
}

func TestTrailingText(t *testing.T) {
	for _, c := range []struct{ tail, end string }{
		{" \r\n\t\n", ""}, {" {}", "there is more text after the end"}, {"[]", "there is more text after the end"}, {"?", "this is not valid JSON"}, {"]", "this is not valid JSON"}, {",", "this is not valid JSON"},
	} {
		readOn([]byte(`[{"a":"x"}]`+c.tail), decoded.Required("a")).check(t, []string{"x"}, c.end)
	}
}

// TestFilesWithoutRows: a shard may be empty, whatever its format is.
func TestFilesWithoutRows(t *testing.T) {
	for _, data := range []string{"", " ", "\n", "\r\n\t \n", byteOrder, strings.Repeat(" ", 3*window), strings.Repeat("\n", 3*window), string(zipped("\n")), string(zipped("")),
		string(zstandard("")), bzip2Empty, "[]", " [ ] ", `{"data":[{"paragraphs":[]}]}`, "a,b\n", "\"a\"\r\n", byteOrder + "b;a", string(parquetfile.Of(t, []struct {
			Text string `parquet:"text"`
		}{}))} {
		fields := decoded.Required("a")
		if strings.HasPrefix(data, "PAR1") {
			fields = decoded.Required("text")
		}
		if strings.HasPrefix(data, "{") {
			fields = decoded.Required("question")
		}
		readOn([]byte(data), fields).check(t, nil, "")
	}
}

// documented reads the page and gives what is in its code quotes.
func documented(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "contributing", "decoding.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, match := range regexp.MustCompile("`("+pattern+")`").FindAllStringSubmatch(string(page), -1) {
		found[match[1]] = true
	}
	return found
}

// TestDocumented: every test that the page names exists, every class is there, and every test of this file is named.
func TestDocumented(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := filepath.Glob(filepath.Join("*", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, inner...)
	tests := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests[match[1]] = file
		}
	}
	named := documented(t, `Test\w+`)
	for name := range named {
		if tests[name] == "" {
			t.Errorf("docs/contributing/decoding.md names %s, and there is no such test", name)
		}
	}
	for name, file := range tests {
		if file == "behaviour_test.go" && !named[name] && name != "TestDocumented" {
			t.Errorf("%s is the test of a behaviour that docs/contributing/decoding.md does not name", name)
		}
	}
	classes := documented(t, `[a-z0-9-]+`)
	for _, class := range []decoded.Class{decoded.Malformed, decoded.InvalidUTF8, decoded.DuplicateName, decoded.MissingField, decoded.WrongShape, decoded.TooLong} {
		if !classes[string(class)] {
			t.Errorf("docs/contributing/decoding.md does not explain the class %s", class)
		}
	}
}

// TestLargeRowsOfJSON: what is wanted of a row has bounds, in lines and in arrays, and the rows next to it are read.
func TestLargeRowsOfJSON(t *testing.T) {
	long := func(n int, entry string) string { return strings.TrimSuffix(strings.Repeat(entry+",", n), ",") }
	var names strings.Builder
	for i := range jsonvalue.MaxNames + 10 {
		fmt.Fprintf(&names, `,"%d":1`, i)
	}
	rows := []string{`{"a":"x"}`, `{"a":[` + long(decoded.MaxValues+1, "1") + `]}`, `{"b":[` + long(decoded.MaxValues+1, "1") + `],"a":"y"}`, `{"a":{"k":[` + long(decoded.MaxValues/2+1, "{}") + `]}}`,
		`{"a":"` + strings.Repeat("z", decoded.MaxKept+1) + `"}`, `{"a":"w","b":{"c":1` + names.String() + `}}`, `{"a":["` + strings.Repeat(",", 2*decoded.MaxValues) + `"]}`, `{"a":"v"}`}
	want := func(place string) []string {
		out := []string{"x", "too-long", "y", "too-long", "too-long", "too-long", "", "v"}
		for i := range out {
			if out[i] == "too-long" {
				out[i] += fmt.Sprintf(place, i+1)
			}
		}
		return out
	}
	readOn([]byte(strings.Join(rows, "\n")), decoded.Required("a")).check(t, want(" line %d"), "")
	readOn([]byte("["+strings.Join(rows, ",\n")+"]"), decoded.Required("a")).check(t, want(" element %d of the array"), "")
}

// TestNamesTwiceInArrays: an element with a name twice is one bad row, and in SQuAD ends the file, as anything above a question does.
func TestNamesTwiceInArrays(t *testing.T) {
	readOn([]byte(`[{"a":"x"},{"a":"y","b":{"c":1,"c":2}},{"a":"z"}]`), decoded.Required("a")).check(t, []string{"x", "duplicate-name element 2 of the array", "z"}, "")
	file := memory([]byte(`{"d":{"r":[{"a":"x"}],"r":[{"a":"y"}]}}`))
	file.Path = []string{"d", "r"}
	collect(file, decoded.Required("a")).check(t, []string{"x"}, `there are two "d.r" in the file`)
	readOn([]byte(`{"data":[{"paragraphs":[{"context":"c","qas":[{"question":"q"}]}]},{"title":"t","title":"u","paragraphs":[]}]}`), decoded.Required("question")).check(t, []string{"q"}, "duplicate object member name")
	readOn([]byte(`[{"a":"x"},{"a":"y","b":NaN}]`), decoded.Required("a")).check(t, []string{"x"}, "as NaN and Infinity begin")
}

// TestLargeRowsOfParquet: one row may not take the memory of all; the rows next to it are read.
func TestLargeRowsOfParquet(t *testing.T) {
	type record struct {
		Text  string  `parquet:"text"`
		List  []int32 `parquet:"list,list"`
		Other []int32 `parquet:"other,list"`
	}
	data := parquetfile.Of(t, []record{{Text: "a"}, {List: make([]int32, decoded.MaxValues+1)}, {List: make([]int32, decoded.MaxValues/2), Other: make([]int32, decoded.MaxValues/2)}, {Text: strings.Repeat("x", decoded.MaxKept+1)}, {Text: "b"}}, parquet.DataPageStatistics(false))
	readOn(data, decoded.Required("text", "list", "other")).check(t, []string{"a", "too-long row group 0, row 1", "too-long row group 0, row 2", "too-long row group 0, row 3", "b"}, "")
	readOn(data, decoded.Required("text", "list")).check(t, []string{"a", "too-long row group 0, row 1", "", "too-long row group 0, row 3", "b"}, "")
}
