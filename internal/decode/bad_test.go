package decode

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// outcome is what a caller sees that goes on after bad rows: the values of good rows, class and place of bad ones, and at last
// the error that ended the file.
type outcome struct {
	Rows []string
	End  string
}

func readOn(data []byte, fields []decoded.Field) outcome { return collect(memory(data), fields) }

func collect(file File, fields []decoded.Field) outcome {
	var out outcome
	for row, err := range Rows(context.Background(), file, fields) {
		var badRow *decoded.BadRow
		switch {
		case errors.As(err, &badRow):
			if contract.ReasonOf(err) != contract.InvalidData || badRow.Where != row.Where() {
				out.End = "the reason or the place is wrong"
			}
			out.Rows = append(out.Rows, string(badRow.Class)+" "+strings.TrimPrefix(badRow.Where, file.Name+", "))
		case err != nil:
			out.End = err.Error()
		default:
			text := "null"
			if row.Values[0] != nil {
				text, _ = row.Values[0].(string)
			}
			out.Rows = append(out.Rows, text)
		}
	}
	return out
}

// check compares the rows, and looks for a part of the message that ended the file; "" wants none.
func (o outcome) check(t *testing.T, rows []string, end string) {
	t.Helper()
	if diff := cmp.Diff(rows, o.Rows); diff != "" {
		t.Error(diff)
	}
	if (end == "") != (o.End == "") || !strings.Contains(o.End, end) {
		t.Errorf("the end is %q and should have %q", o.End, end)
	}
}

func TestGoingOnAfterABadRow(t *testing.T) {
	good := `{"a":"x"}` + "\n"
	for _, c := range []struct {
		name, data string
		rows       []string
		end        string
	}{
		{"JSON Lines: malformed", good + "{nonsense}\n" + good, []string{"x", "malformed line 2", "x"}, ""},
		{"JSON Lines: a row over several lines", good + "{\n\"a\":1}\n" + good, []string{"x", "malformed line 2", "malformed line 3", "x"}, ""},
		{"JSON Lines: two rows on a line", good + `{"a":"y"} {"a":"z"}` + "\n" + good, []string{"x", "malformed line 2", "x"}, ""},
		{"JSON Lines: not UTF-8", good + "{\"b\":\"\xff\"}\n" + good, []string{"x", "invalid-utf8 line 2", "x"}, ""},
		{"JSON Lines: a name twice", good + `{"a":"y","b":{"c":1,"c":1}}` + "\n" + good, []string{"x", "duplicate-name line 2", "x"}, ""},
		{"JSON Lines: a missing field", good + "{}\n\n{\"a\":null}\n" + good, []string{"x", "missing-field line 2", "missing-field line 4", "x"}, ""},
		{"JSON Lines: no object", good + "[1]\n7\n" + good, []string{"x", "wrong-shape line 2", "wrong-shape line 3", "x"}, ""},
		{"JSON Lines: the first rows", "{]\n{}\n" + good, []string{"malformed line 1", "missing-field line 2", "x"}, ""},
		{"JSON Lines: every row", "{}\n{}\n", []string{"missing-field line 1", "missing-field line 2"}, ""},
		{"JSON Lines: the last line is cut", good + `{"a":"y`, []string{"x"}, "line 2: the JSON ends before it is complete"},
		{"JSON Lines: the packing is cut", string(zipped(strings.Repeat(good, 3))[:30]), []string{"x", "x", "x"}, "the gzip packing is cut short"},
		{"an array: a missing field", `[{"a":"x"},{},{"a":null},{"a":"y"}]`, []string{"x", "missing-field element 2 of the array", "missing-field element 3 of the array", "y"}, ""},
		{"an array: no object", `[{"a":"x"},1,"s",[2],null,{"a":"y"}]`,
			[]string{"x", "wrong-shape element 2 of the array", "wrong-shape element 3 of the array", "wrong-shape element 4 of the array", "wrong-shape element 5 of the array", "y"}, ""},
		{"an array: malformed", `[{"a":"x"},{a},{"a":"y"}]`, []string{"x"}, "element 2 of the array: this is not valid JSON"},
		{"an array: a name twice", `[{"a":"x"},{"a":"y","a":"z"}]`, []string{"x", "duplicate-name element 2 of the array"}, ""},
		{"an array: cut", `[{"a":"x"},{},`, []string{"x", "missing-field element 2 of the array"}, "element 3 of the array: the JSON ends"},
		{"CSV: a wrong number of fields", "a,b\n1,2\n3\n4,5,6\n7,8\n", []string{"1", "wrong-shape line 3", "wrong-shape line 4", "7"}, ""},
		{"CSV: not UTF-8", "a,b\n1,2\n3,\xff\n7,8\n", []string{"1", "invalid-utf8 line 3", "7"}, ""},
		{"CSV: a quotation mark inside a field", "a,b\n1,2\n3\",4\n7,8\n", []string{"1", "malformed line 3", "7"}, ""},
		{"CSV: text after the quotation mark", "a,b\n1,2\n\"3\"x,4\n7,8\n", []string{"1", "malformed line 3", "7"}, ""},
		{"CSV: a flaw in the middle of a record over three lines", "a,b\n1,2\n\"3\n\xff\n\",4\n7,8\n", []string{"1", "invalid-utf8 line 3", "7"}, ""},
		{"CSV: cut inside a record", "a,b\n1,2\n3", []string{"1"}, "line 3: the file ends inside a record: it has 1 fields of 2"},
		{"CSV: cut inside quotes", "a,b\n1,2\n3,\"4\n5", []string{"1"}, "line 3: the file ends inside a quoted field"},
	} {
		t.Run(c.name, func(t *testing.T) {
			readOn([]byte(c.data), decoded.Required("a")).check(t, c.rows, c.end)
		})
	}
}

