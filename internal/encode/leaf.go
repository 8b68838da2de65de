package encode

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"strings"
)

// leaf holds the values of a column in a row group. Texts that are equal are held once: place finds a text in the dictionary by its
// hash, and the dictionary is in the order in which its texts came, so that no hash is in the bytes.
type leaf struct {
	path    []string
	integer bool
	list    bool
	own     bool  // texts are not looked up
	same    *leaf // that has the values of this one
	shared  bool  // another leaf has its values

	dictionary []byte   // plain: each text after its length in four bytes
	begins     []uint32 // of the texts in the dictionary
	rows       []uint32 // the first row with each text
	hashes     []uint64 // of the texts
	places     []uint32 // by hash: the number of a text, and 1; 0 means none
	indices    []uint32
	integers   []byte // plain
	count      int    // of the values
	first      []int  // of a list: the place of each row's first value
	sought     []byte // by Repeat, which did not find it: the text of this leaf in the next row
	hash       uint64 // of it
	missed     bool
	page       []byte
	packed     [2][]byte // the two pages, where another leaf has the same
}

// seed of the hashes by which texts are found; no byte depends on it.
var seed = maphash.MakeSeed()

// firstPlaces is how many texts a dictionary has room to find at first.
const firstPlaces = 1 << 8

func (l *leaf) values() int   { return l.count }
func (l *leaf) distinct() int { return len(l.begins) }

func (l *leaf) number(value int64) {
	l.integers = binary.LittleEndian.AppendUint64(l.integers, uint64(value))
	l.count++
}

// few is up to how many texts a dictionary is searched linearly: most columns have few, which repeat all the time.
const few = 8

// text adds a text, and reports whether it is new in the dictionary.
func (l *leaf) text(value []byte, row int64) bool {
	l.count++
	if l.own {
		l.add(value, row)
		return true
	}
	number, hash, ok := l.look(value)
	if ok {
		l.indices = append(l.indices, number)
		return false
	}
	if len(l.begins) >= few && 2*len(l.begins) >= len(l.places) {
		l.grow()
	}
	number = l.add(value, row)
	if len(l.places) > 0 {
		l.hashes = append(l.hashes, hash)
		l.put(number, hash)
	}
	return true
}

// add adds a text to the dictionary, and its number to the values.
func (l *leaf) add(value []byte, row int64) (number uint32) {
	number = uint32(len(l.begins))
	l.indices = append(l.indices, number)
	l.begins = append(l.begins, uint32(len(l.dictionary)))
	l.rows = append(l.rows, uint32(row))
	l.dictionary = binary.LittleEndian.AppendUint32(l.dictionary, uint32(len(value)))
	l.dictionary = append(l.dictionary, value...)
	return number
}

// look does what find does, but for the text that was sought last, and was not there.
func (l *leaf) look(value []byte) (number uint32, hash uint64, ok bool) {
	if l.missed {
		l.missed = false
		if bytes.Equal(l.sought, value) {
			return 0, l.hash, false
		}
	}
	return l.find(value)
}

// find returns the number of a text in the dictionary, and its hash where texts are found by that.
func (l *leaf) find(value []byte) (number uint32, hash uint64, ok bool) {
	if len(l.begins) <= few {
		for i := range l.begins {
			if bytes.Equal(l.at(uint32(i)), value) {
				return uint32(i), 0, true
			}
		}
	}
	hash = maphash.Bytes(seed, value)
	if len(l.places) == 0 || len(l.begins) <= few {
		return 0, hash, false
	}
	mask := uint64(len(l.places) - 1)
	for place := hash & mask; l.places[place] != 0; place = (place + 1) & mask {
		found := l.places[place] - 1
		if l.hashes[found] == hash && bytes.Equal(l.at(found), value) {
			return found, hash, true
		}
	}
	return 0, hash, false
}

// repeat adds the texts of a row again.
func (l *leaf) repeat(row int) {
	if !l.list {
		l.indices = append(l.indices, l.indices[row])
		l.count++
		return
	}
	again := l.indices[l.first[row]:l.first[row+1]]
	l.indices = append(l.indices, again...)
	l.count += len(again)
}

// at returns a text of the dictionary.
func (l *leaf) at(number uint32) []byte {
	from := l.dictionary[l.begins[number]:]
	return from[4 : 4+binary.LittleEndian.Uint32(from)]
}

// grow makes room to find more texts by their hashes.
func (l *leaf) grow() {
	l.places = make([]uint32, max(firstPlaces, 2*len(l.places)))
	for number := len(l.hashes); number < len(l.begins); number++ {
		l.hashes = append(l.hashes, maphash.Bytes(seed, l.at(uint32(number))))
	}
	for number, hash := range l.hashes {
		l.put(uint32(number), hash)
	}
}

func (l *leaf) put(number uint32, hash uint64) {
	mask := uint64(len(l.places) - 1)
	place := hash & mask
	for l.places[place] != 0 {
		place = (place + 1) & mask
	}
	l.places[place] = number + 1
}

// endRow checks that the row, the last of so many, has its values.
func (l *leaf) endRow(rows int) error {
	if !l.list {
		if l.count != rows {
			return errUneven
		}
		return nil
	}
	if len(l.first) == 0 {
		l.first = append(l.first, 0)
	}
	if l.first[len(l.first)-1] == l.count {
		return errUneven
	}
	l.first = append(l.first, l.count)
	return nil
}

func (l *leaf) reset() {
	l.dictionary, l.begins, l.hashes, l.rows = l.dictionary[:0], l.begins[:0], l.hashes[:0], l.rows[:0]
	l.packed[0], l.packed[1] = l.packed[0][:0], l.packed[1][:0]
	l.indices, l.integers, l.first, l.count = l.indices[:0], l.integers[:0], l.first[:0], 0
	clear(l.places)
}

// data returns the page of the values: of a list, which of them begin a row, and that all are there; then the values themselves, or the
// numbers of the texts.
func (l *leaf) data() []byte {
	l.page = l.page[:0]
	if l.list {
		l.page = l.appendLevels(l.page)
	}
	if l.integer {
		return append(l.page, l.integers...)
	}
	width := max(1, bits.Len32(uint32(max(0, len(l.begins)-1))))
	l.page = append(l.page, byte(width))
	l.page = appendPacked(l.page, width, l.count, func(i int) uint32 { return l.indices[i] })
	return l.page
}

func (l *leaf) appendLevels(page []byte) []byte {
	row := 0
	repeats := appendPacked(nil, 1, l.count, func(i int) uint32 {
		if i == l.first[row] {
			row++
			return 0
		}
		return 1
	})
	page = binary.LittleEndian.AppendUint32(page, uint32(len(repeats)))
	page = append(page, repeats...)
	there := append(binary.AppendUvarint(nil, uint64(l.count)<<1), 1) // a run of ones
	page = binary.LittleEndian.AppendUint32(page, uint32(len(there)))
	return append(page, there...)
}

// appendPacked appends one run of bit-packed values, filled up to a multiple of eight.
func appendPacked(page []byte, width, count int, value func(i int) uint32) []byte {
	groups := (count + 7) / 8
	page = binary.AppendUvarint(page, uint64(groups)<<1|1)
	end := len(page) + groups*width
	var held uint64
	var have int
	for i := range count {
		held |= uint64(value(i)) << have
		for have += width; have >= 8; have -= 8 {
			page = append(page, byte(held))
			held >>= 8
		}
	}
	if have > 0 {
		page = append(page, byte(held))
	}
	for len(page) < end {
		page = append(page, 0)
	}
	return page
}

func dotted(path []string) string { return strings.Join(path, ".") }
