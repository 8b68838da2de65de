package source_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/hubtest"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// clock is a clock that never waits: it remembers for how long it was asked to.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.slept = c.now.Add(d), append(c.slept, d)
	return ctx.Err()
}

func (c *clock) waits() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// environment is one without chance and without waiting; a transfer that stands still is given up after 200 ms.
func environment(c *clock) source.Environment {
	return source.Environment{
		Clock:    c,
		Timeouts: source.Timeouts{Idle: 200 * time.Millisecond},
		Retry:    source.Policy{Random: func() float64 { return 0 }},
	}
}

// text is the content of the one file that every kind serves: long enough to be cut at every tenth, and without a period
// that would hide a wrong offset.
func text() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 40_000; i++ {
		fmt.Fprintf(&b, "line %d of the file\n", i)
	}
	return b.Bytes()[:40_000]
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// subject is one kind of source with one file in it, as the suite needs it.
type subject struct {
	source source.Source
	clock  *clock
	// write puts other content in the file's place.
	write func([]byte)
	// sent is how many bytes of the file were sent; nil where nobody counts.
	sent func() int64
	// faults and on are where to break the way of the bytes; nil where there is no way to break.
	faults *hubtest.Faults
	on     hubtest.Kind
	// pinned says that a digest proves the content; continues that a broken transfer can go on where it broke.
	pinned, continues bool
}

func (s subject) fault(do hubtest.Effect, times int) {
	s.faults.Add(hubtest.Fault{On: s.on, Times: times, Do: do})
}

// kinds are all kinds of sources, and the variants that take other ways through the code.
var kinds = []struct {
	name string
	make func(t *testing.T) subject
}{
	{"hub, large file", func(t *testing.T) subject { return hubSubject(t, true) }},
	{"hub, small file", func(t *testing.T) subject { return hubSubject(t, false) }},
	{"web with ETag", func(t *testing.T) subject { return webSubject(t, `"v1"`, false) }},
	{"web with digest", func(t *testing.T) subject { return webSubject(t, "", true) }},
	{"web with nothing", func(t *testing.T) subject { return webSubject(t, "", false) }},
	{"volume", volumeSubject},
}

const someCommit = "0123456789abcdef0123456789abcdef01234567"

