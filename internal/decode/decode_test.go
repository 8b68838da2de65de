package decode

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// got is a row as the tests write it down.
type got struct {
	Number int64
	Where  string
	Values []any
}

// read collects a file's rows and the error that ended them.
func read(data []byte, fields []decoded.Field) ([]got, error) {
	return readFile(File{Name: "rows", Data: bytes.NewReader(data), Size: int64(len(data))}, fields)
}

func readFile(f File, fields []decoded.Field) ([]got, error) {
	var out []got
	for row, err := range Rows(context.Background(), f, fields) {
		if err != nil {
			return out, err
		}
		out = append(out, got{row.Number, row.Where(), slices.Clone(row.Values)})
	}
	return out, nil
}

func zipped(parts ...string) []byte {
	var out bytes.Buffer
	for _, part := range parts {
		z := gzip.NewWriter(&out)
		_, _ = io.WriteString(z, part)
		_ = z.Close()
	}
	return out.Bytes()
}

func zstandard(text string) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll([]byte(text), nil)
}

func TestRows(t *testing.T) {
	two := []got{{0, "rows, line 1", []any{"x"}}, {1, "rows, line 2", []any{"y"}}}
	elements := []got{{0, "rows, element 1 of the array", []any{"x"}}, {1, "rows, element 2 of the array", []any{"y"}}}
	lines := "{\"a\":\"x\",\"b\":[1,{\"c\":null}]}\n{\"b\":2,\"a\":\"y\"}\n"
	for _, c := range []struct {
		name   string
		data   string
		fields []decoded.Field
		want   []got
	}{
		{"JSON Lines", lines, decoded.Required("a"), two},
		{"without the last line end", strings.TrimSuffix(lines, "\n"), decoded.Required("a"), two},
		{"CRLF line ends", strings.ReplaceAll(lines, "\n", "\r\n"), decoded.Required("a"), two},
		{"a byte order mark", "\xef\xbb\xbf" + lines, decoded.Required("a"), two},
		{"space around a row", "  {\"a\":\"x\"}\t\n {\"a\":\"y\"} ", decoded.Required("a"), two},
		{"blank lines are skipped and counted", "\n \r\n{\"a\":\"x\"}\n\n\n{\"a\":\"y\"}\n\n", decoded.Required("a"),
			[]got{{0, "rows, line 3", []any{"x"}}, {1, "rows, line 6", []any{"y"}}}},
		{"gzip", string(zipped(lines)), decoded.Required("a"), two},
		{"gzip of several members, cut inside a row", string(zipped(lines[:40], "", lines[40:])), decoded.Required("a"), two},
		{"zstd", string(zstandard(lines)), decoded.Required("a"), two},
		{"zstd of several frames", string(zstandard(lines[:40])) + string(zstandard(lines[40:])), decoded.Required("a"), two},
		{"gzip with a byte order mark inside", string(zipped("\xef\xbb\xbf" + lines)), decoded.Required("a"), two},
		{"a compact array", `[{"a":"x"},{"a":"y"}]`, decoded.Required("a"), elements},
		{"an indented array", " [\r\n  {\r\n \"a\" : \"x\"\r\n  } ,\n {\"a\":\"y\"}\n]\n", decoded.Required("a"), elements},
		{"a packed array", string(zipped(`[{"a":"x"},{"a":"y"}]`)), decoded.Required("a"), elements},
		{"every kind of value", `{"s":"ü\u00fc\n\"","n":-1.50e3,"i":12345678901234567890,"t":true,"f":false,"z":null,"l":[1,"",[]],"o":{"k":{}}}`,
			slices.Concat(decoded.Required("s", "n", "i", "t", "f"), decoded.Optional("z"), decoded.Required("l", "o")),
			[]got{{0, "rows, line 1", []any{"üü\n\"", decoded.Number("-1.50e3"), decoded.Number("12345678901234567890"), true, false, nil,
				[]any{decoded.Number("1"), "", []any{}}, map[string]any{"k": map[string]any{}}}}}},
		{"fields in the order of the asking", `{"a":1,"b":2}`, decoded.Required("b", "a"), []got{{0, "rows, line 1", []any{decoded.Number("2"), decoded.Number("1")}}}},
		{"no fields", `{"a":1}`, nil, []got{{0, "rows, line 1", []any{}}}},
		{"absent and null are the same", `{"a":1}` + "\n" + `{"a":2,"b":null}` + "\n" + `{"a":3,"b":4}`, slices.Concat(decoded.Required("a"), decoded.Optional("b")),
			[]got{{0, "rows, line 1", []any{decoded.Number("1"), nil}}, {1, "rows, line 2", []any{decoded.Number("2"), nil}}, {2, "rows, line 3", []any{decoded.Number("3"), decoded.Number("4")}}}},
		{"a name with an escape", `{"\u0061":"x"}`, decoded.Required("a"), []got{{0, "rows, line 1", []any{"x"}}}},
		{"a path", `{"o":{"p":{"q":1,"r":2},"s":3},"q":4}`, decoded.Required("o.p.q", "q"), []got{{0, "rows, line 1", []any{decoded.Number("1"), decoded.Number("4")}}}},
		{"a path through what is no object", `{"o":[{"q":1}]}`, decoded.Optional("o.q"), []got{{0, "rows, line 1", []any{nil}}}},
		{"a path below a wanted field", `{"o":{"q":1}}`, decoded.Required("o", "o.q"), []got{{0, "rows, line 1", []any{map[string]any{"q": decoded.Number("1")}, decoded.Number("1")}}}},
		{"a name with a dot comes before a path", `{"o.q":1,"o":{"q":2}}` + "\n" + `{"o":{"q":2},"o.q":1}`, decoded.Required("o.q"),
			[]got{{0, "rows, line 1", []any{decoded.Number("1")}}, {1, "rows, line 2", []any{decoded.Number("1")}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read([]byte(c.data), c.fields)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRowsRefuses(t *testing.T) {
	whole := string(zipped(strings.Repeat("{\"a\":\"x\"}\n", 1000)))
	frame := string(zstandard(strings.Repeat("{\"a\":\"x\"}\n", 1000)))
	good := "{\"a\":\"x\"}\n"
	for _, c := range []struct {
		name, data string
		rows       int
		message    string // a part of it
	}{
		{"a line that is cut short", good + `{"a":"x`, 1, "rows, line 2: the JSON ends before it is complete"},
		{"a row over several lines", "{\n\"a\":1}\n", 0, "rows: the JSON ends before it is complete: the file is one JSON object over several lines"},
		{"a null in a required field", good + `{"a":null}`, 1, `rows, line 2: the field "a" is null and must have a value`},
		{"a wrong character in a field that is skipped", good + `{"a":"x","b":[1,}`, 1, `rows, line 2: this is not valid JSON at byte 16, in "/b/1"`},
		{"a wrong literal", good + `{"a":"x","b":nul}`, 1, `rows, line 2: this is not valid JSON at byte`},
		{"a name twice", good + `{"a":"x","b":1,"b":2}`, 1, `duplicate object member name`},
		{"a name twice, deep inside", good + `{"a":"x","b":[{"c":1,"c":2}]}`, 1, `in "/b/0/c": duplicate object member name`},
		{"not UTF-8 in a field that is skipped", good + "{\"a\":\"x\",\"b\":\"\xff\"}", 1, "invalid UTF-8"},
		{"half a surrogate pair", good + `{"a":"x","b":"\ud800"}`, 1, "invalid surrogate pair"},
		{"a control character in a string", good + "{\"a\":\"x\",\"b\":\"\x01\"}", 1, "line 2: this is not valid JSON"},
		{"two rows on a line", good + `{"a":"x"} {"a":"y"}`, 1, "rows, line 2: there is more text after the end"},
		{"a row and a comma", good + `{"a":"x"},`, 1, "rows, line 2: this is not valid JSON"},
		{"a row that is no object", good + `"x"`, 1, "rows, line 2: a row must be a JSON object, not a string"},
		{"a list on a line", good + `["x"]`, 1, "a row must be a JSON object, not a list"},
		{"a missing field", `{"b":1,"c":{"d":2}}`, 0, `rows, line 1: there is no field "a"; the fields of the file are "b", "c"`},
		{"a missing field in a later row", good + `{}`, 1, `rows, line 2: this row has no field "a", which the first row has: this row has none, the first row has "a"; `},
		{"an empty first row", `{}`, 0, `the fields of the file are none`},
		{"an array that is cut short", `[{"a":"x"},{"a":"y"}`, 2, "rows, element 3 of the array: the JSON ends before it is complete"},
		{"an array cut inside a row", `[{"a":"x"},{"a":"y`, 1, "rows, element 2 of the array: the JSON ends before it is complete"},
		{"text after an array", `[{"a":"x"}] {}`, 1, "there is more text after the end"},
		{"noise after an array", `[{"a":"x"}] ?`, 1, "this is not valid JSON"},
		{"an array of strings", `["x"]`, 0, "rows, element 1 of the array: a row must be a JSON object, not a string"},
		{"a trailing comma in an array", `[{"a":"x"},]`, 1, "element 2 of the array: this is not valid JSON"},
		{"gzip that is cut short", whole[:len(whole)-9], 0, "the gzip packing is cut short after"},
		{"gzip with a wrong checksum", whole[:len(whole)-8] + "12345678", 1000, "the gzip packing is damaged after 10000 unpacked bytes"},
		{"gzip with noise after it", whole + "noise and more noise", 1000, "the gzip packing is damaged"},
		{"a gzip header alone", whole[:5], 0, "the gzip packing is cut short after 0 unpacked bytes"},
		{"zstd that is cut short", frame[:len(frame)-4], 0, "the zstd packing is cut short"},
		{"zstd that is damaged", frame[:8] + "noise" + frame[13:], 0, "the zstd packing is damaged"},
		{"gzip around Parquet", string(zipped("PAR1....PAR1")), 0, "the file is packed twice: gzip around Parquet"},
		{"gzip around gzip", string(zipped(whole)), 0, "the file is packed twice"},
		{"a zip archive", "PK\x03\x04....", 0, "zip archive"},
		{"bzip2 that is cut short", "BZh91AY&SY", 0, "the bzip2 packing is cut short"},
		{"bzip2 that is damaged", bzip2Rows[:20] + "noise" + bzip2Rows[25:], 0, "the bzip2 packing is damaged"},
		{"bzip2 cut inside a block", bzip2Rows[:30], 0, "the bzip2 packing is cut short"},
		{"bzip2 with noise after it", bzip2Rows + "noise and more noise", 2, "the bzip2 packing is damaged"},
		{"gzip around bzip2", string(zipped(bzip2Rows)), 0, "the file is packed twice"},
		{"lz4", "\x04\x22\x4d\x18...", 0, "lz4"},
		{"xz", "\xfd7zXZ\x00...", 0, "xz"},
		{"an encrypted Parquet file", "PARE....PARE", 0, "encrypted Parquet"},
		{"UTF-16", "\xff\xfe{\x00", 0, "UTF-16"},
		{"an error page", "<!DOCTYPE html>", 0, "error page"},
		{"a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\n", 0, "Git LFS pointer"},
		{"a word", "Entry not found", 0, `the file begins with "Entry not found", which is none of the formats that are read`},
		{"a sentence with a comma", "Sorry, this is not here.\n", 0, `the file begins with "Sorry, this is n", which is none of the formats that are read`},
		{"a text with commas here and there", "Sorry, this is not here.\nGo away.\n", 0, `which is none of the formats that are read`},
		{"a JSON string", `"text"`, 0, `which is none of the formats that are read`},
		{"a number", "12\n13\n", 0, `which is none of the formats that are read`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := read([]byte(c.data), decoded.Required("a"))
			if contract.ReasonOf(err) != contract.InvalidData {
				t.Fatalf("the reason is %s: %v", contract.ReasonOf(err), err)
			}
			if !strings.Contains(err.Error(), c.message) {
				t.Errorf("the message is %q and should have %q", err, c.message)
			}
			if c.rows > 0 && len(rows) != c.rows {
				t.Errorf("%d rows came before the error, not %d", len(rows), c.rows)
			}
		})
	}
}

// TestRowsAnyChunks reads the same text however the bytes below arrive.
func TestRowsAnyChunks(t *testing.T) {
	var text strings.Builder
	for i := range 300 {
		text.WriteString(`{"a":"` + strings.Repeat("ü", i*7) + `","b":` + strings.Repeat("[", i%9) + strings.Repeat("]", i%9))
		if i%9 == 0 {
			text.WriteString("0")
		}
		text.WriteString("}\n")
	}
	want, err := read([]byte(text.String()), decoded.Required("a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, chop := range map[string]func(io.Reader) io.Reader{"one byte": iotest.OneByteReader, "half": iotest.HalfReader, "data with the end": iotest.DataErrReader} {
		l := newLines(chop(strings.NewReader(text.String())))
		l.buf = make([]byte, 16) // So that the buffer has to move and grow.
		for i, row := range want {
			line, err := l.next()
			if err != nil {
				t.Fatalf("%s: line %d: %v", name, i+1, err)
			}
			if begin := `{"a":"` + row.Values[0].(string) + `"`; !strings.HasPrefix(string(line), begin) {
				t.Fatalf("%s: line %d is %.40q", name, i+1, line)
			}
		}
		if _, err := l.next(); err != io.EOF {
			t.Errorf("%s: after the last line: %v", name, err)
		}
	}
}

func TestLineLimit(t *testing.T) {
	const limit = 1000
	for _, c := range []struct {
		name string
		text string
		want error
	}{
		{"below", strings.Repeat("x", limit-1) + "\n", nil},
		{"above, without an end", strings.Repeat("x", 3*lineBuffer), errTooLong},
		{"above, behind short lines", strings.Repeat("y\n", 100) + strings.Repeat("x", 3*lineBuffer) + "\n", errTooLong},
	} {
		l := newLines(strings.NewReader(c.text))
		l.limit, l.buf = limit, make([]byte, 64)
		var err error
		for err == nil {
			_, err = l.next()
		}
		if err == io.EOF {
			err = nil
		}
		if err != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(l.buf) > limit+lineBuffer {
			t.Errorf("%s: the buffer grew to %d bytes", c.name, len(l.buf))
		}
	}
}

func TestLimitedStream(t *testing.T) {
	l := &limited{stream: strings.NewReader("[{\"a\":\"" + strings.Repeat("x", 20000)), limit: 10000}
	a := openArray(l, func() {}, File{}, decoded.Required("a")).(*jsonArray)
	a.stream.limit = 10000
	if err := a.Next(&decoded.Row{Values: make([]any, 1)}); !errors.Is(err, errTooLong) {
		t.Errorf("a row that is too long gives %v", err)
	}
}

func TestLongLine(t *testing.T) {
	long := strings.Repeat("x", 15<<20)
	rows, err := read([]byte(`{"a":"`+long+`"}`+"\n"+`{"a":"y"}`), decoded.Required("a"))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].Values[0] != long || rows[1].Values[0] != "y" {
		t.Errorf("%d rows", len(rows))
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	asked := errors.New("the pod is to stop")
	n := 0
	for _, err := range Rows(ctx, memory([]byte(strings.Repeat("{}\n", 10*contextEvery))), nil) {
		if n++; n == 10 {
			cancel(asked)
		}
		if err != nil {
			if !errors.Is(err, asked) || !strings.HasPrefix(err.Error(), "reading test: ") {
				t.Error(err)
			}
			break
		}
	}
	if n != contextEvery+1 {
		t.Errorf("the loop ran %d times", n)
	}
}

// TestBrokenDisk keeps trouble with the bytes apart from trouble in them: trying again may help.
func TestBrokenDisk(t *testing.T) {
	broken := errors.New("input/output error")
	for _, begin := range []string{"", `{"a":1}` + "\n", `[{"a":1}`, "PAR1", string(zipped(strings.Repeat("{}\n", 10)))[:20]} {
		_, err := readFile(File{Name: "rows", Data: failing{begin, broken}, Size: 1 << 20}, nil)
		if contract.ReasonOf(err) != contract.WorkerFailed || !errors.Is(err, broken) {
			t.Errorf("after %q: %s, %v", begin, contract.ReasonOf(err), err)
		}
	}
}

// failing has its text and then an error.
type failing struct {
	text string
	err  error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.text)) {
		return 0, f.err
	}
	return copy(p, f.text[off:]), f.err
}

func TestStopEarly(t *testing.T) {
	for _, data := range [][]byte{[]byte("{}\n{}\n"), zstandard("{}\n{}\n"), []byte("[{},{}]")} {
		for row, err := range Rows(context.Background(), memory(data), nil) {
			if err != nil || row.Number != 0 {
				t.Fatal(row, err)
			}
			break
		}
	}
}

func TestRowFailf(t *testing.T) {
	cause := errors.New("the cause")
	err := decoded.Row{Number: 7}.Failf("no answer: %w", cause)
	if got, want := err.Error(), "row 7: no answer: the cause"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if contract.ReasonOf(err) != contract.InvalidData || !errors.Is(err, cause) {
		t.Errorf("%s, %v", contract.ReasonOf(err), err)
	}
}
