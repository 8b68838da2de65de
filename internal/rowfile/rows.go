// Package rowfile writes and reads files of rows, each with an index next to it, which has the place of each row.
package rowfile

import (
	"fmt"

	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Writer writes a file of rows, and its index next to it.
type Writer struct {
	content *filewriter.Writer
	index   *filewriter.Writer
	rows    int64
}

// Create begins a file of rows and its index.
func Create(file, index store.Path) (*Writer, error) {
	content, err := filewriter.Create(file)
	if err != nil {
		return nil, err
	}
	entries, err := filewriter.CreatePlain(index) // no digest: what an index says is proved with the rows
	if err != nil {
		content.Abort()
		return nil, err
	}
	return &Writer{content: content, index: entries}, nil
}

// Add appends a row, its line end included. The offset of the entry is filled in.
func (w *Writer) Add(line []byte, e Entry) error {
	e.Offset = w.content.Bytes()
	var encoded [entrySize]byte
	if _, err := w.index.Write(e.Append(encoded[:0])); err != nil {
		return err
	}
	w.rows++
	_, err := w.content.Write(line)
	return err
}

// Rows returns how many rows were added.
func (w *Writer) Rows() int64 { return w.rows }

// Finish completes both files and returns what was written to that of the rows; they are durable once their folder is committed.
func (w *Writer) Finish() (filewriter.Written, error) {
	if _, err := w.index.Finish(); err != nil {
		return filewriter.Written{}, err
	}
	return w.content.Finish()
}

// Abort closes files that will not be finished. It is safe after Finish.
func (w *Writer) Abort() {
	w.index.Abort()
	w.content.Abort()
}

// Rows reads the rows of a finished file in any order, and cheaply front to back.
type Rows struct{ index, content *window }

// Open opens a file of rows by its index. A file of at most hold bytes is held in memory with its index, for reading in any
// order.
func Open(file, index store.Path, hold int64) (*Rows, error) {
	content, err := openWindow(file, hold)
	if err != nil {
		return nil, store.UnreadableError(err)
	}
	if content.Size() > hold {
		hold = 0 // holding the index of a file that is read anyway would save little
	}
	entries, err := openWindow(index, hold)
	if err != nil {
		content.Close()
		return nil, store.UnreadableError(err)
	}
	r := &Rows{entries, content}
	if entries.Size()%entrySize != 0 {
		r.Close() // it was only read
		return nil, store.UnreadableError(fmt.Errorf("%s has %d bytes, which is no whole number of %d-byte entries", index, entries.Size(), entrySize))
	}
	return r, nil
}

// Len returns the number of rows.
func (r *Rows) Len() int64 { return r.index.Size() / entrySize }

// Place is where a row is in its file, in bytes.
type Place struct{ Offset, Length int64 }

// Find returns the entry of a row and its place. The row ends where the next one begins; both entries are read at once, so that a row drawn
// anywhere costs one look at the index.
func (r *Rows) Find(i int64) (Entry, Place, error) {
	last, size := i+1 == r.Len(), int64(2*entrySize)
	if last {
		size = entrySize
	}
	encoded, err := r.index.Part(i*entrySize, size)
	if err != nil {
		return Entry{}, Place{}, store.UnreadableError(err)
	}
	entry, end := readEntry(encoded), r.content.Size()
	if !last {
		end = readEntry(encoded[entrySize:]).Offset
	}
	return entry, Place{entry.Offset, end - entry.Offset}, nil
}

// Line returns the row at a place, its line end included. It is good until the next call.
func (r *Rows) Line(at Place) ([]byte, error) {
	line, err := r.content.Part(at.Offset, at.Length)
	if err != nil {
		return nil, store.UnreadableError(err)
	}
	return line, nil
}

// Row returns a row by its number, its line end included, and its entry. The line is good until the next call.
func (r *Rows) Row(i int64) ([]byte, Entry, error) {
	entry, at, err := r.Find(i)
	if err != nil {
		return nil, entry, err
	}
	line, err := r.Line(at)
	if err != nil {
		return nil, entry, fmt.Errorf("row %d: %w", i, err)
	}
	return line, entry, nil
}

// Close closes both files.
func (r *Rows) Close() error {
	r.index.Close() // it was only read
	return r.content.Close()
}
