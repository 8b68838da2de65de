package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"os"
)

// Writer writes a file front to back, counts its bytes and hashes them on the way.
type Writer struct {
	file   *os.File
	buffer *bufio.Writer
	hash   hash.Hash
	bytes  int64
}

const bufferSize = 1 << 20

// Create begins a new file.
func Create(name string) (*Writer, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, Failure(err)
	}
	w := &Writer{file: f, hash: sha256.New()}
	w.buffer = bufio.NewWriterSize(hashing{w}, bufferSize)
	return w, nil
}

// hashing hashes what the buffer lets through, in large pieces.
type hashing struct{ w *Writer }

func (h hashing) Write(p []byte) (int, error) {
	h.w.hash.Write(p)
	return h.w.file.Write(p)
}

// Write appends bytes.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	w.bytes += int64(n)
	if err != nil {
		return n, Failure(err)
	}
	return n, nil
}

// Bytes is the number of bytes written so far: the offset of the next one.
func (w *Writer) Bytes() int64 { return w.bytes }

// Finish makes the file durable and read-only, and gives its SHA-256 in hex.
func (w *Writer) Finish() (string, error) {
	if err := w.buffer.Flush(); err != nil {
		return "", Failure(errors.Join(err, w.file.Close()))
	}
	if err := errors.Join(w.file.Chmod(fileMode), w.file.Sync(), w.file.Close()); err != nil {
		return "", Failure(err)
	}
	return hex.EncodeToString(w.hash.Sum(nil)), nil
}

// Abort closes a file that will not be finished. It is safe after Finish.
func (w *Writer) Abort() { w.file.Close() }
