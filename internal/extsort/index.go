package extsort

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
)

// entry is one record in memory.
type entry struct {
	prefix uint64 // of the key, big endian
	block  uint32
	at     uint32
}

// bucketSize is how many entries should share a bucket: so few that sorting them is a handful of comparisons.
const bucketSize = 8

// sort brings the index into the order of the keys, and of adding where they are equal. Entries are first put into buckets
// by the leading bits in which their keys differ, and then sorted in each: most keys are digests, which fill the buckets evenly, and
// any others cost the pass and no more (Knuth, "The Art of Computer Programming" 3, section 5.2.5).
func (s *Sorter) sort() {
	if len(s.index) < 2 {
		return
	}
	least, most := s.index[0].prefix, s.index[0].prefix
	for _, e := range s.index {
		least, most = min(least, e.prefix), max(most, e.prefix)
	}
	shift := max(0, bits.Len64(most-least)-bits.Len(uint(len(s.index)/bucketSize)))
	ends := make([]int, (most-least)>>shift+1)
	for _, e := range s.index {
		ends[(e.prefix-least)>>shift]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	sorted, start := slices.Grow(s.spare[:0], len(s.index))[:len(s.index)], 0
	for i := len(s.index) - 1; i >= 0; i-- { // from the end, so that a bucket keeps the order of adding and ends becomes its start
		b := (s.index[i].prefix - least) >> shift
		ends[b]--
		sorted[ends[b]] = s.index[i]
	}
	for _, end := range append(ends[1:], len(sorted)) {
		if end-start > 1 {
			slices.SortFunc(sorted[start:end], s.compare)
		}
		start = end
	}
	s.index, s.spare = sorted, s.index[:0]
}

func (s *Sorter) compare(a, b entry) int {
	if a.prefix != b.prefix {
		return cmp.Compare(a.prefix, b.prefix)
	}
	x, y := s.blocks[a.block][a.at+sizeBytes:], s.blocks[b.block][b.at+sizeBytes:]
	return cmp.Or(bytes.Compare(x[prefixBytes:s.keySize], y[prefixBytes:s.keySize]), cmp.Compare(a.block, b.block), cmp.Compare(a.at, b.at))
}
