package source

import (
	"context"
	"io"
	"math"
	"sync"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/progress"
)

// Hashed is a file at hand that is hashed as it is read, so that a caller that needs its rows and its digest reads it once. What is read in the
// order of the file is hashed from the bytes that the reader gets; Finish reads the rest.
type Hashed struct {
	LocalFile
	mutex    sync.Mutex
	verifier *verifier
}

// AtHashed opens a file as Local does.
func AtHashed(ctx context.Context, from Local, f File) (*Hashed, error) {
	file, err := from.At(ctx, f)
	if err != nil {
		return nil, err
	}
	return &Hashed{LocalFile: file, verifier: newVerifier(f)}, nil
}

// ReadAt implements io.ReaderAt.
func (h *Hashed) ReadAt(p []byte, offset int64) (int, error) {
	n, err := h.LocalFile.ReadAt(p, offset)
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if known := h.verifier.size - offset; known >= 0 && known < int64(n) {
		h.verifier.write(p[known:n])
	}
	return n, err
}

// Finish hashes what was not read in order, and checks what Fetch does. Nothing may be reading the file any more.
func (h *Hashed) Finish(ctx context.Context) (Fetched, error) {
	v := h.verifier
	rest := io.NewSectionReader(h.LocalFile, v.size, math.MaxInt64-v.size)
	err := v.readAll(ctx, progress.Of(ctx).Reader(rest))
	if err != nil && ctx.Err() == nil {
		err = contract.Failf(contract.FetchFailed, "%s cannot be read: %w.", v.file.Path, err)
	}
	if err == nil {
		err = h.Unchanged() // before the digest: of a file that was written to, it means nothing
	}
	if err != nil {
		return Fetched{}, err
	}
	return Fetched{SHA256: v.digest(), Size: v.size}, v.check()
}
