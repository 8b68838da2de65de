package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
)

// Cache holds downloaded originals by their SHA-256, for every mix on the volume.
type Cache struct{ Root string }

// Blob is where the original with a digest lies.
func (c Cache) Blob(sha256 string) string { return filepath.Join(c.Root, "sha256", sha256) }

// Has says whether an original of this digest and size is there.
func (c Cache) Has(sha256 string, size int64) bool {
	if sha256 == "" {
		return false
	}
	info, err := os.Stat(c.Blob(sha256))
	return err == nil && info.Mode().IsRegular() && (size < 0 || info.Size() == size)
}

// Partial is a file that is being downloaded. It survives its writer, so that the next one goes on where it stopped.
type Partial struct {
	Path string
	lock *os.File // the file itself
	own  bool     // of this writer alone: nobody will go on with it
}

// Partial finds the unfinished file of an original, known by what the caller asks for (not by digest, which may be unknown
// yet). Two workers never write to the same one: the second gets one of its own.
func (c Cache) Partial(id string) (*Partial, error) {
	folder := filepath.Join(c.Root, "partial")
	if err := errors.Join(MakeFolder(folder), MakeFolder(filepath.Join(c.Root, "sha256"))); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(id))
	path := filepath.Join(folder, hex.EncodeToString(sum[:]))
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, Failure(err)
		}
		if !lock(f) {
			f.Close()
			break
		}
		if stillNamed(f, path) {
			return &Partial{Path: path, lock: f}, nil
		}
		f.Close() // its writer finished it between the two steps: it is in the cache now, and nobody's to write
	}
	own, err := os.CreateTemp(folder, filepath.Base(path)+"-*")
	if err != nil {
		return nil, Failure(err)
	}
	lock(own)
	return &Partial{Path: own.Name(), lock: own, own: true}, nil
}

func stillNamed(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

// Keep gives a finished download its place in the cache.
func (c Cache) Keep(p *Partial, sha256 string) error {
	if err := os.Chmod(p.Path, fileMode); err != nil {
		return Failure(err)
	}
	if err := os.Rename(p.Path, c.Blob(sha256)); err != nil {
		return Failure(err)
	}
	return SyncFolder(filepath.Dir(c.Blob(sha256)))
}

// Close lets the next writer go on with what is left of the download.
func (p *Partial) Close() error {
	if p.own {
		os.Remove(p.Path) // fails once the download has its place in the cache
	}
	return p.lock.Close()
}
