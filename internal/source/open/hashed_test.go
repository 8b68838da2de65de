package open_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
)

// hashedFile opens a file of a claim, as it is pinned.
func hashedFile(t *testing.T, content []byte, pinned string) (*source.Hashed, string) {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "rows.jsonl")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	from, err := open.New(recipe.Source{Volume: &recipe.Volume{ClaimName: "c", Path: "rows.jsonl"}}, open.Options{Volume: volume.Options{Claims: map[string]string{"c": folder}}})
	if err != nil {
		t.Fatal(err)
	}
	listing, err := from.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listing.Files[0].SHA256 = pinned
	f, err := source.AtHashed(t.Context(), from.(source.Local), listing.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, path
}

// TestHashedFilesAreHashedHoweverTheyAreRead: in order, twice in part, backwards, in several goroutines, or not at all.
func TestHashedFilesAreHashedHoweverTheyAreRead(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcde\n"), 40_000)
	sum := sha256.Sum256(content)
	read := func(f *source.Hashed, from, to int) error {
		buffer := make([]byte, to-from)
		if n, err := f.ReadAt(buffer, int64(from)); n != len(buffer) || !bytes.Equal(buffer, content[from:to]) {
			return errors.Join(errors.New("other bytes"), err)
		}
		return nil
	}
	half, end := len(content)/2, len(content)
	for what, reads := range map[string]func(f *source.Hashed) error{
		"not at all":    func(*source.Hashed) error { return nil },
		"in order":      func(f *source.Hashed) error { return errors.Join(read(f, 0, half), read(f, half, end)) },
		"its end first": func(f *source.Hashed) error { return errors.Join(read(f, half, end), read(f, 0, half)) },
		"its beginning": func(f *source.Hashed) error { return read(f, 0, 1000) },
		"partly twice":  func(f *source.Hashed) error { return errors.Join(read(f, 0, 1000), read(f, 0, half), read(f, 10, end)) },
		"by many": func(f *source.Hashed) error {
			var readers sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				readers.Go(func() {
					for at := i * 1000; at+1000 < end; at += 4000 {
						errs[i] = errors.Join(errs[i], read(f, at, at+1000))
					}
				})
			}
			readers.Wait()
			return errors.Join(errs...)
		},
	} {
		f, _ := hashedFile(t, content, hex.EncodeToString(sum[:]))
		if err := reads(f); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		got, err := f.Finish(t.Context())
		if err != nil || got.SHA256 != hex.EncodeToString(sum[:]) || got.Size != int64(end) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

func TestHashedFilesAreThoseThatWerePinned(t *testing.T) {
	content := []byte("a\nb\n")
	f, _ := hashedFile(t, content, hex.EncodeToString(make([]byte, 32)))
	if _, err := f.Finish(t.Context()); contract.ReasonOf(err) != contract.ChecksumMismatch {
		t.Errorf("another digest than was pinned: %v", err)
	}
	for what, written := range map[string]string{"longer": "a\nb\nc\n", "shorter": "a\n", "as long, and later": "a\nc\n"} {
		f, path := hashedFile(t, content, "")
		if _, err := f.ReadAt(make([]byte, 2), 0); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Second)
		if err := errors.Join(os.WriteFile(path, []byte(written), 0o644), os.Chtimes(path, later, later)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Finish(t.Context()); contract.ReasonOf(err) != contract.FetchFailed {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

// TestHashedFilesThatCannotBeRead fail so that the stage is run again, as does one whose reading was stopped.
func TestHashedFilesThatCannotBeRead(t *testing.T) {
	f, _ := hashedFile(t, []byte("a\n"), "")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := f.Finish(stopped); contract.ReasonOf(err) != contract.FetchFailed || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	f.Close()
	if _, err := f.Finish(t.Context()); contract.ReasonOf(err) != contract.FetchFailed || !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
