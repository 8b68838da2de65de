package decode

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The behaviours that docs/contributing/decoding.md names, one test each.

func TestByteOrderMark(t *testing.T) {
	for _, data := range []string{`{"a":"x"}`, `[{"a":"x"}]`, "a,b\nx,y\n", string(zipped("\xef\xbb\xbf" + `{"a":"x"}`))} {
		if !strings.HasPrefix(data, magicGzip) {
			data = byteOrder + data
		}
		readOn([]byte(data), Required("a")).check(t, []string{"x"}, "")
	}
	readOn([]byte("{\"a\":\"x\"}\n"+byteOrder+"{\"a\":\"y\"}\n"), Required("a")).check(t, []string{"x", "malformed line 2"}, "")
	readOn([]byte("{\"a\":\""+byteOrder+"x\"}\n"), Required("a")).check(t, []string{byteOrder + "x"}, "")
}

func TestCRLF(t *testing.T) {
	readOn([]byte("{\"a\":\"x\"}\r\n\r\n{\"a\":\"y\"}\r\n"), Required("a")).check(t, []string{"x", "y"}, "")
	readOn([]byte("[\r\n{\"a\":\"x\"},\r\n{\"a\":\r\n\"y\"}\r\n]\r\n"), Required("a")).check(t, []string{"x", "y"}, "")
	readOn([]byte("a,b\r\nx,y\r\n\"z\r\n\",w\r\n"), Required("a")).check(t, []string{"x", "z\r\n"}, "")
	readOn([]byte("{\"a\":\"x\\r\\ny\"}\r\n"), Required("a")).check(t, []string{"x\r\ny"}, "")
	readOn([]byte("{\"a\":\"x\"}\r{\"a\":\"y\"}\r\n"), Required("a")).check(t, []string{"malformed line 1"}, "") // CR alone ends no line
}

func TestLoneSurrogate(t *testing.T) {
	for _, escape := range []string{`\ud800`, `\udc00`, `\ud800x`, `\ud800\ud800`, `\udc00\ud800`} {
		data := `{"a":"x"}` + "\n" + `{"a":"` + escape + `"}` + "\n" + `{"a":"\ud83d\ude00"}`
		readOn([]byte(data), Required("a")).check(t, []string{"x", "malformed line 2", "😀"}, "")
	}
	readOn([]byte("{\"a\":\"\xed\xa0\x80\"}\n"), Required("a")).check(t, []string{"invalid-utf8 line 1"}, "") // the same, as bytes
}

func TestInvalidUTF8(t *testing.T) {
	for _, bytes := range []string{"\xff", "\xc3", "\xc0\x80", "\xf5\x80\x80\x80", "caf\xe9"} {
		readOn([]byte("{\"a\":\"x\"}\n{\"b\":\""+bytes+"\"}\n{\"a\":\"y\"}"), Required("a")).check(t, []string{"x", "invalid-utf8 line 2", "y"}, "")
		readOn([]byte("a,b\nx,1\ny,"+bytes+"\nz,3\n"), Required("a")).check(t, []string{"x", "invalid-utf8 line 3", "z"}, "")
		readOn([]byte("[{\"a\":\"x\"},{\"a\":\""+bytes+"\"}]"), Required("a")).check(t, []string{"x"}, "invalid UTF-8")
	}
}

