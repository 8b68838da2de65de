package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// source makes files in an order and with times and modes that depend on the moment.
func source(t *testing.T) Spec {
	t.Helper()
	dir := t.TempDir()
	for path, mode := range map[string]fs.FileMode{"program": 0o700, "tree/b": 0o600, "tree/a/c": 0o644} {
		file := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("b", filepath.Join(dir, "tree", "link")); err != nil {
		t.Fatal(err)
	}
	return Spec{
		Tag: "example.com/x:1", Files: []Copy{{dir + "/program", "/bin/deep/program"}}, Dirs: []Copy{{dir + "/tree", "/tree"}},
		Entrypoint: []string{"/bin/deep/program"}, User: "65532:65532",
	}
}

func write(t *testing.T, s Spec) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(t *testing.T, archive []byte, tag string) v1.Image {
	t.Helper()
	parsed, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }, &parsed)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestSameFilesGiveSameBytes(t *testing.T) {
	if !bytes.Equal(write(t, source(t)), write(t, source(t))) {
		t.Error("two images of the same files differ")
	}
}

func TestLayer(t *testing.T) {
	img := read(t, write(t, source(t)), "example.com/x:1")
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers (%v), want 1", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	type entry struct {
		Name, Link string
		Mode       int64
	}
	var got []entry
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s belongs to %d:%d, of %s", h.Name, h.Uid, h.Gid, h.ModTime)
		}
		got = append(got, entry{h.Name, h.Linkname, h.Mode})
	}
	want := []entry{
		{"bin/", "", 0o755}, {"bin/deep/", "", 0o755}, {"bin/deep/program", "", 0o755},
		{"tree/", "", 0o755}, {"tree/a/", "", 0o755}, {"tree/a/c", "", 0o644}, {"tree/b", "", 0o644}, {"tree/link", "b", 0o755},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConfig(t *testing.T) {
	config, err := read(t, write(t, source(t)), "example.com/x:1").ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.OS != "linux" {
		t.Errorf("the image runs as %q on %q", config.Config.User, config.OS)
	}
	if diff := cmp.Diff([]string{"/bin/deep/program"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entrypoint, -want +got:\n%s", diff)
	}
}

func TestWriteFileLeavesNothingOnFailure(t *testing.T) {
	dir := t.TempDir()
	s := source(t)
	s.Files[0].From = "/does/not/exist"
	if err := WriteFile(filepath.Join(dir, "x.tar"), s); err == nil {
		t.Fatal("no error for a file that does not exist")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%v is left", entries)
	}
}

func TestWrongSpecs(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"tag":              func(s *Spec) { s.Tag = "UPPER CASE" },
		"folder as binary": func(s *Spec) { s.Files[0].From = t.TempDir() },
		"missing folder":   func(s *Spec) { s.Dirs[0].From = "/does/not/exist" },
	} {
		t.Run(name, func(t *testing.T) {
			s := source(t)
			change(&s)
			if err := Write(io.Discard, s); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestParseCopy(t *testing.T) {
	if got, err := ParseCopy("bin/x:/a/../x"); err != nil || got != (Copy{"bin/x", "/x"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, wrong := range []string{"", "x", "x:", ":/x", "x:relative"} {
		if _, err := ParseCopy(wrong); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}
