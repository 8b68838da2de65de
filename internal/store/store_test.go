package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at is the place of an absolute name, on a volume that is the whole machine.
func at(name string) Path { return machine().Path(name[1:]) }

var machine = sync.OnceValue(func() *Volume {
	volume, err := Open("/")
	if err != nil {
		panic(err)
	}
	return volume
})

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	var out []string
	for _, entry := range entries {
		out = append(out, entry.Name())
	}
	return out
}

func TestWriteFileReplacesWholeAndLeavesNothingBeside(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "two, longer", ""} {
		must(t, WriteFile(at(name), []byte(content)))
		got, err := os.ReadFile(name)
		must(t, err)
		if string(got) != content {
			t.Errorf("read %q, wrote %q", got, content)
		}
	}
	if got := names(t, filepath.Dir(name)); len(got) != 1 {
		t.Errorf("beside the file stand %v", got)
	}
	info, err := os.Stat(name)
	must(t, err)
	if info.Mode().Perm() != 0o444 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestStagingAppearsWholeOrNotAtAll(t *testing.T) {
	final := filepath.Join(t.TempDir(), "stages", "key")
	s, err := Stage(at(final))
	must(t, err)
	path, err := s.Path("sub/file")
	must(t, err)
	must(t, WriteFile(path, []byte("x")))
	if _, err := os.Stat(final); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the folder stands before it is committed: %v", err)
	}
	must(t, s.Commit())
	must(t, s.Close())
	if got, err := os.ReadFile(filepath.Join(final, "sub", "file")); err != nil || string(got) != "x" {
		t.Fatalf("%q, %v", got, err)
	}
	if got := names(t, filepath.Dir(final)); len(got) != 1 {
		t.Errorf("beside the folder stand %v", got)
	}
}

func TestCloseGivesUpWhatWasNotCommitted(t *testing.T) {
	final := filepath.Join(t.TempDir(), "key")
	s, err := Stage(at(final))
	must(t, err)
	must(t, s.Close())
	if got := names(t, filepath.Dir(final)); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestTheFirstOfTwoWritersWins(t *testing.T) {
	final := filepath.Join(t.TempDir(), "key")
	for _, content := range []string{"first", "second"} {
		s, err := Stage(at(final))
		must(t, err)
		defer s.Close()
		path, err := s.Path("file")
		must(t, err)
		must(t, WriteFile(path, []byte(content)))
		must(t, s.Commit())
	}
	if got, _ := os.ReadFile(filepath.Join(final, "file")); string(got) != "first" {
		t.Errorf("the finished folder was changed to %q", got)
	}
	if got := names(t, filepath.Dir(final)); len(got) != 1 {
		t.Errorf("beside the folder stand %v", got)
	}
}

func TestStageSweepsTheDeadAndSparesTheLiving(t *testing.T) {
	final := filepath.Join(t.TempDir(), "key")
	living, err := Stage(at(final))
	must(t, err)
	defer living.Close()
	dead := filepath.Join(filepath.Dir(final), stagingPrefix+"key-123")
	must(t, os.MkdirAll(filepath.Join(dead, "sub"), 0o755))
	other := filepath.Join(filepath.Dir(final), stagingPrefix+"another-1")
	must(t, os.Mkdir(other, 0o755))

	next, err := Stage(at(final))
	must(t, err)
	defer next.Close()
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what a dead writer left still stands")
	}
	for _, kept := range []string{living.Folder().String(), other} {
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("%s was swept away: %v", kept, err)
		}
	}
}

func TestManyWritersOfOneKey(t *testing.T) {
	final := filepath.Join(t.TempDir(), "key")
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			s, err := Stage(at(final))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			path, err := s.Path("file")
			if err == nil {
				err = WriteFile(path, fmt.Append(nil, i))
			}
			if err == nil {
				err = s.Commit()
			}
			if err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if got := names(t, filepath.Dir(final)); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWriterCountsAndHashes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	w, err := Create(at(name))
	must(t, err)
	content := bytes.Repeat([]byte("row\n"), 1_000_000) // more than the buffer
	for i := 0; i < len(content); i += 400_000 {
		if _, err := w.Write(content[i : i+400_000]); err != nil {
			t.Fatal(err)
		}
		if w.Bytes() != int64(i+400_000) {
			t.Errorf("offset %d after %d bytes", w.Bytes(), i+400_000)
		}
	}
	done, err := w.Finish()
	must(t, err)
	w.Abort()
	sum := sha256.Sum256(content)
	if want := (Written{SHA256: hex.EncodeToString(sum[:]), XXH64: fmt.Sprintf("%016x", xxhash.Sum64(content)), Bytes: int64(len(content))}); done != want {
		t.Errorf("written %v, want %v", done, want)
	}
	if got, _ := os.ReadFile(name); !bytes.Equal(got, content) {
		t.Error("the file does not hold what was written")
	}
	if _, err := Create(at(name)); err == nil {
		t.Error("a finished file was begun again")
	}
}

