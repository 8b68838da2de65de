package rowfile

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeRows(t *testing.T, rows []string) (file, index store.Path) {
	t.Helper()
	in := volume.Folder(t)
	file, index = in.Join("rows.jsonl"), in.Join("rows.idx")
	out, err := Create(file, index)
	must(t, err)
	for i, row := range rows {
		must(t, out.Add([]byte(row), Entry{Identity: Short{byte(i)}, Units: int64(i) << 40}))
	}
	if out.Rows() != int64(len(rows)) {
		t.Errorf("%d rows", out.Rows())
	}
	_, err = out.Finish()
	must(t, err)
	return file, index
}

func TestRowsInAnyOrder(t *testing.T) {
	const hold = 1 << 20
	long := strings.Repeat("x", hold) + "\n"
	for what, rows := range map[string][]string{"in memory": {"a\n", "bcd\n", "\n"}, "on the volume": {"a\n", long, "z\n"}, "none": nil} {
		t.Run(what, func(t *testing.T) {
			file, index := writeRows(t, rows)
			r, err := Open(file, index, hold)
			must(t, err)
			defer r.Close()
			if r.Len() != int64(len(rows)) {
				t.Errorf("%d rows", r.Len())
			}
			for _, i := range []int{2, 0, 1, 1} {
				if i >= len(rows) {
					continue
				}
				buffer, entry, err := r.Row(int64(i))
				must(t, err)
				if string(buffer) != rows[i] {
					t.Errorf("row %d has %d bytes, want %d", i, len(buffer), len(rows[i]))
				}
				if entry.Identity != (Short{byte(i)}) || entry.Units != int64(i)<<40 {
					t.Errorf("entry %d is %v", i, entry)
				}
			}
		})
	}
}

// Rows and entries in any order: held whole with their index, the file alone too large to be held, and neither at hand.
func TestManyRowsInAnyOrder(t *testing.T) {
	var rows []string
	for i := range 20_000 {
		rows = append(rows, strings.Repeat("x", i%97)+"\n")
	}
	file, index := writeRows(t, rows)
	random := rand.New(rand.NewPCG(3, 4))
	for _, hold := range []int64{0, 700 << 10, 2 << 20} {
		r, err := Open(file, index, hold)
		must(t, err)
		for n := range 2 * len(rows) {
			i := n
			if n >= len(rows) {
				i = random.IntN(len(rows))
			}
			line, entry, err := r.Row(int64(i))
			must(t, err)
			if string(line) != rows[i] || entry.Units != int64(i)<<40 {
				t.Fatalf("held up to %d bytes: row %d is %q with %d units", hold, i, line, entry.Units)
			}
		}
		must(t, r.Close())
	}
}

func TestDamagedIndexesAreFound(t *testing.T) {
	file, index := writeRows(t, []string{"a\n", "b\n"})
	content, err := index.ReadFile()
	must(t, err)
	for what, damaged := range map[string][]byte{"cut short": content[:len(content)-1], "an offset beyond the end": append([]byte{255, 255}, content[2:]...)} {
		must(t, index.Remove())
		must(t, store.WriteFile(index, damaged))
		r, err := Open(file, index, 0)
		if err == nil {
			_, _, err = r.Row(0)
			r.Close()
		}
		if contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, missing := range [][2]store.Path{{file.Dir().Join("x"), index}, {file, index.Dir().Join("x")}} {
		if _, err := Open(missing[0], missing[1], 0); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("a missing file: %v", err)
		}
	}
}

// TestRowsThatAreNotThere: neither a number outside of the file nor a file that lost its end gives a row.
func TestRowsThatAreNotThere(t *testing.T) {
	rows := []string{"a\n", "bcd\n"}
	file, index := writeRows(t, rows)
	if info, err := index.Stat(); err != nil || info.Size() != IndexBytes(2) {
		t.Errorf("the index of two rows: %v, %v", info, err)
	}
	r, err := Open(file, index, 0)
	must(t, err)
	defer r.Close()
	for _, i := range []int64{-1, 2, 1 << 40} {
		if _, _, err := r.Row(i); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("row %d: %v", i, err)
		}
		if _, _, err := r.Find(i); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	must(t, file.Remove())
	must(t, store.WriteFile(file, []byte(rows[0][:1])))
	short, err := Open(file, index, 0)
	must(t, err)
	defer short.Close()
	for i := range int64(2) {
		if _, _, err := short.Row(i); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("row %d, of which the end was cut off: %v", i, err)
		}
	}
}

// TestRowsThatWereGivenUp are not finished.
func TestRowsThatWereGivenUp(t *testing.T) {
	in := volume.Folder(t)
	out, err := Create(in.Join("rows.jsonl"), in.Join("rows.idx"))
	must(t, err)
	must(t, out.Add([]byte("a\n"), Entry{}))
	out.Abort()
	if _, err := out.Finish(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestFilesThatExist: neither file of rows takes the place of another one.
func TestFilesThatExist(t *testing.T) {
	file, index := writeRows(t, []string{"a\n"})
	other := file.Dir().Join("other")
	for _, names := range [][2]store.Path{{file, other}, {other, index}} {
		if _, err := Create(names[0], names[1]); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s and %s: %v", names[0], names[1], err)
		}
	}
}
