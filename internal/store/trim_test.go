package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// box is a cache in which originals are named by their content.
type box struct {
	Cache
	t *testing.T
}

func newBox(t *testing.T) box { return box{Cache{Root: at(t.TempDir()).Join(".cache")}, t} }

// blob returns where the original with a content lies.
func (b box) blob(content string) string {
	blob, err := b.Blob(digestOf(content))
	must(b.t, err)
	return blob.String()
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// keep downloads an original that was last used so many minutes ago, and holds it.
func (b box) keep(content string, minutes int) *Held {
	b.t.Helper()
	p, err := b.Partial(content)
	must(b.t, err)
	defer p.Close()
	must(b.t, os.WriteFile(p.Path.String(), []byte(content), 0o644))
	held, err := b.Keep(context.Background(), p, digestOf(content))
	must(b.t, err)
	used := time.Now().Add(-time.Duration(minutes) * time.Minute)
	must(b.t, os.Chtimes(b.blob(content), used, used))
	return held
}

// left lists the originals and partial downloads of the cache by their content.
func (b box) left() []string {
	b.t.Helper()
	var contents []string
	for _, pattern := range []string{"sha256/*", "partial/*"} {
		files, err := filepath.Glob(filepath.Join(b.Root.String(), pattern))
		must(b.t, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			must(b.t, err)
			contents = append(contents, string(content))
		}
	}
	slices.Sort(contents)
	return contents
}

// TestTrim: the least recently used go first, until the rest fits, and none that is in use.
func TestTrim(t *testing.T) {
	for _, c := range []struct {
		what  string
		limit int64
		use   func(box)
		want  []string
	}{
		{what: "all fits", limit: 12, want: []string{"aaaa", "bbbb", "cccc"}},
		{what: "one is too many", limit: 11, want: []string{"bbbb", "cccc"}},
		{what: "two are too many", limit: 7, want: []string{"cccc"}},
		{what: "nothing may stay", limit: 0, want: nil},
		{what: "the oldest was used again", limit: 8, use: func(b box) {
			held, ok, err := b.Hold(context.Background(), digestOf("aaaa"), 4)
			if !ok {
				b.t.Fatal(err)
			}
			must(b.t, held.Close())
		}, want: []string{"aaaa", "cccc"}},
		{what: "the oldest is held", limit: 4, use: func(b box) {
			held, ok, err := b.Hold(context.Background(), digestOf("aaaa"), 4)
			if !ok {
				b.t.Fatal(err)
			}
			must(b.t, os.Chtimes(b.blob("aaaa"), time.Unix(0, 0), time.Unix(0, 0)))
			b.t.Cleanup(func() { held.Close() })
		}, want: []string{"aaaa"}},
		{what: "a unit has linked the oldest", limit: 0, use: func(b box) {
			must(b.t, Link(at(b.blob("aaaa")), at(b.t.TempDir()).Join("files", "00000")))
		}, want: []string{"aaaa"}},
		{what: "half a download that nobody goes on with", limit: 12, use: func(b box) {
			p, err := b.Partial("x")
			must(b.t, err)
			must(b.t, os.WriteFile(p.Path.String(), []byte("half"), 0o644))
			must(b.t, os.Chtimes(p.Path.String(), time.Unix(0, 0), time.Unix(0, 0)))
			must(b.t, p.Close())
		}, want: []string{"aaaa", "bbbb", "cccc"}},
		{what: "half a download that goes on", limit: 12, use: func(b box) {
			p, err := b.Partial("x")
			must(b.t, err)
			must(b.t, os.WriteFile(p.Path.String(), []byte("half"), 0o644))
			must(b.t, os.Chtimes(p.Path.String(), time.Unix(0, 0), time.Unix(0, 0)))
			b.t.Cleanup(func() { p.Close() })
		}, want: []string{"bbbb", "cccc", "half"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBox(t)
			for i, content := range []string{"aaaa", "bbbb", "cccc"} {
				must(t, b.keep(content, 30-i).Close())
			}
			if c.use != nil {
				c.use(b)
			}
			must(t, b.Trim(c.limit))
			if diff := cmp.Diff(c.want, b.left()); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
	must(t, newBox(t).Trim(0)) // a cache that nobody has written to
}

// TestAHeldOriginalCanBeReadAndLinked even if its name is removed all the same.
func TestAHeldOriginalCanBeReadAndLinked(t *testing.T) {
	b := newBox(t)
	held := b.keep("content", 0)
	defer held.Close()
	must(t, os.Remove(b.blob("content")))
	to := filepath.Join(t.TempDir(), "file")
	must(t, b.Link(held, at(to)))
	if got, err := os.ReadFile(to); err != nil || string(got) != "content" {
		t.Errorf("linked %q, %v", got, err)
	}
}

// TestADamagedOriginalIsNone: it is read before it is used, and removed, so that it is downloaded again.
func TestADamagedOriginalIsNone(t *testing.T) {
	b := newBox(t)
	must(t, b.keep("content", 0).Close())
	blob := b.blob("content")
	must(t, os.Chmod(blob, 0o644))
	must(t, os.WriteFile(blob, []byte("CONTENT"), 0o644))
	if _, ok, err := b.Hold(context.Background(), digestOf("content"), 7); ok || err != nil {
		t.Errorf("held a damaged original: %v", err)
	}
	if left := b.left(); left != nil {
		t.Errorf("left %q", left)
	}
	must(t, b.keep("content", 0).Close())
	if _, ok, err := b.Hold(context.Background(), digestOf("content"), 8); ok || err != nil {
		t.Errorf("held an original of another size than the one that was promised: %v", err)
	}
	if left := b.left(); len(left) != 1 {
		t.Error("an original that is whole was removed")
	}
}

// TestKeepOfWhatIsThere: the first stays, with all its links, and the second is gone.
func TestKeepOfWhatIsThere(t *testing.T) {
	b := newBox(t)
	must(t, b.keep("content", 0).Close())
	first, err := os.Stat(b.blob("content"))
	must(t, err)
	held := b.keep("content", 0)
	defer held.Close()
	second, err := os.Stat(b.blob("content"))
	must(t, err)
	if !os.SameFile(first, second) {
		t.Error("the original was replaced")
	}
	if got, err := io.ReadAll(held); err != nil || string(got) != "content" {
		t.Errorf("holds %q, %v", got, err)
	}
	if left := b.left(); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

// TestWhatSecondWritersLeft is swept away by the next, unless one still writes to it.
func TestWhatSecondWritersLeft(t *testing.T) {
	b := newBox(t)
	first, err := b.Partial("x")
	must(t, err)
	defer first.Close()
	second, err := b.Partial("x")
	must(t, err)
	must(t, os.WriteFile(second.Path.String(), []byte("living"), 0o644))
	must(t, os.WriteFile(first.Path.String()+ownInfix+"1", []byte("dead"), 0o644)) // of a writer that was killed
	third, err := b.Partial("x")
	must(t, err)
	must(t, third.Close())
	if diff := cmp.Diff([]string{"", "living"}, b.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	must(t, second.Close())
}

// TestACheckpointGoesWithItsPart, and neither before nor after it: the next writer goes on from it.
func TestACheckpointGoesWithItsPart(t *testing.T) {
	long := time.Unix(0, 0)
	half := func(b box, id string) *Partial {
		p, err := b.Partial(id)
		must(t, err)
		for path, content := range map[string]string{p.Path.String(): "half of " + id, p.Path.String() + revision.CheckpointSuffix: "checkpoint of " + id, p.Path.String() + revision.CheckpointSuffix + ".next": "next of " + id} {
			must(t, os.WriteFile(path, []byte(content), 0o644))
			must(t, os.Chtimes(path, long, long)) // its writer waits
		}
		return p
	}
	b := newBox(t)
	living := half(b, "living")
	defer living.Close()
	dead := half(b, "dead")
	must(t, os.Remove(dead.Path.String()+revision.CheckpointSuffix+".next"))
	must(t, dead.Close())
	orphan := filepath.Join(b.Root.String(), partialFolder, strings.Repeat("0", 64)+revision.CheckpointSuffix)
	must(t, os.WriteFile(orphan, []byte("of a part that was kept"), 0o644))
	must(t, b.Trim(0))
	if diff := cmp.Diff([]string{"checkpoint of living", "half of living", "next of living"}, b.left()); diff != "" {
		t.Errorf("left by Trim (-want +got):\n%s", diff)
	}

	b = newBox(t)
	first, err := b.Partial("x")
	must(t, err)
	defer first.Close()
	second := half(b, "x") // has one of its own
	defer second.Close()
	for path, content := range map[string]string{"1": "dead", "1" + revision.CheckpointSuffix: "checkpoint of dead", "2" + revision.CheckpointSuffix: "of a part that is gone"} {
		must(t, os.WriteFile(first.Path.String()+ownInfix+path, []byte(content), 0o644))
	}
	third, err := b.Partial("x")
	must(t, err)
	must(t, third.Close())
	if diff := cmp.Diff([]string{"", "checkpoint of x", "half of x", "next of x"}, b.left()); diff != "" {
		t.Errorf("left by a third writer (-want +got):\n%s", diff)
	}
}

func TestNotes(t *testing.T) {
	b := newBox(t)
	if digest, _ := b.Notes().Known("etag"); digest != "" {
		t.Errorf("knows %q of nothing", digest)
	}
	must(t, b.keep("content", 0).Close())
	must(t, b.Notes().Note("etag", digestOf("content"), 7))
	must(t, b.Notes().Note("of what is gone", digestOf("gone"), 4))
	must(t, b.Notes().Note("of what went long ago", digestOf("gone"), 4))
	old := time.Now().Add(-2 * KeepNotes)
	must(t, os.Chtimes(b.Notes().of("of what went long ago").String(), old, old))
	must(t, os.Chtimes(b.Notes().of("etag").String(), old, old))
	broken := filepath.Join(b.Root.String(), knownFolder, ".writing-1")
	must(t, os.WriteFile(broken, []byte("{"), 0o644))
	must(t, os.Chtimes(broken, old, old))
	must(t, b.Trim(100))
	for name, want := range map[string]string{"etag": digestOf("content"), "of what is gone": digestOf("gone"), "of what went long ago": "", "another": ""} {
		if digest, _ := b.Notes().Known(name); digest != want {
			t.Errorf("%s: knows %q, want %q", name, digest, want)
		}
	}
	if got := names(t, filepath.Join(b.Root.String(), knownFolder)); len(got) != 2 || strings.HasPrefix(got[0], ".") {
		t.Errorf("left %v", got)
	}
}

// TestReplace: the new folder takes the name, and nothing of the old one is left.
func TestReplace(t *testing.T) {
	final := filepath.Join(t.TempDir(), "key")
	for _, content := range []string{"first", "second"} {
		s, err := Stage(at(final))
		must(t, err)
		must(t, s.WriteFile("file", []byte(content)))
		must(t, s.WriteFile(content, nil))
		must(t, s.Replace())
		must(t, s.Close())
	}
	if got, _ := os.ReadFile(filepath.Join(final, "file")); string(got) != "second" {
		t.Errorf("the folder holds %q", got)
	}
	if diff := cmp.Diff([]string{"file", "second"}, names(t, final)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := names(t, filepath.Dir(final)); len(got) != 1 {
		t.Errorf("beside the folder stand %v", got)
	}
}
