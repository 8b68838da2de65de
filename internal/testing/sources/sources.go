// Package sources has what the tests of every kind of source need: a clock that never waits, a file's content, and reads of a source as
// its callers make them.
package sources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Clock is a clock that never waits: it remembers how long it was asked to.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

// NewClock returns a clock that shows noon of 1 August 2026.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)} }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the clock on and returns at once.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.slept = c.now.Add(d), append(c.slept, d)
	return ctx.Err()
}

// Jump sets the clock, as a time server does.
func (c *Clock) Jump(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Waits returns how long each Sleep was to be.
func (c *Clock) Waits() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.slept)
}

// Options returns options of reading that neither wait nor leave anything to chance.
func Options(c *Clock) source.Options {
	return source.Options{Retry: source.Policy{Clock: c, Random: func() float64 { return 0 }}}
}

// Text returns 40,000 bytes without a period, in which a wrong offset would not show.
func Text() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 40_000; i++ {
		fmt.Fprintf(&b, "line %d of the file\n", i)
	}
	return b.Bytes()[:40_000]
}

// Digest returns the SHA-256 of a file's content as source.File has it.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Body returns a handler that answers every request with the same bytes, ranges included, and with headers given as names and values in turn.
func Body(content string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	}
}

// Paths returns the paths of listed files.
func Paths(l source.Listing) []string {
	var paths []string
	for _, f := range l.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Read reads a file from an offset to its end.
func Read(s source.Source, f source.File, offset int64) ([]byte, error) {
	body, err := s.Open(context.Background(), f, offset)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// ReadAll reads every file that a source lists.
func ReadAll(s source.Source) error {
	l, err := s.Resolve(context.Background())
	for _, f := range l.Files {
		if err == nil {
			_, err = Read(s, f, 0)
		}
	}
	return err
}

// Fetch fetches a file over a part that holds the given bytes, nil for no part, and returns what the part holds afterwards.
func Fetch(t *testing.T, s source.Source, f source.File, part []byte) (source.Fetched, []byte, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	if part != nil {
		if err := os.WriteFile(path, part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := FetchTo(context.Background(), s, f, path)
	content, readErr := os.ReadFile(path)
	if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
		t.Fatal(readErr)
	}
	return got, content, err
}

// FetchTo fetches a file to the part at a path.
func FetchTo(ctx context.Context, s source.Source, f source.File, path string) (source.Fetched, error) {
	volume, err := store.Open(filepath.Dir(path))
	if err != nil {
		return source.Fetched{}, err
	}
	defer volume.Close()
	part, err := store.OpenPartial(volume.Path(filepath.Base(path)))
	if err != nil {
		return source.Fetched{}, err
	}
	defer part.Close()
	return source.Fetch(ctx, s, f, part)
}

// WantFetched fetches the first file of a source over a part, and expects its content.
func WantFetched(t *testing.T, s source.Source, part []byte, want string) {
	t.Helper()
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := Fetch(t, s, l.Files[0], part)
	if err != nil || string(got) != want {
		t.Errorf("fetched %q, %v; want %q", got, err, want)
	}
}

// WantReason expects an error with a reason.
func WantReason(t *testing.T, err error, want contract.Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	if got := contract.ReasonOf(err); got != want {
		t.Errorf("reason %s, want %s: %v", got, want, err)
	}
}

// Secret returns the folder of a mounted Secret, whose values end in a newline as those of files often do.
func Secret(t *testing.T, keys map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range keys {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
