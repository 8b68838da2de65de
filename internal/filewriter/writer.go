// Package filewriter writes the large files of a staging folder, and hashes them on the way.
package filewriter

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"os"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/bufpipe"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Writer writes a file front to back, counts its bytes and hashes them on the way. Hashing and writing run in the background: while the caller
// fills one buffer, the one before is hashed and the one before that written.
type Writer struct {
	file   *os.File
	hash   hash.Hash // nil without a digest
	check  *xxhash.Digest
	bytes  int64
	buffer []byte

	background *bufpipe.Worker
	written    int64                 // bytes that are in the file
	err        atomic.Pointer[error] // the first one of the background goroutines, or os.ErrClosed after Abort
}

// A writer has at most bufferCount buffers of bufferSize bytes.
const (
	bufferSize  = 512 << 10
	bufferCount = 4
)

// Create begins a new file in a staging folder.
func Create(name store.Path) (*Writer, error) {
	w, err := create(name)
	if err != nil {
		return nil, err
	}
	w.hash, w.check = sha256.New(), xxhash.New()
	w.background = bufpipe.Start(bufferCount, w.sum, w.write)
	return w, nil
}

// CreatePlain begins a new file without a digest.
func CreatePlain(name store.Path) (*Writer, error) {
	w, err := create(name)
	if err != nil {
		return nil, err
	}
	w.background = bufpipe.Start(bufferCount, w.write)
	return w, nil
}

func create(name store.Path) (*Writer, error) {
	f, err := store.NewFile(name)
	if err != nil {
		return nil, store.WrapError(err)
	}
	return &Writer{file: f}, nil
}

// sum hashes a buffer.
func (w *Writer) sum(buffer []byte) {
	w.hash.Write(buffer)
	_, _ = w.check.Write(buffer) // cannot fail
}

// write writes a buffer. After an error it does nothing more.
func (w *Writer) write(buffer []byte) {
	if w.err.Load() != nil {
		return
	}
	n, err := w.file.Write(buffer)
	if err != nil {
		w.err.Store(&err)
	}
	beginWriteback(w.file, w.written, int64(n))
	w.written += int64(n)
}

// Write appends bytes. Its error may be that of an earlier call.
func (w *Writer) Write(p []byte) (int, error) {
	if len(w.buffer)+len(p) > bufferSize && len(w.buffer) > 0 {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if w.buffer == nil {
		w.buffer = w.background.Buffer(bufferSize)
	}
	w.buffer = append(w.buffer, p...)
	w.bytes += int64(len(p))
	return len(p), nil
}

// flush passes the buffer to the background goroutines.
func (w *Writer) flush() error {
	if err := w.err.Load(); err != nil {
		return store.WrapError(*err)
	}
	w.background.Hand(w.buffer)
	w.buffer = nil
	return nil
}

// Bytes returns the number of bytes written so far: the offset of the next one.
func (w *Writer) Bytes() int64 { return w.bytes }

// Written is a finished file as its writer knows it.
type Written struct {
	SHA256 string `json:"sha256"`
	// XXH64, in lower-case hex, finds damage as surely as a SHA-256 and many times as fast; it does not protect from an attacker.
	XXH64 string `json:"xxh64,omitempty"`
	Bytes int64  `json:"bytes"`
	// Rows is the XXH64 of the lines that a file of an export was made of; empty in other files.
	Rows string `json:"rows,omitempty"`
}

// Finish completes the file, makes it read-only, and returns what was written. It is durable once its staging folder is committed.
func (w *Writer) Finish() (Written, error) {
	if len(w.buffer) > 0 {
		if err := w.flush(); err != nil {
			return Written{}, errors.Join(err, w.stop())
		}
	}
	if err := errors.Join(w.stop(), store.Protect(w.file), w.file.Close()); err != nil {
		return Written{}, store.WrapError(err)
	}
	done := Written{Bytes: w.bytes}
	if w.hash != nil {
		done.SHA256, done.XXH64 = hex.EncodeToString(w.hash.Sum(nil)), hashing.Checksum(w.check.Sum64())
	}
	return done, nil
}

// WrittenOf returns a small file with the content as its writer knows it.
func WrittenOf(content []byte) Written {
	sum := sha256.Sum256(content)
	return Written{SHA256: hex.EncodeToString(sum[:]), XXH64: hashing.Checksum(xxhash.Sum64(content)), Bytes: int64(len(content))}
}

// stop waits for the background goroutines and returns their error.
func (w *Writer) stop() error {
	w.background.Wait()
	if err := w.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Abort closes a file that will not be finished: Write and Finish return an error after it. It is safe after Finish.
func (w *Writer) Abort() {
	_ = w.stop() // the file is discarded
	w.err.CompareAndSwap(nil, new(os.ErrClosed))
	w.file.Close()
}
