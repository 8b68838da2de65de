package source_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// environment is one without chance and without waiting.
func environment(c *clock) source.Environment {
	return source.Environment{Clock: c, Retry: source.Policy{Random: func() float64 { return 0 }}}
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
	make func(t *testing.T, idle time.Duration) subject
}{
	{"hub, large file", func(t *testing.T, idle time.Duration) subject { return hubSubject(t, idle, true) }},
	{"hub, small file", func(t *testing.T, idle time.Duration) subject { return hubSubject(t, idle, false) }},
	{"web with ETag", func(t *testing.T, idle time.Duration) subject { return webSubject(t, idle, true, false) }},
	{"web with digest", func(t *testing.T, idle time.Duration) subject { return webSubject(t, idle, false, true) }},
	{"web with nothing", func(t *testing.T, idle time.Duration) subject { return webSubject(t, idle, false, false) }},
	{"volume", func(t *testing.T, _ time.Duration) subject { return volumeSubject(t) }},
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

func hubSubject(t *testing.T, idle time.Duration, large bool) subject {
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
	env.HubEndpoint, env.Timeouts.Idle = hubtest.Start(t, hub), idle
	s.source = newSource(t, recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/text", Files: []string{"data/*"}}}, env)
	s.write = func(content []byte) { // a mirror that serves other bytes for the same commit
		hub.Put(hubtest.Repo{ID: "acme/text", SHA: someCommit, Files: files(content)})
	}
	return s
}

func webSubject(t *testing.T, idle time.Duration, etag, pinned bool) subject {
	content, sent := atomic.Pointer[[]byte]{}, atomic.Int64{}
	set := func(b []byte) { content.Store(&b) }
	set(text())
	s := subject{clock: newClock(), sent: sent.Load, faults: &hubtest.Faults{}, on: "file", pinned: pinned, continues: pinned || etag}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := *content.Load()
		if etag {
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
	env := environment(s.clock)
	env.Timeouts.Idle = idle
	s.source = newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{file}}}, env)
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
