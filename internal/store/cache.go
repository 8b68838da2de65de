package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/hashing"
)

// Cache holds downloaded originals by their SHA-256. All mixes on the volume share it.
//
//	sha256/<digest>    an original: finished, durable, never modified
//	partial/<hash>     an original that is being downloaded, or whose download was interrupted; its writer holds its lock. Its
//	                   checkpoint is next to it, and is removed with it
//	known/<hash>       the SHA-256 of something that a source names in another way: by git's digest
//
// An original is in use while it has another name (a unit's folder links it) or a process holds a lock on it. Trim removes originals that are
// not in use, the least recently used first.
type Cache struct {
	Root Path
	// Owner is the mix that downloads. It continues only its own interrupted downloads, since another mix may use another proxy or trust another
	// certificate authority, and it removes them once it needs none of them.
	Owner string
}

const (
	blobFolder    = "sha256"
	partialFolder = "partial"
	knownFolder   = "known"
)

// Blob returns the place of the original with a digest. A text that is no digest is refused: it could be any path.
func (c Cache) Blob(digest string) (Path, error) {
	if !contract.IsSHA256(digest) {
		return Path{}, contract.Failf(contract.InvalidData, "%.100q is no SHA-256, which has 64 lower-case hexadecimal digits, and names no file of the cache", digest)
	}
	return c.Root.Join(blobFolder, digest), nil
}

// Held is an original that stays while it is held.
type Held struct {
	*os.File
	// Digest of the original.
	Digest string
	// hashed describes the file as it was when its bytes were hashed.
	hashed fs.FileInfo
}

// Hold opens an original and reads it to see that it is whole and unchanged. If ok is false there is none; one that has changed is removed. An
// empty digest is that of no original.
func (c Cache) Hold(ctx context.Context, digest string, size int64) (held *Held, ok bool, err error) {
	if digest == "" {
		return nil, false, nil
	}
	blob, err := c.Blob(digest)
	if err != nil {
		return nil, false, err
	}
	f, err := openShared(blob)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, WrapError(err)
	}
	found, n, err := hashing.SHA256(ctx, f)
	if err == nil && found == digest && (size < 0 || n == size) {
		_ = blob.Touch(time.Now()) // that of another user keeps its time, and is removed earlier
		held, err := hold(f, digest)
		return held, true, err
	}
	f.Close()
	if err != nil || found == digest { // of another size than the caller expects
		return nil, false, WrapError(err)
	}
	return nil, false, c.Discard(digest)
}

// hold returns an open file, whose digest is known, at its beginning.
func hold(f *os.File, digest string) (*Held, error) {
	hashed, err := f.Stat()
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return &Held{f, digest, hashed}, WrapError(err)
}

// openShared opens an original with the lock of a reader. If its name is still that of another file after some tries, the file system gives one
// file several numbers: what is open stays open, whatever its name is.
func openShared(blob Path) (*os.File, error) {
	for n := 1; ; n++ {
		f, err := blob.Open()
		if err != nil {
			return nil, err
		}
		share(f)
		if n == raceTries || stillNamed(f, blob) {
			return f, nil
		}
		f.Close() // removed between the two steps
	}
}

// Note remembers the digest of the original, whatever names it has got meanwhile.
func (h *Held) Note(in *hashing.Proofs) error {
	now, err := h.Stat()
	if err != nil {
		return WrapError(err)
	}
	if was := h.hashed; was != nil && now.Size() == was.Size() && now.ModTime().Equal(was.ModTime()) { // the same open file
		in.Note(now, h.Digest)
	}
	return nil
}

// Discard removes an original whose bytes do not have the digest that is its name.
func (c Cache) Discard(digest string) error {
	blob, err := c.Blob(digest)
	if err != nil {
		return err
	}
	if err := blob.Remove(); !errors.Is(err, fs.ErrNotExist) {
		return WrapError(err)
	}
	return nil
}

// Link adds a second name to an original that is held, without a second copy where the file system can.
func (c Cache) Link(held *Held, to Path) error {
	blob, err := c.Blob(held.Digest)
	if err != nil {
		return err
	}
	if err := Link(blob, to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return WrapError(copyTo(held.File, to)) // its name was removed nevertheless: by hand, or where there are no locks
}

// Keep moves a finished download to its place in the cache, and returns it with the lock of p. An original that is
// there already stays.
func (c Cache) Keep(ctx context.Context, p *Partial, digest string) (*Held, error) {
	if held, ok, err := c.Hold(ctx, digest, -1); ok || err != nil {
		return held, errors.Join(err, WrapError(p.Path.Remove()))
	}
	blob, err := c.Blob(digest)
	if err != nil {
		return nil, err
	}
	if err := Protect(p.lock); err != nil {
		return nil, WrapError(err)
	}
	if err := p.Path.rename(blob); err != nil {
		return nil, WrapError(err)
	}
	held, err := hold(p.lock, digest)
	p.lock = nil
	share(held.File)
	return held, errors.Join(err, SyncFolder(blob.Dir()))
}
