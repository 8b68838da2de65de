package hashing

import (
	"io/fs"
	"sync"
)

// Proofs are the digests of files that this process has read, by what a file is known by: its device and number, size and times. A
// file that is the same by all of them was not written to since, and its pages are those that were hashed; a later process knows
// nothing of it and reads the file again. The zero value has none. Proofs may be used by several goroutines.
type Proofs struct {
	mutex sync.Mutex
	known map[state]string
}

// mostProofs bounds the memory. A file beyond it is hashed once more.
const mostProofs = 1 << 16

// state is what a file is known by, in nanoseconds. The time of change cannot be set by whoever writes to the file.
type state struct {
	device, number    uint64
	size              int64
	modified, changed int64
}

// Note remembers the digest of a file that was hashed after it was described.
func (p *Proofs) Note(of fs.FileInfo, digest string) {
	s, ok := stateOf(of)
	if !ok {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.known == nil {
		p.known = map[state]string{}
	}
	if len(p.known) < mostProofs {
		p.known[s] = digest
	}
}

// Has reports whether a file was found to have a digest, and is still the same.
func (p *Proofs) Has(of fs.FileInfo, digest string) bool {
	s, ok := stateOf(of)
	if !ok {
		return false
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.known[s] == digest && digest != ""
}
