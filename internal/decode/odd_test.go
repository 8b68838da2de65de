package decode

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// badRow returns the first bad row of a text, read as Rows does and as Batches does, which say the same.
func badRow(t *testing.T, text string, fields []decoded.Field) string {
	t.Helper()
	file := File{Name: "rows", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
	said := ""
	for _, err := range Rows(context.Background(), file, fields) {
		if err != nil {
			said = err.Error()
			break
		}
	}
	for _, err := range Batches(context.Background(), file, fields) {
		if err != nil {
			if err.Error() != said {
				t.Errorf("Rows says %q, and Batches %q", said, err)
			}
			break
		}
	}
	return said
}

// TestOneOddRow: a row that lacks what its neighbors have is named as that, wherever it stands; a field that no row has is the
// mapping's mistake.
func TestOneOddRow(t *testing.T) {
	const good, odd = `{"messages":[],"id":1}`, `{"text":"x","id":2}`
	rows := func(before, after int) []string {
		lines := []string{}
		for range before {
			lines = append(lines, good)
		}
		lines = append(lines, odd)
		for range after {
			lines = append(lines, good)
		}
		return lines
	}
	const (
		later = `this row has no field "messages", which the first row has: this row has "text", "id", the first row has "messages", "id"; correct the row at the source, or skip it as a bad row`
		first = `this row has no field "messages", which the row after it has: this row has "text", "id", the row after it has "messages", "id"; correct the row at the source, or skip it as a bad row`
		file  = `there is no field "messages"; the fields of the file are "text", "id"; choose the preset or mapping that fits them`
	)
	for _, c := range []struct {
		name string
		rows []string
		want string
	}{
		{"the second", rows(1, 3), later},
		{"the last of many", rows(5000, 0), later},
		{"the first", rows(0, 3), first},
		{"the only one", rows(0, 0), file},
		{"all", []string{odd, odd, odd}, file},
	} {
		if got := badRow(t, strings.Join(c.rows, "\n")+"\n", decoded.Required("messages")); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s, in lines: %s\nwant %s", c.name, got, c.want)
		}
		if got := badRow(t, "["+strings.Join(c.rows, ",")+"]", decoded.Required("messages")); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s, in an array: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestAfterAnOddFirstRow: the row that was looked at for the message comes in its turn, whatever it is.
func TestAfterAnOddFirstRow(t *testing.T) {
	for text, want := range map[string]string{
		`{"b":1}` + "\n" + `{"a":2}` + "\n" + `{"a":3}` + "\n": `bad 2 3`,
		`{"b":1}` + "\n" + `{"a":` + "\n" + `{"a":3}` + "\n":   `bad bad 3`,
		`{"b":1}` + "\n" + `[]` + "\n" + `{"a":3}` + "\n":      `bad bad 3`,
		`[{"b":1},{"a":2},{"a":3}]`:                            `bad 2 3`,
		`[{"b":1},[],{"a":3}]`:                                 `bad bad 3`,
		`[{"b":1}]`:                                            `bad`,
	} {
		var got []string
		for row, err := range Rows(context.Background(), File{Name: "rows", Data: strings.NewReader(text), Size: int64(len(text))}, decoded.Required("a")) {
			if err != nil {
				got = append(got, "bad")
			} else {
				got = append(got, string(row.Values[0].(decoded.Number)))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

// TestMistypedFields: a field that a person probably meant is named.
func TestMistypedFields(t *testing.T) {
	for _, c := range []struct{ wanted, row, meant string }{
		{"qestion", `{"question":"q","answer":"a"}`, `"question"`},
		{"Question", `{"question":"q"}`, `"question"`},
		{"reference_answer", `{"referenceAnswer":"a"}`, `"referenceAnswer"`},
		{"mesages", `{"message":"m","messages":[]}`, `"messages"`},
		{"q", `{"a":1,"b":2}`, ""},
		{"question", `{"prompt":1}`, ""},
		{"question", `{}`, ""},
		{"text", `{"` + strings.Repeat("text", 100) + `":1}`, ""},
	} {
		got := badRow(t, c.row+"\n", decoded.Required(c.wanted))
		_, meant, _ := strings.Cut(got, "did you mean ")
		if meant, _, _ = strings.Cut(meant, "?"); meant != c.meant {
			t.Errorf("%s in %s: did you mean %s, want %s\n%s", c.wanted, c.row, meant, c.meant, got)
		}
	}
	if got := badRow(t, "Question,Answer\nq,a\n", decoded.Required("question")); !strings.Contains(got, `did you mean "Question"?`) {
		t.Errorf("a column of a table: %s", got)
	}
}
