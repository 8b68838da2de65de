package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Cache holds downloaded originals by their SHA-256, for every mix on the volume.
//
//	sha256/<digest>    an original: finished, durable, never modified
//	partial/<hash>     one that is being downloaded, or of which the download was broken off; its writer has it locked. Its
//	                   checkpoint stands beside it, and goes with it
//	known/<hash>       the digest of something that a source names otherwise: by git's digest, or an ETag
//
// An original is in use while it has another name (a unit's folder links it) or someone holds a lock on it. Trim removes those
// that are not, the least recently used first.
type Cache struct{ Root string }

const (
	blobFolder    = "sha256"
	partialFolder = "partial"
	knownFolder   = "known"
)

// Blob is where the original with a digest lies.
func (c Cache) Blob(sha256 string) string { return filepath.Join(c.Root, blobFolder, sha256) }

// Held is an original that stays while it is held.
type Held struct {
	*os.File
	// Digest of the original.
	Digest string
}

// Hold takes hold of an original, whole and unchanged: it is read through for that. There is none where ok is false; one that
// has changed is removed.
func (c Cache) Hold(digest string, size int64) (held *Held, ok bool, err error) {
	for {
		f, err := os.Open(c.Blob(digest))
		if digest == "" || errors.Is(err, fs.ErrNotExist) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, Failure(err)
		}
		share(f)
		if !stillNamed(f, c.Blob(digest)) { // removed between the two steps
			f.Close()
			continue
		}
		sum := sha256.New()
		n, err := io.Copy(sum, f)
		whole := err == nil && hex.EncodeToString(sum.Sum(nil)) == digest
		if whole && (size < 0 || n == size) {
			now := time.Now()
			_ = os.Chtimes(c.Blob(digest), now, now) // of another user's, the time stays: it goes earlier
			_, err = f.Seek(0, io.SeekStart)
			return &Held{f, digest}, true, Failure(err)
		}
		f.Close()
		if err != nil || whole { // of another size than the caller was promised
			return nil, false, Failure(err)
		}
		if err := os.Remove(c.Blob(digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, false, Failure(err)
		}
		return nil, false, nil
	}
}

// share takes the lock of a reader; it waits no longer than another takes to look at the file. Where a file system has no locks,
// whoever has the file open reads on when its name is removed.
func share(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_SH) }

// Link gives an original that is held a second name, without a second copy where the file system can.
func (c Cache) Link(held *Held, to string) error {
	err := Link(c.Blob(held.Digest), to)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return Failure(copyTo(held.File, to)) // its name was removed all the same: by hand, or where there are no locks
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
	folder := filepath.Join(c.Root, partialFolder)
	if err := errors.Join(MakeFolder(folder), MakeFolder(filepath.Join(c.Root, blobFolder))); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(id))
	path := filepath.Join(folder, hex.EncodeToString(sum[:]))
	if err := sweepOwn(path); err != nil {
		return nil, err
	}
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
	for {
		own, err := os.CreateTemp(folder, filepath.Base(path)+ownInfix+"*")
		if err != nil {
			return nil, Failure(err)
		}
		lock(own)
		if stillNamed(own, own.Name()) {
			return &Partial{Path: own.Name(), lock: own, own: true}, nil
		}
		own.Close() // swept away before it was locked
	}
}

// ownInfix stands in the names of files that a second writer has to itself.
const ownInfix = "-"

// sweepOwn removes what second writers left that were killed: nobody would go on with it.
func sweepOwn(path string) error {
	left, err := filepath.Glob(path + ownInfix + "*")
	if err != nil {
		return Failure(err)
	}
	for _, name := range left {
		if ofPart(name) {
			continue
		}
		if err := removeUnused(name); err != nil {
			return err
		}
	}
	return nil
}

func stillNamed(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

// Keep gives a finished download its place in the cache, and holds it: p's lock goes over to what is given. An original that is
// there already stays.
func (c Cache) Keep(p *Partial, digest string) (*Held, error) {
	if held, ok, err := c.Hold(digest, -1); ok || err != nil {
		return held, errors.Join(err, Failure(os.Remove(p.Path)))
	}
	if err := os.Chmod(p.Path, fileMode); err != nil {
		return nil, Failure(err)
	}
	if err := os.Rename(p.Path, c.Blob(digest)); err != nil {
		return nil, Failure(err)
	}
	held := &Held{p.lock, digest}
	p.lock = nil
	share(held.File)
	return held, SyncFolder(filepath.Dir(c.Blob(digest)))
}

// Close lets the next writer go on with what is left of the download.
func (p *Partial) Close() error {
	if p.lock == nil {
		return nil // it is kept
	}
	if p.own {
		os.Remove(p.Path) // fails once the download has its place in the cache
		os.Remove(p.Path + contract.CheckpointSuffix)
	}
	return p.lock.Close()
}
