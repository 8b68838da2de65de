package extsort

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// Reader yields sorted records one by one.
type Reader struct {
	keySize int
	sources []source
	heap    []int // sources that have a record, the least first
	taken   bool  // the record of heap[0] was returned
}

// source is a sorted part with its current record: size, key, value.
type source struct {
	reader
	record []byte
	prefix uint64 // of the key, big endian
}

// reader is one sorted part.
type reader interface {
	// advance returns the next record, nil at the end. It may be used until the next call.
	advance() ([]byte, error)
}

func (r *Reader) begin() error {
	for i := range r.sources {
		more, err := r.advance(i)
		if err != nil {
			return err
		}
		if more {
			r.heap = append(r.heap, i)
		}
	}
	for i := len(r.heap)/2 - 1; i >= 0; i-- {
		r.down(i)
	}
	return nil
}

func (r *Reader) advance(i int) (more bool, err error) {
	s := &r.sources[i]
	if s.record, err = s.advance(); s.record == nil || err != nil {
		return false, err
	}
	s.prefix = binary.BigEndian.Uint64(s.record[sizeBytes:])
	return true, nil
}

// Next returns the next record, io.EOF after the last. Both slices may be used until the next call.
func (r *Reader) Next() (key, value []byte, err error) {
	record, err := r.next()
	if err != nil {
		return nil, nil, err
	}
	if record == nil {
		return nil, nil, io.EOF
	}
	return record[sizeBytes : sizeBytes+r.keySize], record[sizeBytes+r.keySize:], nil
}

// next returns the next record whole, nil after the last.
func (r *Reader) next() ([]byte, error) {
	if r.taken {
		r.taken = false
		more, err := r.advance(r.heap[0])
		if err != nil {
			return nil, err
		}
		if !more {
			last := len(r.heap) - 1
			r.heap[0] = r.heap[last]
			r.heap = r.heap[:last]
		}
		r.down(0)
	}
	if len(r.heap) == 0 {
		return nil, nil
	}
	r.taken = true
	return r.sources[r.heap[0]].record, nil
}

func (r *Reader) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(r.heap); child++ {
			if r.less(r.heap[child], r.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		r.heap[i], r.heap[least] = r.heap[least], r.heap[i]
		i = least
	}
}

// less compares the records of two sources; of equal ones the earlier source comes first, which keeps the order of adding.
func (r *Reader) less(a, b int) bool {
	x, y := &r.sources[a], &r.sources[b]
	if x.prefix != y.prefix {
		return x.prefix < y.prefix
	}
	c := bytes.Compare(x.record[sizeBytes:sizeBytes+r.keySize], y.record[sizeBytes:sizeBytes+r.keySize])
	return c < 0 || c == 0 && a < b
}

// heldReader reads the records that a sorter has in memory.
type heldReader struct {
	sorter *Sorter
	next   int // of the index, behind those in ahead
	// ahead are the records that come next, in batch. They are scattered in memory. Looked up one right after the other, the processor loads them
	// at the same time.
	ahead [][]byte
	batch [32][]byte
}

func (h *heldReader) advance() ([]byte, error) {
	if len(h.ahead) == 0 {
		h.fill()
	}
	if len(h.ahead) == 0 {
		return nil, nil
	}
	record := h.ahead[0]
	h.ahead = h.ahead[1:]
	return record, nil
}

func (h *heldReader) fill() {
	index := h.sorter.index[h.next:]
	h.ahead = h.batch[:min(len(index), len(h.batch))]
	for i := range h.ahead {
		h.ahead[i] = h.sorter.record(index[i])
	}
	h.next += len(h.ahead)
}

// runReader reads a run.
type runReader struct {
	file        *os.File
	unread, end int64 // the part of the file that is still to be read
	keySize     int
	buffer      []byte
	from, len   int // the current record in buffer
}

func newRunReader(file *os.File, part run, keySize int) *runReader {
	return &runReader{file: file, unread: part.start, end: part.end, keySize: keySize}
}

func (r *runReader) advance() ([]byte, error) {
	r.from, r.len = r.from+r.len, 0
	if r.from == len(r.buffer) && r.unread == r.end {
		return nil, nil
	}
	if err := r.hold(sizeBytes); err != nil {
		return nil, err
	}
	size := sizeBytes + r.keySize + int(binary.LittleEndian.Uint32(r.buffer[r.from:]))
	if err := r.hold(size); err != nil {
		return nil, err
	}
	r.len = size
	return r.buffer[r.from : r.from+size], nil
}

// hold makes sure that so many bytes from the next record on are in the buffer.
func (r *runReader) hold(need int) error {
	have := len(r.buffer) - r.from
	if have >= need {
		return nil
	}
	n := int(min(int64(max(readSize, need)-have), r.end-r.unread))
	if have+n < need {
		return io.ErrUnexpectedEOF
	}
	if cap(r.buffer) < have+n {
		grown := make([]byte, have, have+n)
		copy(grown, r.buffer[r.from:])
		r.buffer = grown
	} else {
		r.buffer = r.buffer[:copy(r.buffer, r.buffer[r.from:])]
	}
	r.from = 0
	r.buffer = r.buffer[:have+n]
	if _, err := r.file.ReadAt(r.buffer[have:], r.unread); err != nil {
		return err
	}
	r.unread += int64(n)
	return nil
}

// runWriter writes records one after the other.
type runWriter struct {
	file   *os.File
	at     int64 // end of what was written, once it is flushed
	buffer []byte
}

const writeSize = 256 << 10

func (w *runWriter) write(record []byte) error {
	if len(w.buffer)+len(record) > writeSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.buffer == nil {
		w.buffer = make([]byte, 0, writeSize)
	}
	w.buffer = append(w.buffer, record...)
	return nil
}

func (w *runWriter) flush() error {
	n, err := w.file.WriteAt(w.buffer, w.at)
	w.at += int64(n)
	w.buffer = w.buffer[:0]
	return err
}

// Source returns which of the files that are read, by its place among them, the record of the last Next came from.
func (r *Reader) Source() int { return r.heap[0] }

// Save writes all records, sorted, as a file that Open reads: each its value's size (4 bytes, little endian), its key and
// its value.
func (r *Reader) Save(w io.Writer) error {
	for {
		record, err := r.next()
		if record == nil || err != nil {
			return err
		}
		if _, err := w.Write(record); err != nil {
			return err
		}
	}
}

// Files are sorted files that are read as one.
type Files struct {
	Reader
	files []*os.File
}

// Open reads files that Save wrote, which are closed with it: of equal keys those of an earlier file come first. What is not such a
// file is found at the latest at its end.
func Open(keySize int, files ...*os.File) (*Files, error) {
	f := &Files{Reader: Reader{keySize: keySize}, files: files}
	for _, file := range files {
		info, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.sources = append(f.sources, source{reader: newRunReader(file, run{0, info.Size()}, keySize)})
	}
	if err := f.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close closes the files.
func (f *Files) Close() error {
	var err error
	for _, file := range f.files {
		err = errors.Join(err, file.Close())
	}
	return err
}
