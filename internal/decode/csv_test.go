package decode

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

func TestTables(t *testing.T) {
	rows := func(first string, more ...[]any) []got {
		out := []got{{0, "rows, line " + first, nil}}
		for i, values := range more {
			if i > 0 {
				out = append(out, got{int64(i), "", nil})
			}
			out[i].Values = values
		}
		return out
	}
	for _, c := range []struct {
		name, data string
		fields     []decoded.Field
		want       []got
	}{
		{"commas", "a,b\n1,2\n3,4\n", decoded.Required("b", "a"), rows("2", []any{"2", "1"}, []any{"4", "3"})},
		{"semicolons", "a;b\n1,5;2\n", decoded.Required("a", "b"), rows("2", []any{"1,5", "2"})},
		{"tabs", "a\tb\n1\t2, 3\n", decoded.Required("a", "b"), rows("2", []any{"1", "2, 3"})},
		{"without the last line end", "a,b\n1,2", decoded.Required("a"), rows("2", []any{"1"})},
		{"CRLF", "a,b\r\n1,2\r\n3,\"4\"\r\n", decoded.Required("b"), rows("2", []any{"2"}, []any{"4"})},
		{"a byte order mark", "\xef\xbb\xbfa,b\n1,2\n", decoded.Required("a"), rows("2", []any{"1"})},
		{"a quoted header", "\"a\",\"b, c\"\n1,2\n", decoded.Required("b, c"), rows("2", []any{"2"})},
		{"quotes", "a,b\n\"x, \"\"y\"\"\",\"\"\n", decoded.Required("a", "b"), rows("2", []any{`x, "y"`, ""})},
		{"line ends in quotes stay as they are", "a,b\n\"x\r\n\ny\",z\n1,2\n", decoded.Required("a", "b"), rows("2", []any{"x\r\n\ny", "z"}, []any{"1", "2"})},
		{"empty fields are empty strings", "a,b,c\n,,\n", decoded.Required("a", "c"), rows("2", []any{"", ""})},
		{"an absent optional column is nil", "a,b\n1,2\n", append(decoded.Required("a"), decoded.Optional("z")...), rows("2", []any{"1", nil})},
		{"all values are strings", "a,b\n1.50e3,true\n", decoded.Required("a", "b"), rows("2", []any{"1.50e3", "true"})},
		{"space belongs to the field", "a,b\n 1 , 2 \n", decoded.Required("a", "b"), rows("2", []any{" 1 ", " 2 "})},
		{"empty lines are skipped and counted", "\n\na,b\n\r\n\n1,2\n\n", decoded.Required("a"), rows("6", []any{"1"})},
		{"a name with a dot is no path", "a.b,c\n1,2\n", decoded.Required("a.b"), rows("2", []any{"1"})},
		{"gzip", string(zipped("a,b\n1,", "2\n")), decoded.Required("b"), rows("2", []any{"2"})},
		{"only the second record is whole", "a,b\nx\n1,2\n", nil, nil},
		{"an index without a name", ",a\n0,x\n1,y\n", decoded.Required("a"), rows("2", []any{"x"}, []any{"y"})},
		{"a delimiter at the end of each line", "a,b,\n1,2,\n", decoded.Required("a"), rows("2", []any{"1"})},
		{"a name twice that nobody wants", "a,b,b\n1,2,3\n", decoded.Required("a"), rows("2", []any{"1"})},
		{"one column, which is wanted", "a\none\ntwo\n", decoded.Required("a"), rows("2", []any{"one"}, []any{"two"})},
		{"a header's text in a table of one column", "a\na\n", decoded.Required("a"), rows("2", []any{"a"})},
		{"a quoted text over lines without tabs", "a\tb\n\"x\ny\"\t1\n", decoded.Required("a"), rows("2", []any{"x\ny"})},
		{"a quoted text over lines with tabs, but others than the header", "a\tb\n\"x\ty\tz\nw\"\t1\n", decoded.Required("a"), rows("2", []any{"x\ty\tz\nw"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read([]byte(c.data), c.fields)
			if c.want == nil {
				if !decoded.IsBad(err) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range got[1:] {
				got[i+1].Where = ""
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTablesRefuse(t *testing.T) {
	for _, c := range []struct{ name, data, message string }{
		{"a name twice", "a,b,a\n1,2,3\n", `rows: the header: the name "a" is there twice`},
		{"a missing column", "b,c\n1,2\n", `rows: there is no field "a"; the fields of the file are "b", "c"`},
		{"no record like the header", "a,b\n1\n2\n", "rows, line 2: the record has 1 fields and the header 2"},
		{"another header, and no record like it", "b,c\n1\n2\n", "which is none of the formats that are read"},
		{"a header that is not UTF-8", "a,\xff\n1,2\n", "rows: the header: the text is not UTF-8"},
		{"a NUL byte in the header", "a,b\x00\n1,2\n", "rows: the header: there is a NUL byte in the text"},
		{"a first record that is not UTF-8", "a,b\ncaf\xe9,1\n", "rows, line 2: the text is not UTF-8"},
		{"a first record that is not UTF-8, of other columns", "b,c\ncaf\xe9,1\n", `there is no field "a"; the fields of the file are "b", "c"`},
		{"a first record with a quote inside", "a,b\n5\" pipe,1\n", "rows, line 2: there is a quotation mark inside a field"},
		{"lines that end with CR", "a,b\r1,2\r3,4\r", "rows: the header: the lines of the file end with CR alone"},
		{"a header that comes again", "a,b\n1,2\na,b\n3,4\n", "rows, line 3: the record repeats the header"},
		{"a header that comes again with its mark", "a,b\n1,2\n" + byteOrder + "a,b\n3,4\n", "rows, line 3: the record repeats the header"},
		{"a quoted field over lines with as many tabs as the header", "a\tb\n\"no\t1\nplain\t2\nleft\"\t3\n", "each of them has as many fields as the header"},
		{"a quoted field with tabs to the end of the file", "a\tb\n1\t2\n\"no\t1\nplain\t2\n", "set read.table.quote to None"},
		{"a NUL byte in a record", "a,b\n1,2\n\x00,2\n", "rows, line 3: there is a NUL byte in the text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := read([]byte(c.data), decoded.Required("a")); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v\nshould say %s", err, c.message)
			}
		})
	}
}

// TestTablesThatAreDescribed has what is said of a file, by its description or by its name, and not found in it.
func TestTablesThatAreDescribed(t *testing.T) {
	quoted := "a\tb\n\"no\t1\nplain\t2\nleft\"\t3\n"
	for _, c := range []struct {
		name, file, data string
		table            *Table
		fields           []decoded.Field
		want             []string
		end              string
	}{
		{"quotation marks that mean nothing", "rows", quoted, &Table{Quote: QuoteNone}, decoded.Required("a"), []string{`"no`, "plain", `left"`}, ""},
		{"quotation marks that mean what they do", "rows", quoted, &Table{Quote: QuoteDouble}, decoded.Required("a"), []string{"no\t1\nplain\t2\nleft"}, ""},
		{"a mark inside a field that means nothing", "rows", "a,b\n5\" pipe,1\n\"\",2\n", &Table{Quote: QuoteNone}, decoded.Required("a"), []string{`5" pipe`, `""`}, ""},
		{"a delimiter", "rows", "a|b\n1,5;2|2\n", &Table{Delimiter: '|'}, decoded.Required("a"), []string{"1,5;2"}, ""},
		{"a delimiter against what is found", "rows", "a,b;c\n1,2;3\n", &Table{Delimiter: ';'}, decoded.Required("a,b"), []string{"1,2"}, ""},
		{"columns of a table without a header", "rows", "x,1\ny,2\n", &Table{Columns: []string{"a", "b"}}, decoded.Required("a"), []string{"x", "y"}, ""},
		{"columns of one record", "rows", "x\n", &Table{Columns: []string{"a"}, Delimiter: ','}, decoded.Required("a"), []string{"x"}, ""},
		{"columns of a table with a header", "rows", "a,b\nx,1\n", &Table{Columns: []string{"a", "b"}}, decoded.Required("a"), []string{"wrong-shape line 1", "x"}, ""},
		{"a table whose header looks like JSON", "rows", "{a},b\nx,1\n", &Table{}, decoded.Required("{a}"), []string{"x"}, ""},
		{"one column that is not said to be required", "rows", "a\none\n", &Table{}, decoded.Optional("a"), []string{"one"}, ""},
		{"the same without a description", "rows", "a\none\n", nil, decoded.Optional("a"), nil, "or set read.table if it is a table"},
		{"the same in a .csv", "part/Rows.CSV.gz", string(zipped("a\none\n")), nil, decoded.Optional("a"), []string{"one"}, ""},
		{"a header alone in a .tsv", "rows.tsv", "a\tb\n", nil, decoded.Optional("a"), nil, ""},
		{"an error page in a .csv", "rows.csv", "Entry not found", nil, decoded.Required("a"), nil, `there is no field "a"; the fields of the file are "Entry not found"`},
		{"JSON Lines in a .csv", "rows.csv", `{"a":"x"}`, nil, decoded.Required("a"), []string{"x"}, ""},
		{"a zip archive", "rows", "PK\x03\x04", &Table{}, decoded.Required("a"), nil, "zip archive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := memory([]byte(c.data))
			file.Name, file.Table = c.file, c.table
			collect(file, c.fields).check(t, c.want, c.end)
		})
	}
}

func TestTablesOfManyColumns(t *testing.T) {
	readOn([]byte("a,b\nx,1\n"+strings.Repeat(",", decoded.MaxValues+5)+"\n\"\""+strings.Repeat(",", decoded.MaxValues+5)+"\ny,2\n"), decoded.Required("a")).check(t, []string{"x", "too-long line 3", "too-long line 4", "y"}, "")
	readOn([]byte("a,b\nx,1\n"+strings.Repeat("x", decoded.MaxKept+1)+",2\ny,2\n"), decoded.Required("a")).check(t, []string{"x", "too-long line 3", "y"}, "")
}

func TestFindDelimiter(t *testing.T) {
	for _, c := range []struct {
		text  string
		whole bool
		want  byte
	}{
		{"a,b\n1,2", true, ','},
		{"a;b\n1;2", true, ';'},
		{"a\tb\n1\t2", true, '\t'},
		{"a,b;c\n1,2;3", true, ','},           // a tie goes to the comma
		{"a,b;c;d\n1,2;3;4", true, ';'},       // and before that to the one with more fields
		{"a;b,c\n1;2\n3;4\n5;6,7", true, ';'}, // and first of all to the one that more records follow
		{"text, more\nnothing", true, 0},      // nothing agrees
		{"a,b\n1,2", false, ','},              // the line that is not whole is not looked at
		{"a,b\n\"1\n2", false, ','},           // a record that goes on behind the window
		{"a,b\n\"1\n2", true, 0},              // and one that never ends
		{"a,b\n\xff,2", true, ','},            // a record whose characters are wrong is one
		{"a,b", false, 0},                     // a header longer than the window
		{"", true, 0},
	} {
		if got := findDelimiter([]byte(c.text), c.whole, QuoteUnsaid); got != c.want {
			t.Errorf("%q: %q, not %q", c.text, got, c.want)
		}
	}
}

func TestTableRecordLimit(t *testing.T) {
	r := records{lines: newLines(strings.NewReader("a,b\n\"" + strings.Repeat("x\n", 2000))), delimiter: ','}
	r.lines.limit = 1000
	if err := r.next(); err != nil {
		t.Fatal(err)
	}
	if err := r.next(); err != errTooLong {
		t.Errorf("a quoted record that is too long: %v", err)
	}
	r = records{lines: newLines(strings.NewReader("a,b\n" + strings.Repeat("x", 2000000) + "\n1,2\n")), delimiter: ','}
	r.lines.limit = 1000
	_ = r.next()
	if err := r.next(); !decoded.IsBad(err) || !errors.Is(err, errTooLong) {
		t.Errorf("a line that is too long: %v", err)
	}
	if err := r.next(); err != nil || string(r.fields[0]) != "1" {
		t.Errorf("after it: %v", err)
	}
}

// FuzzCSV compares with encoding/csv, and reads the text behind a header: rows and bad rows, and never a panic.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a,b\r\n\"x\r\ny\",\"\"\"\"\n", "a,b\n1\n2,3\n", "a;b\n1;\"2\n3\"\n", "a\tb\n\t\n", "a,b\n\"x\"y,2\n3,4", "a,b\n\n\n,\n", "a,\"b\n1,2",
		"1,2\n", "\"1\n2\",\"3\"\"\"\n", "1\n2,3,4\n5,6", "\x00,\xff\n", "\"", "\r\n\r\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		agreeOnRecords(t, strings.ReplaceAll(text, "\r", ""))
		for header, delimiter := range map[string]string{"a,b\n1,2\n": ",", "a\tb\n1\t2\n": "\t"} {
			rows := 0
			for row, err := range Rows(context.Background(), memory([]byte(header+strings.ReplaceAll(text, ",", delimiter))), decoded.Required("b")) {
				if rows++; err != nil {
					continue
				}
				if _, ok := row.Values[0].(string); !ok {
					t.Fatalf("%v", row.Values)
				}
			}
			if rows == 0 || rows > 2+strings.Count(text, "\n")+1 {
				t.Fatalf("%d rows of %q", rows, text)
			}
		}
	})
}

// agreeOnRecords compares with encoding/csv: what both read is the same, but for CRLF in quotes, which that package changes.
func agreeOnRecords(t *testing.T, text string) {
	t.Helper()
	r := records{lines: newLines(strings.NewReader(text)), delimiter: ','}
	reference := csv.NewReader(strings.NewReader(text))
	reference.FieldsPerRecord = -1
	for {
		want, wrong := reference.Read()
		err := r.next()
		if wrong != nil || err != nil {
			var badRow *decoded.BadRow
			if errors.As(err, &badRow) && errors.Is(badRow, errNotUTF8) || errors.Is(err, errNul) {
				return // encoding/csv looks at neither.
			}
			if (wrong == io.EOF) != (err == io.EOF) || (wrong == nil) != (err == nil) {
				t.Fatalf("%v, and encoding/csv %v", err, wrong)
			}
			return
		}
		var got []string
		for _, field := range r.fields {
			got = append(got, string(field))
		}
		if !slices.Equal(want, got) {
			t.Fatalf("%q, and encoding/csv %q", got, want)
		}
	}
}
