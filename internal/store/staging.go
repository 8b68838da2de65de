package store

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Staging is a folder that is being written and has no final name yet. Other workers leave it alone while its writer lives.
type Staging struct {
	final Path
	path  Path // zero once it has its final name
	lock  *os.File
}

const stagingPrefix = ".staging-"

// Stage begins a folder that will stand under its final name once it is committed. What a dead writer left beside it is
// swept away; what a living one is writing stays.
func Stage(final Path) (*Staging, error) {
	parent := final.Dir()
	if err := MakeFolder(parent); err != nil {
		return nil, err
	}
	prefix := stagingPrefix + final.Base() + "-"
	if err := sweep(parent, prefix); err != nil {
		return nil, err
	}
	for {
		path, err := parent.unique(prefix, func(at Path) error { return at.failure(at.root.Mkdir(at.name, 0o700)) })
		if err != nil {
			return nil, Failure(err)
		}
		folder, err := path.openFolder()
		if err == nil && lock(folder) && stillNamed(folder, path) {
			return &Staging{final: final, path: path, lock: folder}, path.chmod(folderMode)
		}
		// Another writer swept the new folder away before it was locked: make the next.
		if err == nil {
			folder.Close()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, Failure(err)
		}
	}
}

// sweep removes the staging folders of one final name whose writers are dead: their locks can be taken.
func sweep(parent Path, prefix string) error {
	entries, err := parent.ReadDir()
	if err != nil {
		return Failure(err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), prefix) && !strings.HasPrefix(entry.Name(), doomedPrefix) {
			continue
		}
		if err := removeAbandoned(parent.Join(entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// removeAbandoned removes a folder that has no living writer: the lock on the folder itself is free. It is held meanwhile, since
// a writer that has made the folder may be about to take it.
func removeAbandoned(staging Path) error {
	folder, err := staging.openFolder()
	if err != nil {
		return nil // gone by now
	}
	defer folder.Close()
	if !lock(folder) {
		return nil
	}
	return Failure(staging.removeAll())
}

// Path is the name of a file in the folder; the folders above it are made.
func (s *Staging) Path(name string) (Path, error) {
	path := s.path.Join(name)
	return path, MakeFolder(path.Dir())
}

// Link gives a finished file a name in the folder.
func (s *Staging) Link(from Path, name string) error { return Link(from, s.path.Join(name)) }

// Final is the name that the folder is to have.
func (s *Staging) Final() Path { return s.final }

// Folder is where the folder lies until it is committed.
func (s *Staging) Folder() Path { return s.path }

// WriteFile writes a small file whole.
func (s *Staging) WriteFile(name string, content []byte) error {
	path, err := s.Path(name)
	if err != nil {
		return err
	}
	f, err := path.create()
	if err != nil {
		return Failure(err)
	}
	_, err = f.Write(content)
	return Failure(errors.Join(err, f.Chmod(fileMode), f.Close()))
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
		open := path.openFolder
		if !entry.IsDir() {
			info, err := entry.Info()
			if err != nil || linked(info) {
				return err
			}
			open = path.Open
		}
		group.Go(func() error { return syncFile(open()) })
		return nil
	})
	return errors.Join(err, group.Wait())
}

func linked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}

// Commit makes every file and name durable and gives the folder its final name. If another worker was first, its folder
// stays: the same key is the same content.
func (s *Staging) Commit() error {
	if err := s.Sync(); err != nil {
		return err
	}
	return s.Settle()
}

// Sync makes every file and name in the folder durable. Nothing may be written to it after that.
func (s *Staging) Sync() error { return Failure(s.sync()) }

// Settle gives a folder that is durable its final name.
func (s *Staging) Settle() error {
	if err := s.path.rename(s.final); err != nil {
		if _, gone := s.final.Stat(); gone != nil {
			return Failure(err)
		}
		return Failure(s.path.removeAll())
	}
	s.path = Path{}
	return SyncFolder(s.final.Dir())
}

// Replace gives a folder that is durable its final name, in place of one that stands there. For a moment neither does.
func (s *Staging) Replace() error {
	if err := s.Sync(); err != nil {
		return err
	}
	doomed := s.final.Dir().Join(doomedPrefix + s.path.Base()) // a name that nobody else has
	if err := s.final.rename(doomed); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Failure(err)
	}
	if err := s.Settle(); err != nil {
		return err
	}
	return Failure(doomed.removeAll())
}

// Keep takes the folder over: closing s does nothing any more.
func (s *Staging) Keep() *Staging {
	kept := *s
	s.path, s.lock = Path{}, nil
	return &kept
}

// Close gives up what was not committed. It is safe after Commit.
func (s *Staging) Close() error {
	if s.lock == nil {
		return nil
	}
	defer s.lock.Close()
	if s.path.IsZero() {
		return nil
	}
	return Failure(s.path.removeAll())
}
