package encode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// turn and tabled are how a reader sees the rows of the tests' table.
type turn struct {
	Role    string `parquet:"role"`
	Content string `parquet:"content"`
}

type tabled struct {
	ID     string `parquet:"id"`
	Prompt []turn `parquet:"prompt,list"`
	Number int64  `parquet:"number"`
	Reward struct {
		Style string `parquet:"style"`
		Truth string `parquet:"truth"`
	} `parquet:"reward"`
}

var tabledFields = []Field{
	{Name: "id"},
	{Name: "prompt", List: true, Fields: []Field{{Name: "role"}, {Name: "content"}}},
	{Name: "number", Integer: true},
	{Name: "reward", Fields: []Field{{Name: "style"}, {Name: "truth"}}},
}

func (r tabled) add(t *Table) error {
	t.Text(0, []byte(r.ID))
	for _, one := range r.Prompt {
		t.Text(1, []byte(one.Role))
		t.Text(2, []byte(one.Content))
	}
	t.Integer(3, r.Number)
	t.Text(4, []byte(r.Reward.Style))
	t.Text(5, []byte(r.Reward.Truth))
	return t.EndRow()
}

// someRows makes rows of which many repeat, with lists of one to three and texts of up to size bytes.
func someRows(n, size int) []tabled {
	random := rand.New(rand.NewPCG(1, 2))
	rows := make([]tabled, n)
	for i := range rows {
		r := tabled{ID: fmt.Sprint("row_", i), Number: int64(i) - 5}
		for range 1 + random.IntN(3) {
			r.Prompt = append(r.Prompt, turn{Role: []string{"system", "user"}[random.IntN(2)], Content: strings.Repeat("ä\x00\n", random.IntN(size)) + strconv.Itoa(random.IntN(n/2+1))})
		}
		r.Reward.Style, r.Reward.Truth = "rule", strconv.Itoa(random.IntN(3))
		rows[i] = r
		if i > 0 && random.IntN(3) == 0 {
			rows[i] = rows[random.IntN(i)]
		}
	}
	return rows
}

