package store

import (
	"errors"
	"io/fs"
	"os"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// File is the part itself, open for reading and writing. It is closed with p.
func (p *Partial) File() *os.File { return p.lock }

// Remove removes the part.
func (p *Partial) Remove() error { return errors.Join(p.Forget(), p.Path.Remove()) }

func (p *Partial) checkpoint() Path { return p.Path.add(contract.CheckpointSuffix) }

// mostCheckpoint is the most bytes of a checkpoint: it holds a path and an ETag.
const mostCheckpoint = 64 << 10

// Checkpoint returns what stands beside the part.
func (p *Partial) Checkpoint() ([]byte, error) { return p.checkpoint().readAtMost(mostCheckpoint) }

// SetCheckpoint brings the part to the disk, and then what stands beside it.
func (p *Partial) SetCheckpoint(encoded []byte) error {
	if err := p.lock.Sync(); err != nil {
		return err
	}
	return WriteFile(p.checkpoint(), encoded)
}

// Forget removes what stands beside the part.
func (p *Partial) Forget() error {
	if err := p.checkpoint().Remove(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
