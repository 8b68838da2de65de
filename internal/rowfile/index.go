package rowfile

import "encoding/binary"

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

// IndexBytes returns the length in bytes of the index of a file with so many rows.
func IndexBytes(rows int64) int64 { return rows * entrySize }

func readEntry(encoded []byte) Entry {
	return Entry{
		Offset:   int64(binary.LittleEndian.Uint64(encoded)),
		Identity: Short(encoded[8:24]),
		Units:    int64(binary.LittleEndian.Uint64(encoded[24:])),
	}
}
