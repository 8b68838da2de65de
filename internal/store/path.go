package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Volume is a folder that no link leads out of. Other pods may write to a PersistentVolumeClaim, and a link that they plant must lead a worker
// neither to the files of its pod nor to another folder of the node: whatever is read, written, renamed or removed on a volume is a Path.
type Volume struct{ root *os.Root }

// Open opens the folder that a volume is mounted at, or that takes its place on a laptop. It may itself be a link.
func Open(folder string) (*Volume, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, WrapError(err)
	}
	return &Volume{root}, nil
}

// Make opens the folder as Open does, and makes it where there is none.
func Make(folder string) (*Volume, error) {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, WrapError(err)
	}
	return Open(folder)
}

// Path returns the place of a name, with slashes, relative to the volume's root.
func (v *Volume) Path(name string) Path { return Path{v.root, path.Clean(name)} }

// Close closes the volume. Files that are open stay so.
func (v *Volume) Close() error { return v.root.Close() }

// Path is a place on a volume. Links on the way to it are followed while they stay on the volume; one that leaves it is an error
// with the reason VolumeInvalid. Two paths are equal if they are of the same name on the same open volume.
type Path struct {
	root *os.Root
	name string // clean, with slashes
}

// Join returns a place below p.
func (p Path) Join(names ...string) Path {
	return Path{p.root, path.Join(append([]string{p.name}, names...)...)}
}

// Dir returns the folder that p is in.
func (p Path) Dir() Path { return Path{p.root, path.Dir(p.name)} }

// Base returns the last part of the name.
func (p Path) Base() string { return path.Base(p.name) }

// add returns the place whose name is that of p and a suffix.
func (p Path) add(suffix string) Path { return Path{p.root, p.name + suffix} }

// IsZero reports whether p is no place at all.
func (p Path) IsZero() bool { return p.root == nil }

// String returns the whole name, for a message.
func (p Path) String() string { return filepath.Join(p.root.Name(), filepath.FromSlash(p.name)) }

// Open opens a regular file for reading. Anything else is an error: to open a pipe would wait for whoever writes to it.
func (p Path) Open() (*os.File, error) { return p.open(os.O_RDONLY) }

