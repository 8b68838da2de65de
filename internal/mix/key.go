package mix

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Key is a keyed order: it maps a value to 64 bits that say where the value stands.
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

// Of is the place of a value in the order.
func (k Key) Of(value []byte) uint64 { return sipHash(k.k0, k.k1, value) }

// Below draws a number in [0, n) from the keyed stream at a position: the same key, position and n give the same number.
// It is exactly uniform over keys: Lemire's multiplication ("Fast random integer generation in an interval", 2019), with
// the rejected draws taken again from the same position's stream. n must be above zero.
func (k Key) Below(n uint64, position uint64) uint64 {
	var counter [16]byte
	binary.LittleEndian.PutUint64(counter[:8], position)
	for try := uint64(0); ; try++ {
		binary.LittleEndian.PutUint64(counter[8:], try)
		hi, lo := bits.Mul64(k.Of(counter[:]), n)
		if lo >= n || lo >= -n%n {
			return hi
		}
	}
}

// sipHash is SipHash-2-4 with a 64-bit result.
func sipHash(k0, k1 uint64, data []byte) uint64 {
	v := [4]uint64{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	last := uint64(len(data)) << 56
	for ; len(data) >= 8; data = data[8:] {
		m := binary.LittleEndian.Uint64(data)
		v[3] ^= m
		sipRound(&v)
		sipRound(&v)
		v[0] ^= m
	}
	for i, b := range data {
		last |= uint64(b) << (8 * i)
	}
	v[3] ^= last
	sipRound(&v)
	sipRound(&v)
	v[0] ^= last
	v[2] ^= 0xff
	for range 4 {
		sipRound(&v)
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3]
}

func sipRound(v *[4]uint64) {
	v[0] += v[1]
	v[1] = bits.RotateLeft64(v[1], 13) ^ v[0]
	v[0] = bits.RotateLeft64(v[0], 32)
	v[2] += v[3]
	v[3] = bits.RotateLeft64(v[3], 16) ^ v[2]
	v[0] += v[3]
	v[3] = bits.RotateLeft64(v[3], 21) ^ v[0]
	v[2] += v[1]
	v[1] = bits.RotateLeft64(v[1], 17) ^ v[2]
	v[2] = bits.RotateLeft64(v[2], 32)
}
