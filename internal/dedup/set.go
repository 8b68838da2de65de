package dedup

import "math/bits"

// owners maps n-gram hashes to the lowest source that has them: an open-addressing table with linear probing.
//
// A slot takes ten bytes. The table is between 53 % and 80 % full, so an n-gram costs 12.5 to 19 bytes, and 2.5 times that
// for the moment in which the table grows: a million n-grams take 13 to 19 MB, and 256 MiB hold 14 to 21 million.
type owners struct {
	// hashes holds 0 in a free slot; the hash 0 itself is kept as 1, which costs one more possible mistake in 2⁶⁴.
	hashes  []uint64
	sources []uint16
	count   int
}

// slot returns where the search for a hash begins: the hash is scaled to the size of the table, which need be no power of two.
func (o *owners) slot(hash uint64) int {
	slot, _ := bits.Mul64(hash, uint64(len(o.hashes)))
	return int(slot)
}

// add notes that a source has an n-gram. The result does not depend on the order of calls.
func (o *owners) add(hash uint64, source uint16) {
	if o.count >= len(o.hashes)/5*4 {
		o.grow()
	}
	o.put(max(hash, 1), source)
}

func (o *owners) put(hash uint64, source uint16) {
	for i := o.slot(hash); ; i++ {
		if i == len(o.hashes) {
			i = 0
		}
		switch o.hashes[i] {
		case 0:
			o.hashes[i], o.sources[i] = hash, source
			o.count++
			return
		case hash:
			o.sources[i] = min(o.sources[i], source)
			return
		}
	}
}

// source returns the lowest source that has an n-gram.
func (o *owners) source(hash uint64) (uint16, bool) {
	if o.count == 0 {
		return 0, false
	}
	hash = max(hash, 1)
	for i := o.slot(hash); ; i++ {
		if i == len(o.hashes) {
			i = 0
		}
		switch o.hashes[i] {
		case 0:
			return 0, false
		case hash:
			return o.sources[i], true
		}
	}
}

// grow makes the table half as large again.
func (o *owners) grow() {
	old := *o
	size := max(1024, len(old.hashes)/2*3)
	*o = owners{hashes: make([]uint64, size), sources: make([]uint16, size)}
	for i, hash := range old.hashes {
		if hash != 0 {
			o.put(hash, old.sources[i])
		}
	}
}
