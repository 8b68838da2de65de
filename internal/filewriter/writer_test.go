package filewriter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cespare/xxhash/v2"

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

func TestWriterCountsAndHashes(t *testing.T) {
	name := volume.Folder(t).Join("f")
	w, err := Create(name)
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
	if got, _ := name.ReadFile(); !bytes.Equal(got, content) {
		t.Error("the file does not hold what was written")
	}
	if _, err := Create(name); err == nil {
		t.Error("a finished file was begun again")
	}
}

// TestAWriterKeepsToItsVolume: nothing is begun in a folder that lies outside of the volume, behind a planted link.
func TestAWriterKeepsToItsVolume(t *testing.T) {
	in, outside := volume.Folder(t), t.TempDir()
	must(t, os.Symlink(outside, in.Join("link").String()))
	for what, create := range map[string]func(store.Path) (*Writer, error){"with a digest": Create, "plain": CreatePlain} {
		if _, err := create(in.Join("link", "f")); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("outside are %v, %v", left, err)
	}
}

// TestWhatASmallFileIs: one that is written at once is known by the same as one that is written front to back.
func TestWhatASmallFileIs(t *testing.T) {
	for _, content := range []string{"", "a row\n"} {
		w, err := Create(volume.Folder(t).Join("f"))
		must(t, err)
		_, err = w.Write([]byte(content))
		must(t, err)
		done, err := w.Finish()
		must(t, err)
		if as := WrittenOf([]byte(content)); as != done {
			t.Errorf("%q is %v at once, and %v front to back", content, as, done)
		}
	}
	plain, err := CreatePlain(volume.Folder(t).Join("f"))
	must(t, err)
	_, err = plain.Write([]byte("abc"))
	must(t, err)
	if done, err := plain.Finish(); err != nil || done != (Written{Bytes: 3}) {
		t.Errorf("a plain file is %v, %v", done, err)
	}
}

// TestNothingIsWrittenAfterAbort, whether or not something was waiting to be written.
func TestNothingIsWrittenAfterAbort(t *testing.T) {
	for _, written := range []int{0, 1, 3 * bufferSize} {
		w, err := Create(volume.Folder(t).Join("f"))
		must(t, err)
		_, err = w.Write(make([]byte, written))
		must(t, err)
		w.Abort()
		if _, err := w.Finish(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a file of %d bytes was finished after it was given up: %v", written, err)
		}
		for range 10 {
			if _, err = w.Write(make([]byte, bufferSize)); err != nil {
				break
			}
		}
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("after %d bytes, more were written to a file that was given up: %v", written, err)
		}
	}
}

// TestAFullVolume: an error of the background goroutine comes with a later Write, or with Finish, and has its reason.
func TestAFullVolume(t *testing.T) {
	for _, writes := range []int{1, 10} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skipf("this system has no device that is always full: %v", err)
		}
		w, err := Create(volume.Folder(t).Join("f"))
		must(t, err)
		must(t, w.file.Close())
		w.file = full
		for range writes {
			if _, err = w.Write(bytes.Repeat([]byte("x"), bufferSize)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = w.Finish()
		}
		w.Abort()
		if contract.ReasonOf(err) != contract.InsufficientStorage {
			t.Errorf("after %d buffers: %v", writes, err)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	row := bytes.Repeat([]byte("x"), 599)
	name := volume.Folder(b).Join("f")
	b.SetBytes(int64(len(row)) * 100_000)
	b.ReportAllocs()
	for b.Loop() {
		w, err := Create(name)
		must(b, err)
		for range 100_000 {
			if _, err := w.Write(row); err != nil {
				b.Fatal(err)
			}
		}
		_, err = w.Finish()
		must(b, err)
		must(b, name.Remove())
	}
}
