package store

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Presence is a sign that somebody builds in a folder.
type Presence struct {
	folder *os.File
	// Since is when it was put up, by the volume's clock.
	Since time.Time
}

// Enter puts up a sign in a folder, which is made. It is taken down with Leave, or with the process.
func Enter(folder Path) (*Presence, error) {
	if err := MakeFolder(folder); err != nil {
		return nil, err
	}
	if err := Touch(folder); err != nil {
		return nil, err
	}
	f, err := folder.openFolder()
	if err != nil {
		return nil, WrapError(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, WrapError(err)
	}
	if soon(enterTries, func() grip { return flock(f, unix.LOCK_SH) }) == held {
		f.Close()
		return nil, contract.Failf(contract.WorkerFailed, "another process has been removing unused files from %s for %v; run it again when that is done", folder, enterTries*lockPause)
	}
	return &Presence{f, info.ModTime()}, nil
}

// enterTries is how often a sign is tried to put up while another process, alone in the folder, removes what nobody needs.
const enterTries = 60_000

// Alone takes p down and reports whether that was the only sign: then there is none until p is left. It is no sign any more. Where locks
// are not known to be seen by all who may build there, nobody is alone.
func (p *Presence) Alone() bool {
	_ = unix.Flock(int(p.folder.Fd()), unix.LOCK_UN) // another lock takes its place
	return locksAreSeen(p.folder) && lock(p.folder) == taken
}

// Leave takes the sign down.
func (p *Presence) Leave() { p.folder.Close() } // it was only a sign
