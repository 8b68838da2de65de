// Package extsort sorts records in bounded memory. Records that fit stay in memory; more than that go to a file without a
// name, in sorted runs, which are merged while they are read (Knuth, "The Art of Computer Programming" 3, section 5.4).
//
// A record is a key of a fixed length and a value of any length. Keys are compared byte by byte, so integers in keys are big
// endian. Records with equal keys keep the order in which they were added.
package extsort

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"sync"
)

const (
	// blockSize is the unit in which memory is taken. A record that is larger has a block of its own.
	blockSize = 1 << 20
	// fan is how many runs are merged at once, and readSize how much of each is in memory.
	fan      = 128
	readSize = 64 << 10
	// sizeBytes is the length of a value's size, which comes before the key.
	sizeBytes = 4
	// prefixBytes is how much of a key is in the index: most comparisons need no more.
	prefixBytes = 8
	// entryBytes is what the index takes for a record: an entry, and room for it while the index is sorted.
	entryBytes = 2 * 16
)

// Sorter takes records in any order, from any number of goroutines, and returns them sorted. It must be closed.
type Sorter struct {
	scratch func() (*os.File, error)
	keySize int
	memory  int

	mutex  sync.Mutex
	blocks [][]byte // in use: records one after the other, none in two blocks
	free   [][]byte
	index  []entry
	spare  []entry // memory for the index
	held   int     // bytes of blocks in use
	runs   []run
	file   *os.File // of the runs
	end    int64
	count  int64
}

// run is a sorted part of the file.
type run struct{ start, end int64 }

// New makes a sorter of records with keys of keySize bytes, at least 8. It holds up to about memory bytes, and what one record
// needs beyond that; what does not fit is written to a file that scratch makes, which has no name and vanishes with the process.
func New(scratch func() (*os.File, error), keySize, memory int) *Sorter {
	if keySize < prefixBytes {
		panic("extsort: a key needs 8 bytes at least")
	}
	return &Sorter{scratch: scratch, keySize: keySize, memory: max(memory, blockSize)}
}

// Add adds a record whose value is all values, one after the other. It keeps none of the slices. Its errors are those of the file.
func (s *Sorter) Add(key []byte, values ...[]byte) error {
	size := 0
	for _, value := range values {
		size += len(value)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	need := sizeBytes + s.keySize + size
	if err := s.room(need); err != nil {
		return err
	}
	last := len(s.blocks) - 1
	block := s.blocks[last]
	s.index = append(s.index, entry{binary.BigEndian.Uint64(key), uint32(last), uint32(len(block))})
	block = binary.LittleEndian.AppendUint32(block, uint32(size))
	block = append(block, key[:s.keySize]...)
	for _, value := range values {
		block = append(block, value...)
	}
	s.blocks[last] = block
	s.count++
	return nil
}

// Count returns the number of records that were added.
func (s *Sorter) Count() int64 { return s.count }

// room makes space for a record in the last block.
func (s *Sorter) room(need int) error {
	if last := len(s.blocks) - 1; last >= 0 && cap(s.blocks[last])-len(s.blocks[last]) >= need {
		return nil
	}
	if len(s.blocks) > 0 && s.held+len(s.index)*entryBytes+need > s.memory {
		if err := s.spill(); err != nil {
			return err
		}
	}
	block := s.block(need)
	s.held += cap(block)
	s.blocks = append(s.blocks, block)
	return nil
}

// block returns an empty block for a record. The first ones are small, since many sorters see few records.
func (s *Sorter) block(need int) []byte {
	if n := len(s.free); n > 0 && need <= blockSize {
		block := s.free[n-1]
		s.free = s.free[:n-1]
		return block
	}
	size := blockSize
	if len(s.blocks) < 4 && len(s.runs) == 0 {
		size = blockSize >> (8 - 2*len(s.blocks))
	}
	if size == blockSize && need <= blockSize {
		return newBlock()
	}
	return make([]byte, 0, max(size, need))
}

// spill sorts what is in memory and writes it as a run.
func (s *Sorter) spill() error {
	s.sort()
	if s.file == nil {
		file, err := s.scratch()
		if err != nil {
			return err
		}
		s.file = file
	}
	out, held := runWriter{file: s.file, at: s.end}, heldReader{sorter: s}
	for range s.index {
		record, err := held.advance()
		if err != nil {
			return err
		}
		if err := out.write(record); err != nil {
			return err
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	s.runs = append(s.runs, run{s.end, out.at})
	s.end = out.at
	s.empty()
	return nil
}

// empty forgets what is in memory, and keeps the memory.
func (s *Sorter) empty() {
	for _, block := range s.blocks {
		if cap(block) == blockSize {
			s.free = append(s.free, block[:0])
		}
	}
	s.blocks, s.index, s.held = s.blocks[:0], s.index[:0], 0
}

// record returns a record as it is in a block: size, key, value.
func (s *Sorter) record(e entry) []byte {
	at := s.blocks[e.block][e.at:]
	return at[:sizeBytes+s.keySize+int(binary.LittleEndian.Uint32(at))]
}

// Sorted returns the records in order; none may be added any more. The reader may be used until the sorter is closed, and so may the records
// that it returned.
func (s *Sorter) Sorted() (*Reader, error) {
	if err := s.reduce(); err != nil {
		return nil, err
	}
	r := &Reader{keySize: s.keySize}
	for _, part := range s.runs {
		r.sources = append(r.sources, source{reader: newRunReader(s.file, part, s.keySize)})
	}
	s.sort()
	r.sources = append(r.sources, source{reader: &heldReader{sorter: s}})
	return r, r.begin()
}

// reduce merges runs until there are few enough to be read at once.
func (s *Sorter) reduce() error {
	for len(s.runs) > fan {
		file, err := s.scratch()
		if err != nil {
			return err
		}
		var runs []run
		out := runWriter{file: file}
		for group := range slices.Chunk(s.runs, fan) {
			start := out.at
			if err := s.merge(group, &out); err != nil {
				return errors.Join(err, file.Close())
			}
			runs = append(runs, run{start, out.at})
		}
		if err := s.file.Close(); err != nil {
			return err
		}
		s.file, s.runs, s.end = file, runs, out.at
	}
	return nil
}

// merge writes several runs as one.
func (s *Sorter) merge(group []run, out *runWriter) error {
	r := &Reader{keySize: s.keySize}
	for _, part := range group {
		r.sources = append(r.sources, source{reader: newRunReader(s.file, part, s.keySize)})
	}
	if err := r.begin(); err != nil {
		return err
	}
	for {
		record, err := r.next()
		if err != nil {
			return err
		}
		if record == nil {
			return out.flush()
		}
		if err := out.write(record); err != nil {
			return err
		}
	}
}

// Reset forgets all records, and keeps the memory for those to come.
func (s *Sorter) Reset() {
	s.empty()
	s.runs, s.end, s.count = nil, 0, 0
}

// Close releases the memory and the file. It is safe to call twice.
func (s *Sorter) Close() error {
	s.empty()
	for _, block := range s.free {
		freeBlock(block)
	}
	s.blocks, s.free, s.index, s.spare = nil, nil, nil, nil
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}
