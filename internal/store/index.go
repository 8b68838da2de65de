package store

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Short is the first half of a SHA-256: 128 bits, enough to tell contents apart.
type Short [16]byte

// Entry describes one row of a file.
type Entry struct {
	// Offset of the row's first byte in its file.
	Offset int64
	// Identity of the row's content, whatever its place and its data set.
	Identity Short
	// Question is the digest of the question alone: two rows with the same one may not lie in two splits.
	Question Short
}

// entrySize is the size of an entry in an index file: the offset (little-endian, 8 bytes), the identity and the question.
const entrySize = 8 + 16 + 16

// IndexWriter writes the index of a file beside it, one entry per row.
type IndexWriter struct{ w *Writer }

// CreateIndex begins an index file.
func CreateIndex(name string) (*IndexWriter, error) {
	w, err := create(name) // no digest: what an index says is proved with the rows
	if err == nil {
		w.start()
	}
	return &IndexWriter{w}, err
}

// Add appends the entry of the next row.
func (w *IndexWriter) Add(e Entry) error {
	var encoded [entrySize]byte
	binary.LittleEndian.PutUint64(encoded[:], uint64(e.Offset))
	copy(encoded[8:], e.Identity[:])
	copy(encoded[24:], e.Question[:])
	_, err := w.w.Write(encoded[:])
	return err
}

// Finish makes the index whole; it is durable once its staging folder is committed.
func (w *IndexWriter) Finish() error {
	_, err := w.w.Finish()
	return err
}

// Abort closes an index that will not be finished. It is safe after Finish.
func (w *IndexWriter) Abort() { w.w.Abort() }

// Rows is a finished file with its index, for reading rows in any order.
type Rows struct {
	Entries []Entry
	content *Window
}

// OpenRows opens a file and reads its index.
func OpenRows(file, index string) (*Rows, error) {
	content, err := OpenWindow(file)
	if err != nil {
		return nil, missing(err)
	}
	entries, err := ReadIndex(index)
	if err != nil {
		content.Close()
		return nil, err
	}
	return &Rows{entries, content}, nil
}

func missing(err error) error {
	return contract.Failf(contract.VolumeInvalid, "a finished stage's file cannot be read: %w; remove the stage's folder, and it is built again", err)
}

// ReadIndex reads a whole index.
func ReadIndex(name string) ([]Entry, error) {
	encoded, err := os.ReadFile(name)
	if err != nil {
		return nil, missing(err)
	}
	if len(encoded)%entrySize != 0 {
		return nil, missing(fmt.Errorf("%s has %d bytes, which is no whole number of %d-byte entries", name, len(encoded), entrySize))
	}
	entries := make([]Entry, len(encoded)/entrySize)
	for i := range entries {
		at := encoded[i*entrySize:]
		entries[i].Offset = int64(binary.LittleEndian.Uint64(at))
		copy(entries[i].Identity[:], at[8:])
		copy(entries[i].Question[:], at[24:])
	}
	return entries, nil
}

// Row is a row, its line end included. It is good until the next call.
func (r *Rows) Row(i int) ([]byte, error) {
	start, end := r.Entries[i].Offset, r.content.Size()
	if i+1 < len(r.Entries) {
		end = r.Entries[i+1].Offset
	}
	line, err := r.content.Part(start, end-start)
	if err != nil {
		return nil, missing(fmt.Errorf("row %d: %w", i, err))
	}
	return line, nil
}

// Close closes the file.
func (r *Rows) Close() error { return r.content.Close() }
