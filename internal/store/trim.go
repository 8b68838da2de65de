package store

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// cached is a file of the cache as Trim sees it.
type cached struct {
	path Path
	size int64
	used time.Time
	// needed by a unit, which has linked it.
	needed bool
}

// Trim removes originals, and what is left of downloads, until the rest has at most so many bytes: the least recently used
// first, and none that is in use, even if the rest then has more. Several processes may trim at once.
func (c Cache) Trim(limit int64) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	var total int64
	for _, f := range files {
		total += f.size
	}
	slices.SortFunc(files, func(a, b cached) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= limit {
			break
		}
		if f.needed {
			continue
		}
		if err := removeUnused(f.path); err != nil {
			return err
		}
		if _, err := f.path.Lstat(); errors.Is(err, fs.ErrNotExist) {
			total -= f.size
		}
	}
	return c.Notes().Forget(c)
}

// files lists originals and partial downloads.
func (c Cache) files() ([]cached, error) {
	var files []cached
	for _, folder := range []string{blobFolder, partialFolder} {
		entries, err := c.Root.Join(folder).ReadDir()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, Failure(err)
		}
		for _, entry := range entries {
			path := c.Root.Join(folder, entry.Name())
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) || ofPart(path) {
				continue // another process was quicker; or it goes with its part
			}
			if err != nil {
				return nil, Failure(err)
			}
			files = append(files, cached{path, info.Size(), info.ModTime(), linked(info)})
		}
	}
	return files, nil
}

// ofPart says that a file stands beside a part that is there: its checkpoint, or the next one, on which nobody has a lock.
func ofPart(path Path) bool {
	part, _, beside := strings.Cut(path.Base(), contract.CheckpointSuffix)
	if !beside {
		return false
	}
	_, err := path.Dir().Join(part).Lstat()
	return !errors.Is(err, fs.ErrNotExist)
}

// removeUnused removes a file on which nobody holds a lock, and its checkpoint before it: who finds no part begins a new one, with
// a new checkpoint. That it is gone already is no error.
func removeUnused(path Path) error {
	f, err := path.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return Failure(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) || !stillNamed(f, path) {
		return nil
	}
	for _, name := range []Path{path.add(contract.CheckpointSuffix), path} {
		if err := name.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Failure(err)
		}
	}
	return nil
}
