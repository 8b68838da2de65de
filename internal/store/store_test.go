package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at returns the place of an absolute name, on a volume that is the whole machine.
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
