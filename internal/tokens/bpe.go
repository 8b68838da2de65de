package tokens

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"golang.org/x/text/unicode/norm"
)

// bpe counts the tokens of byte-level byte-pair encoding (Sennrich, Haddow and Birch, "Neural machine translation of rare
// words with subword units", 2016; on bytes, Radford et al., 2019): a piece begins as its bytes, and the neighbours whose
// merge has the lowest rank, the leftmost of several, become one until no merge is left.
type bpe struct {
	splitter splitter
	// composed texts are counted in Unicode's NFC.
	composed bool
	// whole holds the pieces that are a token as they are, whatever the merges would make of them; it may be nil.
	whole map[string]uint32
	// bytes holds the token of each byte.
	bytes [256]uint32
	// merges by the pair of tokens.
	merges mergeTable
	// states are those of goroutines that are counting nothing at the moment.
	states sync.Pool
}

// state is what one goroutine needs to count, with the counts of pieces that came before.
type state struct {
	cache [cacheSlots]cached
	links []link
	queue []uint64
}

// cached is a piece of up to 15 bytes with its length in the last byte of the key, and its count. A slot keeps the latest.
type cached struct {
	key   [2]uint64
	count uint32
}

// cacheSlots is how many pieces are remembered: 24 bytes each, 768 KiB. Text repeats few pieces often.
const cacheSlots = 1 << 15

// Count implements Counter.
func (b *bpe) Count(text string) int64 {
	s, _ := b.states.Get().(*state)
	if s == nil {
		s = &state{}
	}
	defer b.states.Put(s)
	return b.count(s, text)
}

func (b *bpe) count(s *state, text string) (count int64) {
	if b.composed {
		text = norm.NFC.String(text)
	}
	for i := 0; i < len(text); {
		end := b.splitter.next(text, i)
		count += int64(b.piece(s, text[i:end]))
		i = end
	}
	return count
}

// piece counts the tokens of a piece.
func (b *bpe) piece(s *state, piece string) uint32 {
	if len(piece) == 1 {
		return 1
	}
	if len(piece) > 15 {
		return b.merge(s, piece)
	}
	var raw [16]byte
	copy(raw[:], piece)
	raw[15] = byte(len(piece))
	key := [2]uint64{binary.LittleEndian.Uint64(raw[:8]), binary.LittleEndian.Uint64(raw[8:])}
	high, low := bits.Mul64(key[0]^0x9e3779b97f4a7c15, key[1]^0xbf58476d1ce4e5b9)
	slot := &s.cache[(high^low)%cacheSlots]
	if slot.key != key {
		*slot = cached{key, b.merge(s, piece)}
	}
	return slot.count
}

// link is a token of a piece in the making; its place is where its first byte is.
type link struct {
	token            uint32
	previous, behind int32 // places of the neighbours; -1 and the piece's length at the ends
	// rank of the merge with the token after it; noMerge if they do not merge, or if this token has become part of another.
	rank uint32
}

// merge counts the tokens of a piece in n log n steps: candidates are in a queue by rank and place, and one whose rank is
// no longer that of its place is ignored.
func (b *bpe) merge(s *state, piece string) uint32 {
	if _, ok := b.whole[piece]; ok {
		return 1
	}
	links := s.links[:0]
	for i := range len(piece) {
		links = append(links, link{b.bytes[piece[i]], int32(i) - 1, int32(i) + 1, noMerge})
	}
	s.links, s.queue = links, s.queue[:0]
	for i := range links {
		b.rank(s, int32(i))
	}
	count := uint32(len(links))
	for len(s.queue) > 0 {
		rank, place := s.pop()
		left := &links[place]
		if left.rank != rank {
			continue
		}
		right := &links[left.behind]
		_, left.token = b.merges.find(left.token, right.token)
		right.rank = noMerge
		if left.behind = right.behind; int(left.behind) < len(links) {
			links[left.behind].previous = place
		}
		count--
		b.rank(s, place)
		if left.previous >= 0 {
			b.rank(s, left.previous)
		}
	}
	return count
}

// rank notes the merge of the token at a place with the one behind it, if there is one.
func (b *bpe) rank(s *state, place int32) {
	left := &s.links[place]
	left.rank = noMerge
	if int(left.behind) >= len(s.links) {
		return
	}
	if left.rank, _ = b.merges.find(left.token, s.links[left.behind].token); left.rank != noMerge {
		s.push(left.rank, place)
	}
}

// push adds a candidate to the binary heap.
func (s *state) push(rank uint32, place int32) {
	s.queue = append(s.queue, uint64(rank)<<32|uint64(place))
	q := s.queue
	for i := len(q) - 1; i > 0 && q[i] < q[(i-1)/2]; i = (i - 1) / 2 {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
	}
}

// pop takes the candidate of the lowest rank and place.
func (s *state) pop() (rank uint32, place int32) {
	q := s.queue
	top := q[0]
	q[0] = q[len(q)-1]
	q = q[:len(q)-1]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < len(q) && q[child+1] < q[child] {
			child++
		}
		if child >= len(q) || q[i] <= q[child] {
			break
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
	s.queue = q
	return uint32(top >> 32), int32(top & 0xffffffff)
}

// noMerge is the rank of pairs that do not merge; no vocabulary is that large.
const noMerge = 1<<32 - 1

// mergeTable maps pairs of tokens to the rank of their merge and the token it makes: open addressing, at most half full.
type mergeTable struct {
	// entries hold a pair in the first number, plus one so that none is 0, and rank and token in the second.
	entries [][2]uint64
	shift   int
}

func newMergeTable(pairs int) mergeTable {
	size := bits.Len(uint(max(2*pairs, 8) - 1))
	return mergeTable{entries: make([][2]uint64, 1<<size), shift: 64 - size}
}

// add notes a merge; the last of a pair stays.
func (m *mergeTable) add(left, right, rank, token uint32) {
	key := uint64(left)<<32 | uint64(right) + 1
	for i := m.slot(key); ; i = (i + 1) & (len(m.entries) - 1) {
		if m.entries[i][0] == 0 || m.entries[i][0] == key {
			m.entries[i] = [2]uint64{key, uint64(rank)<<32 | uint64(token)}
			return
		}
	}
}

func (m *mergeTable) find(left, right uint32) (rank, token uint32) {
	key := uint64(left)<<32 | uint64(right) + 1
	for i := m.slot(key); ; i = (i + 1) & (len(m.entries) - 1) {
		switch entry := &m.entries[i]; entry[0] {
		case 0:
			return noMerge, 0
		case key:
			return uint32(entry[1] >> 32), uint32(entry[1])
		}
	}
}

func (m *mergeTable) slot(key uint64) int { return int(key * 0x9e3779b97f4a7c15 >> m.shift) }
