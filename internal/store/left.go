package store

import (
	"io/fs"
	"sync"
	"syscall"
)

// Left gathers the originals that folders had which go: whoever removes the folders releases them from the cache. It may be used from
// several goroutines.
type Left struct {
	mutex   sync.Mutex
	files   map[fileID]bool
	digests map[string]bool
}

// fileID tells a file from any other on the volume, whatever its names are: it is the number of its inode.
type fileID uint64

func idOf(info fs.FileInfo) fileID {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return fileID(stat.Ino)
}

// Folder notes all files of a folder.
func (l *Left) Folder(folder Path) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.files == nil {
		l.files = map[fileID]bool{}
	}
	_ = folder.WalkDir(func(_ Path, entry fs.DirEntry, err error) error {
		if err != nil {
			return err // what cannot be seen is not released, and goes in time
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			l.files[idOf(info)] = true
		}
		return nil
	})
}

// Digest notes an original by its SHA-256: where there are no hard links, folders have copies.
func (l *Left) Digest(digest string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.digests == nil {
		l.digests = map[string]bool{}
	}
	l.digests[digest] = true
}

// Release removes the originals that were left and that nobody else has.
func (c Cache) Release(l *Left) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.needed || !l.files[f.id] && !l.digests[f.path.Base()] {
			continue
		}
		if err := removeUnused(f.path); err != nil {
			return err
		}
	}
	return nil
}