// open opens a regular file without waiting.
func (p Path) open(flags int) (*os.File, error) {
	f, err := p.root.OpenFile(p.name, flags|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, p.failure(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = contract.Failf(contract.VolumeInvalid, "%s is no file but %s; put a file in its place, or remove it", p, kindOf(info.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	default:
		return "a device or a socket"
	}
}

// OpenAll opens regular files for reading, all or none.
func OpenAll(names ...Path) ([]*os.File, error) {
	var files []*os.File
	for _, name := range names {
		f, err := name.Open()
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// openFolder opens a folder, to lock it or to make its names durable.
func (p Path) openFolder() (*os.File, error) {
	f, err := p.root.OpenFile(p.name, os.O_RDONLY|onlyFolder|syscall.O_NONBLOCK, 0)
	return f, p.failure(err)
}

// NewFile makes a new file for writing. If anything has the name, even a link, the error is fs.ErrExist.
func NewFile(p Path) (*os.File, error) {
	f, err := p.root.OpenFile(p.name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	return f, p.failure(err)
}

// Scratch makes a file without a name below the folder p, so nothing of it is left behind however the process ends.
func (p Path) Scratch() (*os.File, error) {
	f, at, err := createTemp(p, ".scratch-")
	if err != nil {
		return nil, WrapError(err)
	}
	if err := at.Remove(); err != nil {
		f.Close()
		return nil, WrapError(err)
	}
	return f, nil
}

// createTemp creates a file in the folder p, with a name that begins with a prefix and that no other file has.
func createTemp(p Path, prefix string) (f *os.File, at Path, err error) {
	at, err = unique(p, prefix, func(at Path) error {
		f, err = NewFile(at)
		return err
	})
	return f, at, err
}

// unique tries names with a prefix until one is not taken.
func unique(p Path, prefix string, try func(at Path) error) (Path, error) {
	const mostTries = 1000
	for n := 1; ; n++ {
		at := p.Join(prefix + rand.Text()[:10])
		if err := try(at); n == mostTries || !errors.Is(err, fs.ErrExist) {
			return at, err
		}
	}
}

// ReadFile reads a small file whole.
func (p Path) ReadFile() ([]byte, error) { return readAtMost(p, -1) }

// readAtMost reads a file that has no more than so many bytes; -1 is any number.
func readAtMost(p Path, most int64) ([]byte, error) {
	f, err := p.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if most >= 0 && info.Size() > most {
		return nil, contract.Failf(contract.VolumeInvalid, "%s has %d bytes, and no such file has more than %d; remove it", p, info.Size(), most)
	}
	var content bytes.Buffer
	content.Grow(int(info.Size()) + bytes.MinRead)
	_, err = content.ReadFrom(f)
	return content.Bytes(), err
}

// ReadDir lists a folder by name. Anything else is an error: to open a pipe would wait for whoever writes to it.
func (p Path) ReadDir() ([]fs.DirEntry, error) {
	f, err := p.openFolder()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, p.failure(err)
}

// WalkDir walks a folder as fs.WalkDir does, with a Path for each entry. Links are not followed.
func (p Path) WalkDir(visit func(at Path, entry fs.DirEntry, err error) error) error {
	return fs.WalkDir(p.root.FS(), p.name, func(name string, entry fs.DirEntry, err error) error {
		at := Path{p.root, name}
		return visit(at, entry, at.failure(err))
	})
}

// Rel returns the name of p relative to a folder above it.
func (p Path) Rel(folder Path) string {
	if folder.name == "." {
		return p.name
	}
	return strings.TrimPrefix(p.name, folder.name+"/")
}

// Stat describes what has the name, following links.
func (p Path) Stat() (fs.FileInfo, error) {
	info, err := p.root.Stat(p.name)
	return info, p.failure(err)
}

// Lstat describes what has the name, and does not follow a link.
func (p Path) Lstat() (fs.FileInfo, error) {
	info, err := p.root.Lstat(p.name)
	return info, p.failure(err)
}

// Remove removes a file, a link or an empty folder.
func (p Path) Remove() error { return p.failure(p.root.Remove(p.name)) }

// Touch sets the times of a file or folder.
func (p Path) Touch(now time.Time) error { return p.failure(p.root.Chtimes(p.name, now, now)) }

func chmod(p Path, mode fs.FileMode) error { return p.failure(p.root.Chmod(p.name, mode)) }

// rename moves what is at p to another name on the volume.
func (p Path) rename(to Path) error { return p.failure(p.root.Rename(p.name, to.name)) }

// removeAll removes a folder and all that is in it. It follows no links.
func removeAll(p Path) error { return p.failure(p.root.RemoveAll(p.name)) }

// failure returns an error with the place that it came from: the whole name, and of a link that leaves the volume what to do.
func (p Path) failure(err error) error {
	var of *fs.PathError
	switch {
	case err == nil:
		return nil
	case escapes(err):
		return contract.Failf(contract.VolumeInvalid, "%s is a link that leads out of the volume, and such links are not followed: remove it, or keep on the volume what it leads to (%w)", leaving(p), err)
	case errors.Is(err, syscall.ENOTDIR):
		return contract.Failf(contract.VolumeInvalid, "%s does not lie in a folder: something else is in a folder's place (%w); remove that", p, err)
	case errors.As(err, &of):
		return &fs.PathError{Op: strings.TrimSuffix(of.Op, "at"), Path: p.String(), Err: of.Err}
	default:
		return err
	}
}

// escapes recognizes the error of os.Root for a path that leaves it, which has no name of its own.
func escapes(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == "path escapes from parent" {
			return true
		}
	}
	return false
}

// leaving returns the first part of p that leads out of the volume.
func leaving(p Path) Path {
	parts := strings.Split(p.name, "/")
	for i := range parts {
		at := Path{p.root, strings.Join(parts[:i+1], "/")}
		if _, err := p.root.Stat(at.name); err != nil && escapes(err) {
			return at
		}
	}
	return p
}
