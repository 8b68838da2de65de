package store

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// cached is a file of the cache as Trim sees it.
type cached struct {
	path Path
	id   fileID
	size int64
	used time.Time
	// part reports that it is a part of a download that is not finished.
	part bool
	// names is how many names it has: more than one if a unit links it.
	names int
}

// Trim removes originals, and what is left of downloads, until the rest has at most so many bytes: the least recently used first, and none in use,
// even if the rest then has more. Several processes may trim at once.
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
		if f.names > 1 {
			continue
		}
		if err := removeUnused(f.path); err != nil {
			return err
		}
		if _, err := f.path.Lstat(); errors.Is(err, fs.ErrNotExist) {
			total -= f.size
		}
	}
	return c.Notes().Forget(c, KeepNotes)
}

// keepUnlinked is how long an original stays that no unit has linked: of a build that was killed, or of a mix whose cache is bounded.
const keepUnlinked = 7 * 24 * time.Hour

// Reclaim removes what is left of the owner's interrupted downloads, which it no longer needs, of other downloads that were abandoned, and
// originals that have not been used for long; where those are bounded, Trim removes them.
func (c Cache) Reclaim(bounded bool) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		unused := time.Since(f.used)
		switch {
		case f.names > 1:
		case f.part && (strings.HasPrefix(f.path.Base(), c.ownerPrefix()) || unused > abandonedAfter), !f.part && !bounded && unused > keepUnlinked:
			if err := removeUnused(f.path); err != nil {
				return err
			}
		}
	}
	return c.Notes().Forget(c, KeepNotes)
}

// files lists originals and partial downloads.
func (c Cache) files() ([]cached, error) {
	var files []cached
	for _, folder := range []string{blobFolder, partialFolder} {
		entries, err := c.Root.Join(folder).ReadDir()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, WrapError(err)
		}
		for _, entry := range entries {
			path := c.Root.Join(folder, entry.Name())
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) || ofPart(path) {
				continue // another process was quicker; or it goes with its part
			}
			if err != nil {
				return nil, WrapError(err)
			}
			files = append(files, cached{path, idOf(info), info.Size(), info.ModTime(), folder == partialFolder, namesOf(info)})
		}
	}
	return files, nil
}

// ofPart reports whether a file belongs to an existing part: it is the part's checkpoint, or is to become it.
func ofPart(path Path) bool {
	part, _, beside := strings.Cut(path.Base(), revision.CheckpointSuffix)
	if !beside {
		return false
	}
	_, err := path.Dir().Join(part).Lstat()
	return !errors.Is(err, fs.ErrNotExist)
}

// removeUnused removes an unused file, and its checkpoint first: a worker that finds no part begins a new one, with a new checkpoint. It is no
// error if the file is gone already.
func removeUnused(path Path) error {
	f, err := path.open(os.O_RDWR) // NFS has a lock for writing only on what was opened for that
	if errors.Is(err, fs.ErrPermission) {
		f, err = path.Open()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return WrapError(err)
	}
	defer f.Close()
	if !abandoned(path, lock(f), true) || !stillNamed(f, path) {
		return nil
	}
	for _, name := range []Path{path.add(revision.CheckpointSuffix), path} {
		if err := name.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return WrapError(err)
		}
	}
	return nil
}

// Missing returns how many bytes of an original have still to be downloaded; it does not check that what is there is whole.
func (c Cache) Missing(digest, id string, size int64) int64 {
	if c.has(digest) {
		return 0
	}
	if part, err := c.part(id).Lstat(); err == nil {
		return max(0, size-part.Size())
	}
	return size
}
