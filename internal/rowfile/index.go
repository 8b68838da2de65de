package rowfile

import (
	"encoding/binary"
	"fmt"

	"github.com/datasetmix/datasetmix/internal/store"
)

// Short is the first half of a SHA-256: 128 bits, enough to tell contents apart.
type Short [16]byte

// Entry describes one row of a file.
type Entry struct {
	// Offset of the row's first byte in its file.
	Offset int64
	// Identity of the row's content, whatever its place and its data set.
	Identity Short
	// Units are the bytes or tokens by which shares are measured; 0 where they are measured in rows.
	Units int64
}

// entrySize is the size of an entry in an index file: the offset, the identity and the units; numbers are little endian.
const entrySize = 8 + 16 + 8

// Append appends the entry as it is in an index file.
func (e Entry) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Offset))
	dst = append(dst, e.Identity[:]...)
	return binary.LittleEndian.AppendUint64(dst, uint64(e.Units))
}

// Index reads the index of a file of rows, entry by entry: it holds a window of it, whatever the number of rows.
type Index struct {
	entries *window
	rows    int64
}

// openIndex opens an index. One of at most so many bytes is held in memory.
func openIndex(name store.Path, hold int64) (*Index, error) {
	entries, err := openWindow(name, hold)
	if err != nil {
		return nil, store.UnreadableError(err)
	}
	if entries.Size()%entrySize != 0 {
		entries.Close()
		return nil, store.UnreadableError(fmt.Errorf("%s has %d bytes, which is no whole number of %d-byte entries", name, entries.Size(), entrySize))
	}
	return &Index{entries, entries.Size() / entrySize}, nil
}

// IndexBytes returns the length of an index of so many rows.
func IndexBytes(rows int64) int64 { return rows * entrySize }

// Len returns the number of rows.
func (x *Index) Len() int64 { return x.rows }

// At returns the entry of a row.
func (x *Index) At(row int64) (Entry, error) {
	encoded, err := x.entries.Part(row*entrySize, entrySize)
	if err != nil {
		return Entry{}, store.UnreadableError(err)
	}
	return readEntry(encoded), nil
}

// between returns the entry of a row and the offset of the next one, -1 after the last. Both are read at once: a row drawn anywhere
// costs one look at the index.
func (x *Index) between(row int64) (entry Entry, next int64, err error) {
	if row+1 == x.rows {
		entry, err = x.At(row)
		return entry, -1, err
	}
	encoded, err := x.entries.Part(row*entrySize, 2*entrySize)
	if err != nil {
		return Entry{}, 0, store.UnreadableError(err)
	}
	return readEntry(encoded), readEntry(encoded[entrySize:]).Offset, nil
}

func readEntry(encoded []byte) Entry {
	return Entry{
		Offset:   int64(binary.LittleEndian.Uint64(encoded)),
		Identity: Short(encoded[8:24]),
		Units:    int64(binary.LittleEndian.Uint64(encoded[24:])),
	}
}

// Close closes the file.
func (x *Index) Close() error { return x.entries.Close() }
