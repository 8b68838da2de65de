package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// hostile are what a listing, a lock or a note may say in the place of a SHA-256.
var hostile = []string{
	"../../../victim/thesis.tex", "../partial/x", "/etc/passwd", "..", ".", "x", strings.Repeat("g", 64), strings.Repeat("A", 64),
	strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("0", 63) + "/", strings.Repeat("0", 63) + "\n", strings.Repeat("./", 31) + "ab",
}

// TestOnlyADigestNamesAnOriginal: whatever else comes in its place is refused by all that name one, and nothing is removed.
func TestOnlyADigestNamesAnOriginal(t *testing.T) {
	b := newBox(t)
	must(t, b.keep("content", 0).Close())
	victim := filepath.Join(filepath.Dir(b.Root.String()), "victim", "thesis.tex")
	must(t, os.MkdirAll(filepath.Dir(victim), 0o755))
	must(t, os.WriteFile(victim, []byte("thesis"), 0o644))
	for _, digest := range hostile {
		_, _, held := b.Hold(context.Background(), digest, -1)
		p, err := b.Partial("x")
		must(t, err)
		_, kept := b.Keep(context.Background(), p, digest)
		must(t, p.Close())
		_, blob := b.Blob(digest)
		for what, err := range map[string]error{"Hold": held, "Keep": kept, "Blob": blob, "Discard": b.Discard(digest)} {
			if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), "is no SHA-256") {
				t.Errorf("%s of %q: %v", what, digest, err)
			}
		}
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "thesis" {
		t.Errorf("the file of somebody else holds %q, %v", got, err)
	}
}

// TestHoldEndsWithItsContext: an original that was not read to its end is none that has changed.
func TestHoldEndsWithItsContext(t *testing.T) {
	b := newBox(t)
	must(t, b.keep("content", 0).Close())
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := errors.New("the pod ends")
	cancel(ended)
	if _, ok, err := b.Hold(ctx, digestOf("content"), -1); ok || !errors.Is(err, ended) {
		t.Errorf("held %v, %v", ok, err)
	}
	if left := b.left(); len(left) != 1 {
		t.Error("an original was removed that nobody has read to its end")
	}
}

// TestPlantedInTheCache: a link that leads out of the volume, and what is no file, are refused where an original, a part, its checkpoint
// or a note should be, and what the link leads to stays as it is.
func TestPlantedInTheCache(t *testing.T) {
	digest := digestOf("content")
	of := func(b box, id string) string {
		p, err := b.Partial(id)
		must(t, err)
		defer p.Close()
		return p.Path.String()
	}
	for _, c := range []struct {
		what  string
		plant func(b box) string // gives where
		do    func(b box) error
	}{
		{"an original", func(b box) string { return b.blob("content") }, func(b box) error { return second2(b.Hold(context.Background(), digest, -1)) }},
		{"the folder of originals", func(b box) string { return filepath.Dir(b.blob("content")) }, func(b box) error { return second2(b.Hold(context.Background(), digest, -1)) }},
		{"a part", func(b box) string { return of(b, "x") }, func(b box) error { return second(b.Partial("x")) }},
		{"the folder of parts", func(b box) string { return filepath.Dir(of(b, "x")) }, func(b box) error { return second(b.Partial("x")) }},
		{"a checkpoint", func(b box) string { return of(b, "x") + revision.CheckpointSuffix }, func(b box) error {
			p, err := b.Partial("x")
			must(t, err)
			defer p.Close()
			return second(p.Checkpoint())
		}},
		{"a note", func(b box) string { return b.Notes().of("etag").String() }, func(b box) error { return second(readAtMost(b.Notes().of("etag"), mostNote)) }},
		{"the folder of notes", func(b box) string { return b.Notes().Folder.String() }, func(b box) error { return b.Notes().Note("etag", digest, 7) }},
	} {
		for kind, plant := range map[string]func(name, secret string) error{
			"a link": func(name, secret string) error { return os.Symlink(secret, name) },
			"a pipe": func(name, _ string) error { return syscall.Mkfifo(name, 0o600) },
		} {
			t.Run(c.what+" is "+kind, func(t *testing.T) {
				outside, folder := t.TempDir(), t.TempDir()
				volume, err := Open(folder)
				must(t, err)
				defer volume.Close()
				b := box{Cache{Root: volume.Path(".cache")}, t}
				must(t, b.keep("content", 0).Close())
				must(t, b.Notes().Note("etag", digest, 7))
				name := c.plant(b)
				must(t, os.RemoveAll(name))
				secret := filepath.Join(outside, "secret")
				must(t, os.WriteFile(secret, []byte("secret"), 0o600))
				must(t, plant(name, secret))
				before := time.Now()
				if err := c.do(b); contract.ReasonOf(err) != contract.VolumeInvalid {
					t.Errorf("%v", err)
				}
				if took := time.Since(before); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				if got, err := os.ReadFile(secret); err != nil || !bytes.Equal(got, []byte("secret")) || len(names(t, outside)) != 1 {
					t.Errorf("outside stand %v, and the file holds %q, %v", names(t, outside), got, err)
				}
			})
		}
	}
}

func second2[T, U any](_ T, _ U, err error) error { return err }

// TestACheckpointIsNotWrittenThroughALink: it takes the link's place.
func TestACheckpointIsNotWrittenThroughALink(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	volume, err := Open(t.TempDir())
	must(t, err)
	defer volume.Close()
	p, err := OpenPartial(volume.Path("part"))
	must(t, err)
	defer p.Close()
	must(t, os.Symlink(secret, p.checkpoint().String()))
	must(t, p.SetCheckpoint([]byte("checkpoint")))
	if got, err := p.Checkpoint(); err != nil || string(got) != "checkpoint" {
		t.Errorf("reads %q, %v", got, err)
	}
	if got, _ := os.ReadFile(secret); string(got) != "secret" {
		t.Errorf("outside, the file holds %q", got)
	}
}

// FuzzNote: whatever lies in a note is a SHA-256 with a size, or nothing at all.
func FuzzNote(f *testing.F) {
	f.Add([]byte(`{"sha256":"` + digestOf("content") + `","size":7}`))
	for _, digest := range hostile {
		f.Add([]byte(`{"sha256":"` + digest + `","size":7}`))
	}
	f.Add([]byte(`{"sha256":"` + digestOf("content") + `","size":-7}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		digest, size := parseNote(encoded)
		if digest == "" && size == 0 {
			return
		}
		if _, err := (Cache{}).Blob(digest); err != nil || size < 0 {
			t.Errorf("%q is a note of %q with %d bytes: %v", encoded, digest, size, err)
		}
	})
}

// TestAPartWithASecondName is not written to: the other is somebody's finished file.
func TestAPartWithASecondName(t *testing.T) {
	b := newBox(t)
	p, err := b.Partial("x")
	must(t, err)
	must(t, p.Close())
	other := filepath.Join(t.TempDir(), "published")
	must(t, os.WriteFile(other, []byte("published"), 0o644))
	must(t, os.Remove(p.Path.String()))
	must(t, os.Link(other, p.Path.String()))
	if _, err := b.Partial("x"); contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), "has a second name") {
		t.Errorf("%v", err)
	}
	if got, _ := os.ReadFile(other); string(got) != "published" {
		t.Errorf("the other holds %q", got)
	}
}
