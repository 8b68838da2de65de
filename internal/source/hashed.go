package source

import (
	"context"
	"io"
	"math"
	"sync"
)

// Hashed is a file at hand that is hashed as it is read, so that who wants its rows and its digest reads it once. What is read in the order
// of the file is hashed from the bytes that the reader gets; Finish reads the rest.
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

// Finish hashes what was not read in order, and checks what Digest does. Nothing may be reading the file any more.
func (h *Hashed) Finish(ctx context.Context) (Fetched, error) {
	rest := io.NewSectionReader(h.LocalFile, h.verifier.size, math.MaxInt64-h.verifier.size)
	if err := h.verifier.readAll(ctx, rest); err != nil {
		return Fetched{}, err
	}
	if err := h.verifier.check(); err != nil {
		return Fetched{}, err
	}
	return Fetched{SHA256: h.verifier.digest(), Size: h.verifier.size}, h.Unchanged()
}
