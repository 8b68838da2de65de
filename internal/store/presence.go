package store

import (
	"os"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Presence is the sign of a process that builds in a folder: a shared lock on the folder.
type Presence struct {
	folder *os.File
	// Since is when it was made, by the volume's clock.
	Since time.Time
}

// Enter makes a folder, if need be, and takes its sign. Leave gives the sign back, and so does the end of the process.
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
	if soon(enterTries, func() grip { return flock(f, shared) }) == held {
		f.Close()
		return nil, contract.Failf(contract.WorkerFailed, "another process has been removing unused files from %s for %v; run it again when that is done", folder, enterTries*lockPause)
	}
	return &Presence{f, info.ModTime()}, nil
}

// enterTries is how often Enter tries while another process, alone in the folder, removes what is not needed.
const enterTries = 60_000

// Alone turns p into an exclusive lock and reports whether p was the only sign; then no other process can enter until Leave. It reports false on
// a file system whose locks other machines may not see. Either way, p is no sign any more.
func (p *Presence) Alone() bool {
	_ = tryLock(p.folder, unlocked) // another lock takes its place
	return locksAreSeen(p.folder) && lock(p.folder) == taken
}

// Leave removes the sign.
func (p *Presence) Leave() { p.folder.Close() } // it was only a sign