func tableOf(t *testing.T, rows []tabled) []byte {
	t.Helper()
	var out bytes.Buffer
	table := NewTable(&out, tabledFields)
	for _, row := range rows {
		if err := row.add(table); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compared(file []byte, rows []tabled) error {
	table := CheckTable(bytes.NewReader(file), int64(len(file)), tabledFields)
	for _, row := range rows {
		if err := row.add(table); err != nil {
			return err
		}
	}
	return table.Close()
}

// A row of which the first is still in the row group is added by a leaf's text alone, and the file is the same.
func TestTableRepeatsRows(t *testing.T) {
	rows := someRows(60, 5)
	for i := range rows {
		rows[i].Number = int64(i)
	}
	var out bytes.Buffer
	table := NewTable(&out, tabledFields)
	repeated := 0
	for _, row := range rows {
		if !table.Repeat(0, []byte(row.ID)) {
			if err := row.add(table); err != nil {
				t.Fatal(err)
			}
			continue
		}
		repeated++
		table.Integer(3, row.Number)
		if err := table.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), tableOf(t, rows)) || repeated < 10 {
		t.Errorf("with %d rows that are repeated, the file is another", repeated)
	}
}

// A leaf that has the texts of another is read as they are, and is compared as any.
func TestTableLeavesWithTheSameTexts(t *testing.T) {
	fields := []Field{{Name: "a", Fields: []Field{{Name: "b"}}}, {Name: "c", Same: "a.b"}}
	write := func(table *Table, last string) error {
		for _, text := range []string{"one", "two", last} {
			table.Text(0, []byte(text))
			if err := table.EndRow(); err != nil {
				return err
			}
		}
		return table.Close()
	}
	var out bytes.Buffer
	if err := write(NewTable(&out, []Field{{Name: "a", Own: true}}), "one"); err != nil { // a text twice in the dictionary
		t.Error(err)
	}
	if read, err := parquet.Read[struct {
		A string `parquet:"a"`
	}](bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil || len(read) != 3 || read[2].A != "one" {
		t.Errorf("a leaf of own texts comes back as %v: %v", read, err)
	}
	out.Reset()
	if err := write(NewTable(&out, fields), "three"); err != nil {
		t.Fatal(err)
	}
	type same struct {
		A struct {
			B string `parquet:"b"`
		} `parquet:"a"`
		C string `parquet:"c"`
	}
	read, err := parquet.Read[same](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one", "two", "three"} {
		if read[i].A.B != want || read[i].C != want {
			t.Errorf("row %d is %+v, want %s twice", i, read[i], want)
		}
	}
	if err := write(CheckTable(bytes.NewReader(out.Bytes()), int64(out.Len()), fields), "three"); err != nil {
		t.Error(err)
	}
	if write(CheckTable(bytes.NewReader(out.Bytes()), int64(out.Len()), fields), "four") == nil {
		t.Error("another text passes")
	}
}

// A library that others wrote reads the rows, whatever their number: none, one, and so many that they have several row groups.
func TestTableIsReadByOthers(t *testing.T) {
	for _, c := range []struct{ rows, size, groups int }{{0, 1, 0}, {1, 1, 1}, {9, 5, 1}, {3000, 10, 1}, {1500, 10_000, 3}} {
		rows := someRows(c.rows, c.size)
		file := tableOf(t, rows)
		read, err := parquet.Read[tabled](bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, read, cmp.Transformer("none", func(r []tabled) []tabled { return append([]tabled{}, r...) })); c.rows < 10 && diff != "" {
			t.Errorf("%d rows (-written +read):\n%s", c.rows, diff)
		}
		if !cmp.Equal(append([]tabled{}, rows...), append([]tabled{}, read...)) {
			t.Errorf("%d rows come back otherwise", c.rows)
		}
		opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(opened.RowGroups()); got < c.groups {
			t.Errorf("%d rows of up to %d bytes are in %d row groups, want at least %d", c.rows, c.size, got, c.groups)
		}
		if err := compared(file, rows); err != nil {
			t.Errorf("%d rows: what was written is not what is expected: %v", c.rows, err)
		}
	}
}

// Whatever byte of a file is changed, added or taken away, the comparison finds it; and so it does another row.
func TestTableIsComparedToTheByte(t *testing.T) {
	rows := someRows(12, 2)
	file := tableOf(t, rows)
	for i := range file {
		for _, flip := range []byte{1, 0x80} {
			changed := bytes.Clone(file)
			changed[i] ^= flip
			if err := compared(changed, rows); err == nil && !samePages(changed, file) {
				t.Errorf("byte %d of %d with %#x is not missed", i, len(file), flip)
			}
		}
	}
	for cut := range file {
		if compared(file[:cut], rows) == nil {
			t.Errorf("a file of %d bytes of %d passes", cut, len(file))
		}
	}
	if compared(append(bytes.Clone(file), 0), rows) == nil {
		t.Error("a byte behind the end passes")
	}
	for i := range rows {
		other := append([]tabled{}, rows...)
		other[i].Number++
		if compared(file, other) == nil {
			t.Errorf("another number in row %d passes", i)
		}
		other = append([]tabled{}, rows...)
		other[i].Prompt = append([]turn{{Role: "system"}}, other[i].Prompt...)
		if compared(file, other) == nil {
			t.Errorf("another message in row %d passes", i)
		}
	}
	if compared(file, rows[:11]) == nil || compared(file, append(rows, rows[0])) == nil {
		t.Error("another number of rows passes")
	}
}

// samePages reports whether a change is one of how a page is packed alone, which says nothing else: then the rows are the same.
func samePages(a, b []byte) bool {
	left, errA := parquet.Read[tabled](bytes.NewReader(a), int64(len(a)))
	right, errB := parquet.Read[tabled](bytes.NewReader(b), int64(len(b)))
	return errA == nil && errB == nil && cmp.Equal(left, right)
}

func TestTableRefusesUnevenRows(t *testing.T) {
	for _, add := range []func(*Table){
		func(t *Table) {},
		func(t *Table) { t.Text(0, nil); t.Text(0, nil) },
	} {
		table := NewTable(&bytes.Buffer{}, []Field{{Name: "one"}})
		add(table)
		if table.EndRow() == nil || table.Close() == nil {
			t.Error("a row with a leaf without a value, or with two, passes")
		}
	}
}
