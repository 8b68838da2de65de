package dedup

import "encoding/binary"

// base is the B of the n-gram hash: 2⁶⁴ divided by the golden ratio, odd.
const base = 0x9e3779b97f4a7c15

// mix returns the finalizer of SplitMix64, a permutation.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashWord returns the hash of a word. Words of the same length of up to eight bytes never collide.
func hashWord(word []byte) uint64 {
	h := uint64(len(word))
	for ; len(word) >= 8; word = word[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(word))
	}
	if len(word) > 0 {
		var last uint64
		for i, c := range word {
			last |= uint64(c) << (8 * i)
		}
		h = mix(h ^ last)
	}
	return h
}

// grams hashes the n-grams of normalized texts. It is not safe for use by several goroutines at once.
type grams struct {
	// last holds the hashes of the latest n words, as a ring.
	last []uint64
	// first is baseⁿ, by which the word that leaves the window was multiplied.
	first uint64
}

func newGrams(n int) grams {
	g := grams{last: make([]uint64, n), first: 1}
	for range n {
		g.first *= base
	}
	return g
}

// appendHashes appends the hash of every n-gram of a normalized text in its order, repeats included: words - n + 1 of them.
// A text of fewer words, but at least one, has one n-gram, of all its words.
func (g *grams) appendHashes(dst []uint64, normal []byte) []uint64 {
	n := len(g.last)
	words, slot, sum := 0, 0, uint64(0)
	for start := 0; start < len(normal); {
		end := start
		for end < len(normal) && normal[end] != ' ' {
			end++
		}
		word := hashWord(normal[start:end])
		start = end + 1
		sum = sum*base + word
		if words >= n {
			sum -= g.last[slot] * g.first
		}
		g.last[slot] = word
		if slot++; slot == n {
			slot = 0
		}
		if words++; words >= n {
			dst = append(dst, mix(sum+uint64(n)))
		}
	}
	if 0 < words && words < n {
		dst = append(dst, mix(sum+uint64(words)))
	}
	return dst
}
