package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// TestNoLinkLeadsOutOfAVolume: whatever is done to a place that a planted link leads out of is refused, with the link's name and
// what to do, and nothing outside is read, written, renamed or removed.
func TestNoLinkLeadsOutOfAVolume(t *testing.T) {
	for _, planted := range []struct {
		what, link, to, at string
	}{
		{"a file is a link", "file", "secret", "file"},
		{"a folder on the way is a link", "folder", ".", "folder/secret"},
		{"a link leads out by way of another", "folder", ".", "inner/secret"},
	} {
		for what, do := range map[string]func(volume *Volume, p Path) error{
			"Open":          func(_ *Volume, p Path) error { return second(p.Open()) },
			"ReadFile":      func(_ *Volume, p Path) error { return second(p.ReadFile()) },
			"Stat":          func(_ *Volume, p Path) error { return second(p.Stat()) },
			"ReadJSON":      func(_ *Volume, p Path) error { return ReadJSON(p, new(any)) },
			"OpenPartial":   func(_ *Volume, p Path) error { return second(OpenPartial(p)) },
			"write below":   func(_ *Volume, p Path) error { return WriteFile(p.Join("new"), nil) },
			"Stage below":   func(_ *Volume, p Path) error { return second(Stage(p.Join("new"))) },
			"NewFile below": func(_ *Volume, p Path) error { return second(NewFile(p.Join("new"))) },
			"Scratch":       func(_ *Volume, p Path) error { return second(p.Scratch()) },
			"ReadDir":       func(_ *Volume, p Path) error { return second(p.ReadDir()) },
			"link into":     func(v *Volume, p Path) error { return Link(v.Path("own"), p.Join("new")) },
		} {
			t.Run(planted.what+", "+what, func(t *testing.T) {
				outside, folder := t.TempDir(), t.TempDir()
				must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
				must(t, os.Symlink(filepath.Join(outside, planted.to), filepath.Join(folder, planted.link)))
				must(t, os.Symlink("folder", filepath.Join(folder, "inner")))
				must(t, os.WriteFile(filepath.Join(folder, "own"), nil, 0o600))
				volume, err := Open(folder)
				must(t, err)
				defer volume.Close()
				err = do(volume, volume.Path(planted.at))
				if contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), filepath.Join(folder, strings.Split(planted.at, "/")[0])+" is a link that leads out of the volume") {
					t.Errorf("%v", err)
				}
				if got, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(got) != "secret" || len(names(t, outside)) != 1 {
					t.Errorf("outside stand %v, and the file holds %q, %v", names(t, outside), got, err)
				}
			})
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestAPlantedLinkIsReplacedOrRemovedAsSuch: what is written whole, swapped, renamed or removed is the link, never what it leads to.
func TestAPlantedLinkIsReplacedOrRemovedAsSuch(t *testing.T) {
	for what, do := range map[string]func(p Path) error{
		"WriteFile": func(p Path) error { return WriteFile(p, []byte("own")) },
		"SwapLink":  func(p Path) error { return SwapLink(p, "own") },
		"Remove":    func(p Path) error { return p.Remove() },
		"RemoveAll": RemoveAll,
	} {
		outside, folder := t.TempDir(), t.TempDir()
		must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
		must(t, os.Symlink(outside, filepath.Join(folder, "link")))
		volume, err := Open(folder)
		must(t, err)
		defer volume.Close()
		if err := do(volume.Path("link")); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if to, _ := os.Readlink(filepath.Join(folder, "link")); to == outside {
			t.Errorf("%s left the link", what)
		}
		if got, _ := os.ReadFile(filepath.Join(outside, "secret")); string(got) != "secret" || len(names(t, outside)) != 1 {
			t.Errorf("%s: outside stand %v, and the file holds %q", what, names(t, outside), got)
		}
	}
}

// TestLinksThatStay: the volume itself may be a link, and so may what leads from one of its folders to another.
func TestLinksThatStay(t *testing.T) {
	folder := t.TempDir()
	must(t, os.Mkdir(filepath.Join(folder, "big"), 0o755))
	must(t, os.Symlink("big", filepath.Join(folder, "mix")))
	alias := filepath.Join(t.TempDir(), "alias")
	must(t, os.Symlink(folder, alias))
	volume, err := Open(alias)
	must(t, err)
	defer volume.Close()
	s, err := Stage(volume.Path("mix/stages/key"))
	must(t, err)
	must(t, s.WriteFile("file", []byte("x")))
	must(t, s.Commit())
	must(t, s.Close())
	if got, err := os.ReadFile(filepath.Join(folder, "big", "stages", "key", "file")); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestOnlyRegularFilesAreRead: nothing waits for whoever writes to a pipe, and no device is read to an end that it has not.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	folder := t.TempDir()
	must(t, syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600))
	must(t, os.Mkdir(filepath.Join(folder, "folder"), 0o755))
	volume, err := Open(folder)
	must(t, err)
	defer volume.Close()
	for name, kind := range map[string]string{"pipe": "a pipe", "folder": "a folder"} {
		done := make(chan error, 1)
		go func() { done <- second(volume.Path(name).Open()) }()
		select {
		case err := <-done:
			if contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), name+" is no file but "+kind) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("opening %s waits", name)
		}
	}
}

// TestAVolumeKeepsItsErrors: what is not there is fs.ErrNotExist, by its whole name.
func TestAVolumeKeepsItsErrors(t *testing.T) {
	folder := t.TempDir()
	volume, err := Open(folder)
	must(t, err)
	defer volume.Close()
	_, err = volume.Path("a/b").Open()
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "open "+folder+"/a/b: no such file or directory" {
		t.Errorf("%v", err)
	}
	if _, err := volume.Path("../a").Open(); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("a name that leads out: %v", err)
	}
	if _, err := Open(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no volume: %v", err)
	}
	made, err := Make(filepath.Join(folder, "none", "yet"))
	must(t, err)
	defer made.Close()
	must(t, WriteFile(made.Path("a"), nil))
}
