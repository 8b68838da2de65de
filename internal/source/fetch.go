package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/datasetmix/datasetmix/internal/bufpipe"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/progress"
)

// Fetched is the result of a fetch.
type Fetched struct {
	// SHA256 of the whole file, lower-case hex.
	SHA256 string
	// Size of the whole file in bytes.
	Size int64
	// Reused is how many of them the part held already.
	Reused int64
}

// How often a fetch reads a file. If its bytes are wrong twice, the source itself is wrong: the first time the part may have been damaged,
// or the transfer.
const (
	maxPasses = 4 // of a source that cannot continue a transfer
	maxWrong  = 2
)

// copyBuffer is large enough that a network volume is written to in large pieces.
const copyBuffer = 256 << 10

// Part is the destination of a fetch, with a checkpoint next to it.
type Part interface {
	// File is open for reading and writing, and stays open.
	File() *os.File
	// Remove removes the file and its checkpoint.
	Remove() error
	// Checkpoint returns what is next to the file, or an error where nothing is.
	Checkpoint() ([]byte, error)
	// SetCheckpoint brings the file to the disk, and then its checkpoint.
	SetCheckpoint(encoded []byte) error
	// Forget removes the checkpoint.
	Forget() error
}

// Fetch brings a file to a part, which may hold the beginning of it from an earlier try, and returns once every byte
// is there, matches size and digests, and has reached the disk. The caller renames the file.
//
// A part is continued where a digest can prove the result; else, where the source has a validator, up to the
// last checkpoint. It stays when a fetch fails for a transient reason, or when its process is killed, and is
// removed when its bytes are wrong.
func Fetch(ctx context.Context, s Source, f File, part Part) (Fetched, error) {
	held, err := reusable(part, f)
	if err != nil {
		return Fetched{}, diskFailure(f, err)
	}
	for pass, wrong := 1, 0; ; pass++ {
		got, err := fetchOnce(ctx, s, f, part, held)
		if err == nil {
			if err := errors.Join(part.Forget(), part.File().Sync()); err != nil {
				return Fetched{}, diskFailure(f, err)
			}
			return got, nil
		}
		if contract.ReasonOf(err) == contract.ChecksumMismatch {
			if wrong++; wrong == maxWrong {
				_ = part.Remove() // the wrong bytes are the failure to report
				return Fetched{}, err
			}
		} else if !errors.Is(err, errCannotContinue) || pass == maxPasses || ctx.Err() != nil {
			return Fetched{}, err
		}
		held = 0
		if err := errors.Join(part.Forget(), part.File().Truncate(0)); err != nil {
			return Fetched{}, diskFailure(f, err)
		}
	}
}

// reusable returns how many bytes of a part a fetch may build on; the rest of the part is cut off.
func reusable(part Part, f File) (int64, error) {
	info, err := part.File().Stat()
	if err != nil {
		return 0, err
	}
	held := info.Size()
	if !f.Pinned() {
		held = min(held, checkpointed(part, f))
	}
	if f.Size >= 0 && held > f.Size {
		held = 0
	}
	if held == 0 {
		err = part.Forget()
	}
	return held, errors.Join(err, part.File().Truncate(held))
}

// fetchOnce hashes what the part holds and appends the rest.
func fetchOnce(ctx context.Context, s Source, f File, part Part, held int64) (Fetched, error) {
	v := newVerifier(f)
	if _, err := part.File().Seek(0, io.SeekStart); err != nil {
		return Fetched{}, diskFailure(f, err)
	}
	if err := v.readAll(ctx, part.File()); err != nil {
		return Fetched{}, diskFailure(f, err)
	}
	body, err := s.Open(ctx, f, held)
	if err != nil {
		return Fetched{}, err
	}
	defer body.Close()
	if err := readThrough(progress.Of(ctx).Reader(body), v, (&disk{part: part, file: f, written: held, synced: held}).write); err != nil {
		return Fetched{}, err
	}
	return Fetched{SHA256: v.digest(), Size: v.size, Reused: held}, v.check()
}

// Digest reads a file to its end without keeping it, and checks what Fetch does.
func Digest(ctx context.Context, s Source, f File) (Fetched, error) {
	body, err := s.Open(ctx, f, 0)
	if err != nil {
		return Fetched{}, err
	}
	defer body.Close()
	v := newVerifier(f)
	if err := readThrough(progress.Of(ctx).Reader(body), v, func([]byte) error { return nil }); err != nil {
		return Fetched{}, err
	}
	return Fetched{SHA256: v.digest(), Size: v.size}, v.check()
}

// buffersAhead is how many buffers a file may be read ahead of its hashing: 4 MiB, so that neither waits for the other while other
// processes use the processor.
const buffersAhead = 16

// readThrough reads a body to its end, passes its pieces to a function, and hashes them in the background.
func readThrough(body io.Reader, v *verifier, piece func([]byte) error) error {
	hashing := bufpipe.Start(buffersAhead, v.write)
	defer hashing.Wait()
	for {
		buffer, err := fill(body, hashing.Buffer(copyBuffer)[:copyBuffer])
		hashing.Hand(buffer)
		if failed := piece(buffer); failed != nil {
			return failed
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fill reads until a buffer is half full, and returns what was read with the error that ended it.
func fill(body io.Reader, buffer []byte) (_ []byte, err error) {
	n := 0
	for n < len(buffer)/2 && err == nil {
		var more int
		more, err = body.Read(buffer[n:])
		n += more
	}
	return buffer[:n], err
}

// disk writes to the volume. Its errors have their reason, so that a full volume is not taken for trouble with the source.
type disk struct {
	part            Part
	file            File
	written, synced int64 // bytes of the file
}

func (d *disk) write(p []byte) error {
	if _, err := d.part.File().Write(p); err != nil {
		return diskFailure(d.file, err)
	}
	d.written += int64(len(p))
	if d.file.Pinned() || d.file.Validator == "" || d.written-d.synced < checkpointEvery {
		return nil
	}
	d.synced = d.written
	c := checkpoint{d.file.Path, d.file.Size, d.file.Validator, d.synced}
	if err := c.write(d.part); err != nil {
		return diskFailure(d.file, err)
	}
	return nil
}

// diskFailure returns the failure of the volume that a file is fetched to.
func diskFailure(f File, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		need := ""
		if f.Size >= 0 {
			need = fmt.Sprintf(" of %d bytes", f.Size)
		}
		return contract.Failf(contract.InsufficientStorage,
			"The volume is full: %s%s does not fit. Make the volume larger, or free space on it. (%w)", f.Path, need, err)
	}
	return contract.VolumeFailure(fmt.Errorf("%s cannot be stored on the volume: %w", f.Path, err))
}