func TestGoingOnInSquad(t *testing.T) {
	data := `{"data":[{"paragraphs":[{"qas":[{"question":"q"}, 1, {}, {"question":"r","answers":[1]}, {"question":"s","answers":{}}, {"question":"t"}]}]}, {"paragraphs":[{"qas":[{"question":"u"}]}, 5]}]}`
	readOn([]byte(data), append(decoded.Required("question"), decoded.Optional("answers")...)).check(t,
		[]string{"q", "wrong-shape article 1, question 2", "missing-field article 1, question 3", "wrong-shape article 1, question 4", "wrong-shape article 1, question 5", "t"},
		"article 2: a paragraph must be an object")
}

func TestGoingOnInParquet(t *testing.T) {
	type row struct {
		A *string `parquet:"a,optional"`
		F float64 `parquet:"f"`
	}
	zero := 0.0
	data := parquetfile.Of(t, []row{{new("x"), 1}, {nil, 1}, {new("\xff"), 1}, {new("y"), 1 / zero}, {nil, zero / zero}, {new("z"), 1}}, parquet.MaxRowsPerRowGroup(2))
	readOn(data, decoded.Required("a", "f")).check(t, []string{"x", "missing-field row group 0, row 1", "invalid-utf8 row group 1, row 2",
		"malformed row group 1, row 3", "missing-field row group 2, row 4", "z"}, "")
	damaged := bytes.Clone(data)
	_, behind, _ := bytes.Cut(damaged, []byte("z"))
	copy(behind, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	if o := readOn(damaged, decoded.Required("a", "f")); o.End == "" || len(o.Rows) > 5 {
		t.Errorf("a broken row group does not end the file: %+v", o)
	}
}

// TestRowNumbersCountBadRows: which number a row has must not depend on what else is wrong with the file.
func TestRowNumbersCountBadRows(t *testing.T) {
	var numbers []int64
	for row, err := range Rows(context.Background(), memory([]byte("{\"a\":1}\n{}\n{\"a\":2}\n")), decoded.Required("a")) {
		if err != nil && !decoded.IsBad(err) {
			t.Fatal(err)
		}
		numbers = append(numbers, row.Number)
	}
	if diff := cmp.Diff([]int64{0, 1, 2}, numbers); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyBadRowsCanBeSkipped: an error that ends the file never looks like one that does not.
func TestOnlyBadRowsCanBeSkipped(t *testing.T) {
	for _, data := range []string{"[", `[{"a":1},`, "a,b\n\"", "a,b\n1,2\n\"x", "b,c\n1,2\n", "a,a\n1,2\n", "PAR1", "\x1f\x8b", "{\n}", squadText[:99], "{\"a\":[{}]}", `{"b":[{}]}`} {
		ends := 0
		for _, err := range Rows(context.Background(), memory([]byte(data)), decoded.Required("a")) {
			if err != nil && !decoded.IsBad(err) {
				ends++
			}
		}
		if want := 1; ends != want && data != "{\"a\":[{}]}" {
			t.Errorf("%q ends %d times", data, ends)
		}
	}
}

func TestBadRowIsAnError(t *testing.T) {
	cause := errors.New("the cause")
	err := error(&decoded.BadRow{Class: decoded.Malformed, Where: "rows, line 1", Err: cause})
	if err.Error() != "rows, line 1: the cause" || !errors.Is(err, cause) {
		t.Error(err)
	}
}