func TestDuplicateKeys(t *testing.T) {
	for _, row := range []string{`{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"a":1,"b":[{"c":{"d":1,"d":2}}]}`} {
		readOn([]byte("{\"a\":\"x\"}\n"+row+"\n"), Required("a")).check(t, []string{"x", "duplicate-name line 2"}, "")
	}
	readOn([]byte(`{"a":"x","A":1}`), Required("a")).check(t, []string{"x"}, "") // names differ by case
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	for _, number := range []string{"9007199254740993", "-0", "1e400", "1.50", "1E+2", "0.1000000000000000055511151231257827", strings.Repeat("9", 1000)} {
		rows, err := read([]byte(`{"a":`+number+`,"b":[`+number+`]}`), Required("a", "b"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{Number(number), []any{Number(number)}}, rows[0].Values); diff != "" {
			t.Error(diff)
		}
	}
	for _, wrong := range []string{"01", "+1", ".5", "1.", "NaN", "Infinity", "0x1"} {
		readOn([]byte("{\"a\":\"x\"}\n{\"a\":"+wrong+"}\n"), Required("a")).check(t, []string{"x", "malformed line 2"}, "")
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
		{"a line that is too long", `{"a":"x"}` + "\n" + `{"a":"x","b":"`, "\"}\n{\"a\":\"y\"}\n", MaxRow + 1<<20, []string{"x", "too-long line 2", "y"}, ""},
		{"an element that is too long", `[{"a":"x"},{"a":"x","b":"`, `"},{"a":"y"}]`, MaxRow + 1<<20, []string{"x"}, "element 2 of the array: the row is longer than 128 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := endless{c.head, strings.Repeat("0123456789abcdef", 64), c.tail, c.bytes >> 10}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var out outcome
			for row, err := range Rows(context.Background(), File{Name: "test", Data: e, Size: e.size()}, Required("a")) {
				switch {
				case isBad(err):
					out.Rows = append(out.Rows, "too-long "+strings.TrimPrefix(row.Where(), "test, "))
				case err != nil:
					out.End = err.Error()
				default:
					out.Rows = append(out.Rows, row.Values[0].(string))
				}
			}
			runtime.ReadMemStats(&after)
			out.check(t, c.rows, c.end)
			if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 6*MaxRow {
				t.Errorf("%d MiB were allocated", grown>>20)
			}
		})
	}
}

func TestNestingDepth(t *testing.T) {
	nested := func(depth int) string {
		return `{"a":"x","b":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	for _, fields := range [][]Field{Required("a"), Required("a", "b")} {
		readOn([]byte(nested(10_000)), fields).check(t, []string{"x"}, "")
		readOn([]byte(nested(10_001)+"\n"+nested(3)), fields).check(t, []string{"malformed line 1", "x"}, "")
	}
}

func TestNULBytes(t *testing.T) {
	readOn([]byte("{\"a\":\"x\"}\n\x00\x00\x00\n{\"a\":\"\x00\"}\n{\"a\":\"\\u0000\"}\n"), Required("a")).check(t,
		[]string{"x", "malformed line 2", "malformed line 3", "\x00"}, "")
	readOn([]byte("a,b\nx,1\ny\x00,2\n"), Required("a")).check(t, []string{"x", "malformed line 3"}, "")
	readOn([]byte("\x00\x00\x00\x00"), Required("a")).check(t, nil, "none of the formats")
	readOn([]byte(`[{"a":"x"}]`+"\x00"), Required("a")).check(t, []string{"x"}, "this is not valid JSON")
}

func TestEmptyLines(t *testing.T) {
	readOn([]byte("\n \t\r\n{\"a\":\"x\"}\n\n\n{}\n\n"), Required("a")).check(t, []string{"x", "missing-field line 6"}, "")
	readOn([]byte("\n\na,b\n\nx,1\n\r\ny\n"), Required("a")).check(t, []string{"x", "wrong-shape line 7"}, "")
	readOn([]byte("\n[\n\n{\"a\":\"x\"}\n\n]\n\n"), Required("a")).check(t, []string{"x"}, "")
}

func TestTrailingText(t *testing.T) {
	for _, c := range []struct{ tail, end string }{
		{" \r\n\t\n", ""}, {" {}", "there is more text after the end"}, {"[]", "there is more text after the end"}, {"?", "this is not valid JSON"}, {"]", "this is not valid JSON"}, {",", "this is not valid JSON"},
	} {
		readOn([]byte(`[{"a":"x"}]`+c.tail), Required("a")).check(t, []string{"x"}, c.end)
	}
}

// TestFilesWithoutRows: a shard may be empty, whatever its format is.
func TestFilesWithoutRows(t *testing.T) {
	for _, data := range []string{"", " ", "\n", "\r\n\t \n", byteOrder, strings.Repeat(" ", 3*window), strings.Repeat("\n", 3*window), string(zipped("\n")), string(zipped("")),
		string(zstandard("")), bzip2Empty, "[]", " [ ] ", `{"data":[{"paragraphs":[]}]}`, "a,b\n", "\"a\"\r\n", byteOrder + "b;a", string(parquetFile(t, []line{}))} {
		fields := Required("a")
		if strings.HasPrefix(data, magicParquet) {
			fields = Required("text")
		}
		if strings.HasPrefix(data, "{") {
			fields = Required("question")
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
	for _, class := range []Class{Malformed, InvalidUTF8, DuplicateName, MissingField, WrongShape, TooLong} {
		if !classes[string(class)] {
			t.Errorf("docs/contributing/decoding.md does not explain the class %s", class)
		}
	}
}
