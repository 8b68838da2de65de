package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"os"
	"sync/atomic"
)

// Writer writes a file front to back, counts its bytes and hashes them on the way. Hashing and writing go on beside the
// caller: while it fills one buffer, the one before is hashed and written.
type Writer struct {
	file   *os.File
	hash   hash.Hash // nil where nobody wants the digest
	bytes  int64
	buffer []byte

	full, free chan []byte
	done       chan struct{}
	err        atomic.Pointer[error] // the first of the other side
}

// A writer has up to so many buffers of this size.
const (
	bufferSize  = 512 << 10
	bufferCount = 3
)

// Create begins a new file in a staging folder.
func Create(name string) (*Writer, error) {
	w, err := CreatePlain(name)
	if err == nil {
		w.hash = sha256.New()
	}
	return w, err
}

// CreatePlain begins a new file of which nobody wants the digest.
func CreatePlain(name string) (*Writer, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, Failure(err)
	}
	w := &Writer{file: f}
	w.start()
	return w, nil
}

func (w *Writer) start() {
	w.full, w.free, w.done = make(chan []byte, bufferCount), make(chan []byte, bufferCount), make(chan struct{})
	for range bufferCount - 1 {
		w.free <- nil // made when it is needed: most files are smaller than one
	}
	go w.drain(w.full)
}

// drain hashes and writes buffers until there are no more. After an error it only gives them back.
func (w *Writer) drain(full <-chan []byte) {
	defer close(w.done)
	var written int64
	for buffer := range full {
		if w.err.Load() == nil {
			if w.hash != nil {
				w.hash.Write(buffer)
			}
			n, err := w.file.Write(buffer)
			if err != nil {
				w.err.Store(&err)
			}
			beginWriteback(w.file, written, int64(n))
			written += int64(n)
		}
		w.free <- buffer[:0]
	}
}

// Write appends bytes. An error may be that of an earlier call.
func (w *Writer) Write(p []byte) (int, error) {
	if len(w.buffer)+len(p) > bufferSize && len(w.buffer) > 0 {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if w.buffer == nil {
		w.buffer = make([]byte, 0, bufferSize)
	}
	w.buffer = append(w.buffer, p...)
	w.bytes += int64(len(p))
	return len(p), nil
}

// flush hands the buffer to the other side.
func (w *Writer) flush() error {
	if err := w.err.Load(); err != nil {
		return Failure(*err)
	}
	w.full <- w.buffer
	w.buffer = <-w.free
	return nil
}

// Bytes is the number of bytes written so far: the offset of the next one.
func (w *Writer) Bytes() int64 { return w.bytes }

// Finish makes the file whole and read-only, and gives its SHA-256 in hex. It is durable once its staging folder is committed.
func (w *Writer) Finish() (string, error) {
	if len(w.buffer) > 0 {
		if err := w.flush(); err != nil {
			return "", errors.Join(err, w.stop())
		}
	}
	if err := errors.Join(w.stop(), w.file.Chmod(fileMode), w.file.Close()); err != nil {
		return "", Failure(err)
	}
	if w.hash == nil {
		return "", nil
	}
	return hex.EncodeToString(w.hash.Sum(nil)), nil
}

// stop waits for the other side and gives its error.
func (w *Writer) stop() error {
	if w.full == nil {
		return nil
	}
	close(w.full)
	w.full = nil
	<-w.done
	if err := w.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Abort closes a file that will not be finished. It is safe after Finish.
func (w *Writer) Abort() {
	_ = w.stop() // the file is given up: its error is of no use
	w.file.Close()
}
