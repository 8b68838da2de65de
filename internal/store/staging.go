package store

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Staging is a folder that is being written and has no final name yet. Other workers leave it alone while its writer lives.
type Staging struct {
	final Path
	path  Path // zero once it has its final name
	lock  *os.File
}

// Stage begins a folder that will have its final name once it is committed. What dead writers of the same name left next to it is swept away; what
// a living one is writing stays.
func Stage(final Path) (*Staging, error) {
	if err := SweepOf(final, nil); err != nil {
		return nil, err
	}
	return Begin(final)
}

// Begin begins a folder as Stage does, and sweeps nothing away.
func Begin(final Path) (*Staging, error) {
	parent := final.Dir()
	if err := MakeFolder(parent); err != nil {
		return nil, err
	}
	for range raceTries {
		path, err := unique(parent, stagingPrefix+final.Base()+"-"+thisMachine()+"-", func(at Path) error { return at.failure(at.root.Mkdir(at.name, folderMode)) })
		if err != nil {
			return nil, WrapError(err)
		}
		staging, err := inhabit(final, path)
		if staging != nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return staging, WrapError(err)
		}
	}
	return nil, contract.Failf(contract.WorkerFailed, "%d new folders in %s were removed at once by other processes; run it again", raceTries, parent)
}

// inhabit locks a new folder. It returns nil if another process has swept the folder away before. Without locks, no process sweeps away what is
// new.
func inhabit(final, path Path) (*Staging, error) {
	folder, err := path.openFolder()
	if err != nil {
		return nil, err
	}
	if lockSoon(folder) != held {
		if err = chmod(path, folderMode); err == nil || refused(err) { // whatever the process' mask is
			return &Staging{final: final, path: path, lock: folder}, nil
		}
	}
	return nil, errors.Join(err, folder.Close(), removeAll(path))
}

// As returns the folder with another final name in the same parent folder. s must not be used any more.
func (s *Staging) As(final Path) *Staging {
	as := s.Keep()
	as.final = final
	return as
}

// Path returns the name of a file in the folder; the folders above it are made.
func (s *Staging) Path(name string) (Path, error) {
	path := s.path.Join(name)
	return path, MakeFolder(path.Dir())
}

// Link adds a finished file to the folder under a name.
func (s *Staging) Link(from Path, name string) error { return Link(from, s.path.Join(name)) }

// Final returns the name that the folder is to have.
func (s *Staging) Final() Path { return s.final }

// Folder returns where the folder lies until it is committed.
func (s *Staging) Folder() Path { return s.path }

// WriteFile writes a small file whole.
func (s *Staging) WriteFile(name string, content []byte) error {
	path, err := s.Path(name)
	if err != nil {
		return err
	}
	f, err := NewFile(path)
	if err != nil {
		return WrapError(err)
	}
	_, err = f.Write(content)
	return WrapError(errors.Join(err, Protect(f), f.Close()))
}

// syncsAtOnce is how many files are made durable at once: a journalling file system does many in the time of one.
const syncsAtOnce = 16

// sync makes every file and name in the folder durable. A file with a second name is a finished one's, and was durable before.
func (s *Staging) sync() error {
	var group errgroup.Group
	group.SetLimit(syncsAtOnce)
	err := s.path.WalkDir(func(path Path, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			group.Go(func() error { return syncFolder(path) })
			return nil
		}
		info, err := entry.Info()
		if err != nil || linked(info) {
			return err
		}
		group.Go(func() error { return syncFile(path.Open()) })
		return nil
	})
	return errors.Join(err, group.Wait())
}

func linked(info fs.FileInfo) bool { return namesOf(info) > 1 }

// namesOf returns how many names a file has, 1 where the file system does not tell.
func namesOf(info fs.FileInfo) int {
	_, names := inodeOf(info)
	return names
}

// Commit makes every file and name durable and renames the folder to its final name. If another worker was first, its folder stays: the same key is
// the same content.
func (s *Staging) Commit() error {
	if err := s.Sync(); err != nil {
		return err
	}
	return s.Settle()
}

// Sync makes every file and name in the folder durable. Nothing may be written to it after that.
func (s *Staging) Sync() error { return WrapError(s.sync()) }

// Settle renames a durable folder to its final name.
func (s *Staging) Settle() error {
	if err := s.path.rename(s.final); err != nil {
		if _, gone := s.final.Stat(); gone != nil {
			return WrapError(err)
		}
		return WrapError(removeAll(s.path))
	}
	s.path = Path{}
	return SyncFolder(s.final.Dir())
}

// Replace renames a durable folder to its final name, in place of one that is there. For a moment there is neither.
func (s *Staging) Replace() error {
	if err := s.Sync(); err != nil {
		return err
	}
	doomed, err := unique(s.final.Dir(), doomedPrefix+s.final.Base()+"-", s.final.rename)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return WrapError(err)
	}
	if err := s.Settle(); err != nil {
		return err
	}
	return WrapError(removeAll(doomed))
}

// Keep moves the folder to a new Staging and returns it. Closing s does nothing any more.
func (s *Staging) Keep() *Staging {
	kept := *s
	s.path, s.lock = Path{}, nil
	return &kept
}

// Close removes what was not committed. It is safe after Commit.
func (s *Staging) Close() error {
	if s.lock == nil {
		return nil
	}
	defer s.lock.Close()
	if s.path.IsZero() {
		return nil
	}
	return WrapError(removeAll(s.path))
}