func TestLinkIsNoSecondCopyAndMayBeRepeated(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "a"), filepath.Join(folder, "sub", "b")
	must(t, WriteFile(at(from), []byte("x")))
	must(t, Link(at(from), at(to)))
	must(t, Link(at(from), at(to)))
	a, err := os.Stat(from)
	must(t, err)
	b, err := os.Stat(to)
	must(t, err)
	if !os.SameFile(a, b) {
		t.Error("the link is a copy")
	}
	if err := Link(at(folder).Join("none"), at(folder).Join("c")); err == nil {
		t.Error("linked a file that is not there")
	}
	must(t, copyFile(at(from), at(folder).Join("copy")))
	if got, _ := os.ReadFile(filepath.Join(folder, "copy")); string(got) != "x" {
		t.Errorf("the copy holds %q", got)
	}
}

func TestSwapLink(t *testing.T) {
	name := filepath.Join(t.TempDir(), "current")
	must(t, os.Symlink("left by a dead worker", name+".next"))
	for _, target := range []string{"revisions/a", "revisions/b", "revisions/b"} {
		must(t, SwapLink(at(name), target))
		if got, err := os.Readlink(name); err != nil || got != target {
			t.Errorf("the link holds %q, %v; want %q", got, err, target)
		}
	}
}

func TestRemoveAll(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "revision")
	must(t, os.MkdirAll(filepath.Join(folder, "sub"), 0o755))
	must(t, RemoveAll(at(folder)))
	must(t, RemoveAll(at(folder)))
	if got := names(t, filepath.Dir(folder)); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestReadJSON(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f.json")
	var into struct{ A int }
	if err := ReadJSON(at(name), &into); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	must(t, WriteFile(at(name), []byte(`{"A":7}`)))
	if err := ReadJSON(at(name), &into); err != nil || into.A != 7 {
		t.Errorf("%v, %v", into, err)
	}
	must(t, WriteFile(at(name), []byte(`{"A":`)))
	if err := ReadJSON(at(name), &into); contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), name) {
		t.Errorf("half a file: %v", err)
	}
}

func writeRows(t *testing.T, folder string, rows []string) (file, index string) {
	t.Helper()
	file, index = filepath.Join(folder, "rows.jsonl"), filepath.Join(folder, "rows.idx")
	out, err := CreateRows(at(file), at(index))
	must(t, err)
	for i, row := range rows {
		must(t, out.Add([]byte(row), Entry{Identity: Short{byte(i)}, Units: int64(i) << 40}))
	}
	if out.Rows() != int64(len(rows)) || out.Bytes() != int64(len(strings.Join(rows, ""))) {
		t.Errorf("%d rows, %d bytes", out.Rows(), out.Bytes())
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
			file, index := writeRows(t, t.TempDir(), rows)
			r, err := OpenRows(at(file), at(index), hold)
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
	file, index := writeRows(t, t.TempDir(), rows)
	random := rand.New(rand.NewPCG(3, 4))
	for _, hold := range []int64{0, 700 << 10, 2 << 20} {
		r, err := OpenRows(at(file), at(index), hold)
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
	file, index := writeRows(t, t.TempDir(), []string{"a\n", "b\n"})
	content, err := os.ReadFile(index)
	must(t, err)
	for what, damaged := range map[string][]byte{"cut short": content[:len(content)-1], "an offset beyond the end": append([]byte{255, 255}, content[2:]...)} {
		must(t, os.Remove(index))
		must(t, WriteFile(at(index), damaged))
		r, err := OpenRows(at(file), at(index), 0)
		if err == nil {
			_, _, err = r.Row(0)
			r.Close()
		}
		if contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, missing := range [][2]string{{file + "x", index}, {file, index + "x"}} {
		if _, err := OpenRows(at(missing[0]), at(missing[1]), 0); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("a missing file: %v", err)
		}
	}
}

func TestCache(t *testing.T) {
	cache := Cache{Root: at(t.TempDir()).Join(".cache")}
	first, err := cache.Partial("key/a.parquet")
	must(t, err)
	second, err := cache.Partial("key/a.parquet")
	must(t, err)
	if first.Path == second.Path {
		t.Fatal("two writers share a file")
	}
	must(t, os.WriteFile(first.Path.String(), []byte("half"), 0o644))
	must(t, second.Close())
	must(t, first.Close())

	again, err := cache.Partial("key/a.parquet")
	must(t, err)
	if got, _ := os.ReadFile(again.Path.String()); string(got) != "half" {
		t.Errorf("the next writer goes on with %q", got)
	}
	sum := sha256.Sum256([]byte("half"))
	digest := hex.EncodeToString(sum[:])
	has := func(digest string, size int64) bool {
		held, ok, err := cache.Hold(context.Background(), digest, size)
		must(t, err)
		if ok {
			must(t, held.Close())
		}
		return ok
	}
	if has(digest, 4) || has("", 4) {
		t.Error("the cache has what nobody kept")
	}
	held, err := cache.Keep(context.Background(), again, digest)
	must(t, err)
	must(t, again.Close())
	if got, err := io.ReadAll(held); err != nil || string(got) != "half" {
		t.Errorf("holds %q, %v", got, err)
	}
	must(t, held.Close())
	for _, size := range []int64{4, -1} {
		if !has(digest, size) {
			t.Errorf("does not have size %d", size)
		}
	}
	if got := names(t, cache.Root.Join("partial").String()); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}
