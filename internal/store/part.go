package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Partial is a file that is being downloaded. It survives its writer, so that the next one continues where it stopped.
type Partial struct {
	Path Path
	lock *os.File // the file itself
	own  bool     // no other writer will continue the part
	// shared is the name that the part has between two writers, where there are no locks and its writer has given it a private name.
	shared Path
}

// Partial finds the unfinished file of an original, known by what the caller asks for (not by digest, which may be unknown
// yet). Two workers never write to the same one: the second gets a separate one.
func (c Cache) Partial(id string) (*Partial, error) {
	folder := c.Root.Join(partialFolder)
	if err := errors.Join(MakeFolder(folder), MakeFolder(c.Root.Join(blobFolder))); err != nil {
		return nil, err
	}
	path := c.part(id)
	if err := sweepOwn(path); err != nil {
		return nil, err
	}
	for range raceTries {
		p, err := OpenPartial(path)
		if err != nil {
			return nil, err
		}
		got := lock(p.lock)
		if got == taken && sameNamed(p.lock, path) {
			return p, nil
		}
		p.Close()
		switch got {
		case held:
			return ownPartial(path)
		case lockless:
			return claim(path)
		}
		// Its writer finished it between the two steps: it is in the cache now, and no longer to be written.
	}
	return ownPartial(path)
}

// OpenPartial opens the unfinished file at a place, or begins it.
func OpenPartial(at Path) (*Partial, error) {
	f, err := at.open(os.O_CREATE | os.O_RDWR)
	if err != nil {
		return nil, WrapError(err)
	}
	if info, err := f.Stat(); err != nil || linked(info) {
		f.Close()
		return nil, errors.Join(WrapError(err), contract.Failf(contract.VolumeInvalid, "%s, which is to be written to, has a second name: remove it", at))
	}
	return &Partial{Path: at, lock: f}, nil
}

// part returns the place of one of the owner's parts.
func (c Cache) part(id string) Path {
	sum := sha256.Sum256([]byte(id))
	return c.Root.Join(partialFolder, c.ownerPrefix()+hex.EncodeToString(sum[:]))
}

// ownerPrefix begins the names of the owner's parts.
func (c Cache) ownerPrefix() string {
	sum := sha256.Sum256([]byte(c.Owner))
	return hex.EncodeToString(sum[:4]) + "."
}

// ownPartial makes a part that no other worker will continue.
func ownPartial(path Path) (*Partial, error) {
	for range raceTries {
		own, at, err := createTemp(path.Dir(), path.Base()+ownInfix)
		if err != nil {
			return nil, WrapError(err)
		}
		if lockSoon(own) != held && stillNamed(own, at) {
			return &Partial{Path: at, lock: own, own: true}, nil
		}
		own.Close() // swept away before it was locked
	}
	return nil, contract.Failf(contract.WorkerFailed, "%d new files in %s were removed at once by other processes; run it again", raceTries, path.Dir())
}

// claim renames a part to a name that no other worker knows, in one step, where there are no locks: of two writers one has it, the other one starts
// over. The part gets its shared name back when it is closed; that of a killed writer does not, and is swept away in time.
func claim(path Path) (*Partial, error) {
	own, err := unique(path.Dir(), path.Base()+ownInfix, path.rename)
	if errors.Is(err, fs.ErrNotExist) {
		return ownPartial(path)
	}
	if err != nil {
		return nil, WrapError(err)
	}
	f, err := own.open(os.O_RDWR)
	if err != nil {
		return nil, WrapError(err)
	}
	p := &Partial{Path: own, lock: f, shared: path}
	if err := path.add(revision.CheckpointSuffix).rename(p.checkpoint()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, WrapError(errors.Join(err, p.Close()))
	}
	return p, nil
}

// ownInfix is in the names of files that one writer has alone.
const ownInfix = "-"

// sweepOwn removes the parts that killed writers had alone: no other worker would continue them.
func sweepOwn(path Path) error {
	left, err := path.Dir().ReadDir()
	if err != nil {
		return WrapError(err)
	}
	for _, entry := range left {
		name := path.Dir().Join(entry.Name())
		if !strings.HasPrefix(entry.Name(), path.Base()+ownInfix) || ofPart(name) {
			continue
		}
		if err := removeUnused(name); err != nil {
			return err
		}
	}
	return nil
}

// sameNamed reports whether the name is that of the open file.
func sameNamed(f *os.File, path Path) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := path.Lstat()
	return err == nil && os.SameFile(opened, named)
}

// stillNamed reports whether the name is still that of the open file, as far as can be known: a file system may give one file another number each
// time, and then the name alone counts.
func stillNamed(f *os.File, path Path) bool {
	if sameNamed(f, path) {
		return true
	}
	first, err := path.Lstat()
	if err != nil {
		return false
	}
	second, err := path.Lstat()
	return err == nil && !os.SameFile(first, second)
}

// File returns the part itself, open for reading and writing. It is closed with p.
func (p *Partial) File() *os.File { return p.lock }

// Remove removes the part.
func (p *Partial) Remove() error { return errors.Join(p.Forget(), p.Path.Remove()) }

func (p *Partial) checkpoint() Path { return p.Path.add(revision.CheckpointSuffix) }

// mostCheckpoint is the most bytes of a checkpoint: it holds a path and an ETag.
const mostCheckpoint = 64 << 10

// Checkpoint returns the content of the part's checkpoint.
func (p *Partial) Checkpoint() ([]byte, error) { return readAtMost(p.checkpoint(), mostCheckpoint) }

// SetCheckpoint makes the part durable, and then its checkpoint.
func (p *Partial) SetCheckpoint(encoded []byte) error {
	if err := p.lock.Sync(); err != nil {
		return err
	}
	return WriteFile(p.checkpoint(), encoded)
}

// Forget removes the part's checkpoint.
func (p *Partial) Forget() error {
	if err := p.checkpoint().Remove(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close lets the next writer continue the download.
func (p *Partial) Close() error {
	switch {
	case p.lock == nil:
		return nil // it is kept
	case p.own:
		_ = p.Path.Remove() // fails once the download has its place in the cache
		_ = p.checkpoint().Remove()
	case !p.shared.IsZero():
		_ = p.checkpoint().rename(p.shared.add(revision.CheckpointSuffix)) // there may be none
		_ = p.Path.rename(p.shared)                                        // the same; what is left is swept away
	}
	return p.lock.Close()
}
