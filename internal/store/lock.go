package store

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// grip is the result of asking for a lock. Locks belong to the open file, so a process that dies releases its locks, however it dies.
type grip int

const (
	// taken: this process has it now.
	taken grip = iota
	// held: another process has it.
	held
	// lockless: the file system has no locks, or not on this file. The holder is not known.
	lockless
)

// lock asks for an exclusive lock on a file or folder without waiting.
func lock(f *os.File) grip { return flock(f, exclusive) }

// A lock is asked for again after so long, while another process looks at the file. Such a look is over in a moment.
const (
	lockPause = 5 * time.Millisecond
	lockTries = 200
)

// raceTries is how often a name is tried that another process takes away between two steps. That happens now and then; where it happens each time,
// the file system gives one file several numbers.
const raceTries = 20

// lockSoon asks for an exclusive lock on what is new: a process that has it is only checking for a writer.
func lockSoon(f *os.File) grip { return soon(lockTries, func() grip { return lock(f) }) }

// share takes the lock of a reader. Where there are no locks, a reader with the file open reads on when its name is removed.
func share(f *os.File) { soon(lockTries, func() grip { return flock(f, shared) }) }

func soon(tries int, ask func() grip) grip {
	for range tries {
		if got := ask(); got != held {
			return got
		}
		time.Sleep(lockPause)
	}
	return held
}

// flock asks for a lock. Only one error means that another process has it: file systems refuse locks in many ways, NFS those for writing on what
// was opened for reading.
func flock(f *os.File, how int) grip {
	for range lockTries {
		switch tryLock(f, how) {
		case nil:
			return taken
		case syscall.EWOULDBLOCK:
			return held
		case syscall.EINTR: // ask again
		default:
			return lockless
		}
	}
	return lockless
}

// abandonedAfter is how long a file or folder must be unchanged before it counts as abandoned where locks are unknown.
const abandonedAfter = 24 * time.Hour

// abandoned reports whether a file or folder has no writer any more. A lock is proof for what this machine has made. For the rest, only its age
// counts, because not every network file system knows the locks of other machines.
func abandoned(at Path, got grip, here bool) bool {
	switch {
	case got == held:
		return false
	case got == taken && here:
		return true
	default:
		return idle(at) > abandonedAfter
	}
}

// idle returns how long ago a file, or anything in a folder, changed last; 0 where that cannot be said.
func idle(at Path) time.Duration {
	var last time.Time
	err := at.WalkDir(func(_ Path, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	if err != nil {
		return 0
	}
	return time.Since(last)
}
