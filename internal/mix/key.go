package mix

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Key is a keyed order: it maps a value to 64 bits, by which values are sorted.
//
// The hash is SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012); its key is the first 16 bytes of
// the SHA-256 of "datasetmix/v1", the seed in decimal and the purpose, each ended by a line feed. Two purposes, such as the
// split and the third pass over a data set, have unrelated orders.
type Key struct{ k0, k1 uint64 }

// NewKey derives the order of a purpose from a mix's seed.
func NewKey(seed int64, purpose string) Key {
	digest := sha256.Sum256(fmt.Appendf(nil, "datasetmix/v1\n%d\n%s\n", seed, purpose))
	return Key{binary.LittleEndian.Uint64(digest[0:8]), binary.LittleEndian.Uint64(digest[8:16])}
}

// Of returns the place of a value in the order.
func (k Key) Of(value []byte) uint64 { return sipHash(k.k0, k.k1, value) }

// Below draws a number in [0, n) from the keyed stream at a position: the same key, position and n give the same number.
// It is exactly uniform over keys: Lemire's multiplication ("Fast random integer generation in an interval", 2019), with
// the rejected draws taken again from the same position's stream. n must be above zero.
func (k Key) Below(n uint64, position uint64) uint64 {
	for try := uint64(0); ; try++ {
		hi, lo := bits.Mul64(sipHashPair(k.k0, k.k1, position, try), n)
		if lo >= n || lo >= -n%n {
			return hi
		}
	}
}

// sipHash returns SipHash-2-4 with a 64-bit result. The state is in four variables, not in an array, so that it stays in
// registers; the round is small enough for the compiler to put it in place of each call.
func sipHash(k0, k1 uint64, data []byte) uint64 {
	v0, v1, v2, v3 := sipInit(k0, k1)
	last := uint64(len(data)) << 56
	for ; len(data) >= 8; data = data[8:] {
		m := binary.LittleEndian.Uint64(data)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	for i, b := range data {
		last |= uint64(b) << (8 * i)
	}
	return sipEnd(v0, v1, v2, v3, last)
}

// sipHashPair returns sipHash of the 16 bytes of two numbers, the low byte first: what every draw hashes.
func sipHashPair(k0, k1, a, b uint64) uint64 {
	v0, v1, v2, v3 := sipInit(k0, k1)
	v3 ^= a
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= a
	v3 ^= b
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= b
	return sipEnd(v0, v1, v2, v3, 16<<56)
}

func sipInit(k0, k1 uint64) (v0, v1, v2, v3 uint64) {
	return k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573
}

// sipEnd takes the last word, which holds the length and the bytes that fill no word, and finishes.
func sipEnd(v0, v1, v2, v3, last uint64) uint64 {
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	return v0 ^ v1 ^ v2 ^ v3
}

func sipRound(v0, v1, v2, v3 uint64) (w0, w1, w2, w3 uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}

// Place is a place in a keyed order: the key's 64 bits of a content, then the content's own digest, which decides between
// contents whose bits are equal. Places compare byte by byte.
type Place [8 + ContentSize]byte

// ContentSize is the length, in bytes, of the digests that tell contents apart.
const ContentSize = 16

// Place returns the place of a content.
func (k Key) Place(content [ContentSize]byte) (p Place) {
	binary.BigEndian.PutUint64(p[:], k.Of(content[:]))
	copy(p[8:], content[:])
	return p
}