func newSource(t *testing.T, spec recipe.Source, env source.Environment) source.Source {
	t.Helper()
	s, err := source.New(spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hubSubject(t *testing.T, large bool) subject {
	files := func(content []byte) map[string]hubtest.File {
		return map[string]hubtest.File{
			"README.md": {Content: []byte("read me")}, "data/train.jsonl": {Content: content, LFS: large},
		}
	}
	hub := hubtest.New(hubtest.Options{}, hubtest.Repo{ID: "acme/text", SHA: someCommit, License: "mit", Files: files(text())})
	s := subject{clock: newClock(), sent: hub.Bytes, faults: &hub.Faults, on: hubtest.KindBlob, pinned: true, continues: true}
	if large {
		s.on = hubtest.KindCDN
	}
	env := environment(s.clock)
	env.HubEndpoint = hubtest.Start(t, hub)
	s.source = newSource(t, recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/text", Files: []string{"data/*"}}}, env)
	s.write = func(content []byte) { // a mirror that serves other bytes for the same commit
		hub.Put(hubtest.Repo{ID: "acme/text", SHA: someCommit, Files: files(content)})
	}
	return s
}

func webSubject(t *testing.T, etag string, pinned bool) subject {
	content, sent := atomic.Pointer[[]byte]{}, atomic.Int64{}
	set := func(b []byte) { content.Store(&b) }
	set(text())
	s := subject{clock: newClock(), sent: sent.Load, faults: &hubtest.Faults{}, on: "file", pinned: pinned, continues: pinned || etag != ""}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := *content.Load()
		if etag != "" {
			w.Header().Set("ETag", `"`+digest(now)[:8]+`"`)
		}
		http.ServeContent(&counter{w, &sent}, r, "train.jsonl", time.Time{}, bytes.NewReader(now))
	})
	kindOf := func(r *http.Request) hubtest.Kind {
		if r.Method == http.MethodGet {
			return "file"
		}
		return "head"
	}
	server := httptest.NewServer(s.faults.Handler(kindOf, serve))
	t.Cleanup(server.Close)
	file := recipe.HTTPFile{URL: server.URL + "/train.jsonl?signature=secret"}
	if pinned {
		file.SHA256 = digest(text())
	}
	s.source = newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{file}}}, environment(s.clock))
	s.write = set
	return s
}

type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

func volumeSubject(t *testing.T) subject {
	dir := t.TempDir()
	s := subject{clock: newClock(), continues: true}
	written := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.write = func(content []byte) {
		path := filepath.Join(dir, "train.jsonl")
		written = written.Add(time.Second)
		if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chtimes(path, written, written)); err != nil {
			t.Fatal(err)
		}
	}
	s.write(text())
	env := environment(s.clock)
	env.Claims = map[string]string{"corpora": dir}
	s.source = newSource(t, recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora"}}, env)
	return s
}

// suite is what every kind of source must do; those that break the way of the bytes run where there is one.
var suite = []struct {
	name  string
	fault bool
	run   func(t *testing.T, s subject)
}{
	{"lists the same file twice", false, listsTheSame},
	{"opens at every tenth", false, opensAtEveryTenth},
	{"opens concurrently", false, opensConcurrently},
	{"fetches", false, fetches},
	{"continues a part at every tenth", false, continuesAPart},
	{"heals a bad part", false, healsABadPart},
	{"refuses other content", false, refusesOtherContent},
	{"refuses content that became longer", false, refusesLongerContent},
	{"ends with its context", false, endsWithItsContext},
	{"goes on after a cut at every tenth", true, goesOnAfterACut},
	{"goes on after many cuts", true, goesOnAfterManyCuts},
	{"goes on when the transfer stands still", true, goesOnWhenIdle},
	{"copes with a server that ignores ranges", true, copesWithIgnoredRanges},
	{"goes on after a short body", true, goesOnAfterAShortBody},
	{"gives up on a body that stays short", true, givesUpOnAShortBody},
	{"fetches again after a longer body", true, fetchesAgainAfterALongerBody},
	{"fetches again after other bytes", true, fetchesAgainAfterOtherBytes},
	{"refuses bytes that stay wrong", true, refusesWrongBytes},
	{"waits as long as it is asked to", true, waitsAsAsked},
	{"does not wait for too long", true, doesNotWaitTooLong},
	{"outlasts a burst of errors", true, outlastsABurst},
	{"gives up on errors that stay", true, givesUpOnErrors},
}

func TestConformance(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, c := range suite {
				t.Run(c.name, func(t *testing.T) {
					if s := kind.make(t); !c.fault || s.faults != nil {
						c.run(t, s)
					}
				})
			}
		})
	}
}

// only is the one file of a subject.
func only(t *testing.T, s subject) source.File {
	t.Helper()
	l, err := s.source.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Files) != 1 {
		t.Fatalf("listed %v, want one file", l.Files)
	}
	return l.Files[0]
}

func read(s subject, f source.File, offset int64) ([]byte, error) {
	body, err := s.source.Open(context.Background(), f, offset)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// fetch fetches the file over a part that holds the given bytes, and returns what lies there afterwards; nil is no file.
func fetch(t *testing.T, s subject, f source.File, part []byte) (source.Fetched, []byte, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	if part != nil {
		if err := os.WriteFile(path, part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := source.Fetch(context.Background(), s.source, f, path)
	content, readErr := os.ReadFile(path)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	return got, content, err
}

// wantFetched checks a fetch that must have succeeded.
func wantFetched(t *testing.T, s subject, part []byte, reused int64) {
	t.Helper()
	got, content, err := fetch(t, s, only(t, s), part)
	if err != nil {
		t.Fatal(err)
	}
	want := source.Fetched{SHA256: digest(text()), Size: int64(len(text())), Reused: reused}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	if !bytes.Equal(content, text()) {
		t.Errorf("the file holds %d other bytes", len(content))
	}
}

func wantReason(t *testing.T, err error, want contract.Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	if got := contract.ReasonOf(err); got != want {
		t.Errorf("reason %s, want %s: %v", got, want, err)
	}
}

func listsTheSame(t *testing.T, s subject) {
	f := only(t, s)
	if f.Size != int64(len(text())) {
		t.Errorf("listed with %d bytes, want %d", f.Size, len(text()))
	}
	if diff := cmp.Diff(f, only(t, s)); diff != "" {
		t.Errorf("listed again (-first +second):\n%s", diff)
	}
	if pinned := f.SHA256+f.GitBlob != ""; pinned != s.pinned {
		t.Errorf("pinned by a digest: %v, want %v", pinned, s.pinned)
	}
}

// tenths are the offsets at which the suite cuts, both ends included.
func tenths() []int64 {
	var out []int64
	for i := range int64(11) {
		out = append(out, i*int64(len(text()))/10)
	}
	return out
}

func opensAtEveryTenth(t *testing.T, s subject) {
	f := only(t, s)
	for _, offset := range tenths() {
		got, err := read(s, f, offset)
		if offset > 0 && offset < f.Size && !s.continues {
			wantReason(t, err, contract.FetchFailed)
		} else if err != nil || !bytes.Equal(got, text()[offset:]) {
			t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
		}
	}
}

func opensConcurrently(t *testing.T, s subject) {
	f := only(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := read(s, f, 0); err != nil || !bytes.Equal(got, text()) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func fetches(t *testing.T, s subject) { wantFetched(t, s, nil, 0) }

func continuesAPart(t *testing.T, s subject) {
	for _, offset := range tenths() {
		before := int64(0)
		if s.sent != nil {
			before = s.sent()
		}
		reused := offset
		if !s.pinned { // nothing could prove that the part belongs to this file
			reused = 0
		}
		wantFetched(t, s, text()[:offset], reused)
		if s.sent == nil {
			continue
		}
		if sent := s.sent() - before; sent != int64(len(text()))-reused {
			t.Errorf("%d bytes were sent for a part of %d", sent, offset)
		}
	}
}

func healsABadPart(t *testing.T, s subject) {
	for name, part := range map[string][]byte{
		"other bytes":             bytes.Repeat([]byte("x"), 1000),
		"other bytes, whole":      bytes.Repeat([]byte("x"), len(text())),
		"longer than the file is": append(text(), "more"...),
	} {
		t.Run(name, func(t *testing.T) { wantFetched(t, s, part, 0) })
	}
}

func refusesOtherContent(t *testing.T, s subject) {
	f := only(t, s)
	s.write(bytes.ToUpper(text()))
	_, content, err := fetch(t, s, f, nil)
	switch {
	case s.pinned:
		wantReason(t, err, contract.ChecksumMismatch)
		if content != nil {
			t.Errorf("%d wrong bytes were left behind", len(content))
		}
	case s.continues:
		wantReason(t, err, contract.FetchFailed)
	case err != nil: // nothing tells that the file is another one
		t.Error(err)
	}
	if waits := s.clock.waits(); len(waits) > 0 {
		t.Errorf("waited %v for what does not change", waits)
	}
}

func refusesLongerContent(t *testing.T, s subject) {
	f := only(t, s)
	s.write(append(text(), "more"...))
	if _, _, err := fetch(t, s, f, nil); err == nil {
		t.Error("more bytes than were listed were taken")
	}
}

func endsWithItsContext(t *testing.T, s subject) {
	f := only(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	body, err := s.source.Open(ctx, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, body); err == nil && s.faults == nil {
		t.Error("went on after the context ended")
	} else if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want context.Canceled", err)
	}
	if _, err := s.source.Resolve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("resolving ended with %v, want context.Canceled", err)
	}
	if waits := s.clock.waits(); len(waits) > 0 {
		t.Errorf("waited %v after the end", waits)
	}
}
