package mix

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// dumbSipHash returns SipHash-2-4 as the paper writes it: the state an array, the message padded to whole words.
func dumbSipHash(k0, k1 uint64, data []byte) uint64 {
	v := [4]uint64{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	round := func() {
		add := func(a, b, rotate int) {
			v[a] += v[b]
			v[b] = bits.RotateLeft64(v[b], rotate) ^ v[a]
		}
		add(0, 1, 13)
		v[0] = bits.RotateLeft64(v[0], 32)
		add(2, 3, 16)
		add(0, 3, 21)
		add(2, 1, 17)
		v[2] = bits.RotateLeft64(v[2], 32)
	}
	padded := append(bytes.Clone(data), make([]byte, 8-len(data)%8)...)
	padded[len(padded)-1] = byte(len(data))
	for ; len(padded) > 0; padded = padded[8:] {
		m := binary.LittleEndian.Uint64(padded)
		v[3] ^= m
		round()
		round()
		v[0] ^= m
	}
	v[2] ^= 0xff
	for range 4 {
		round()
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3]
}

func TestSipHashAgreesWithTheDumbOne(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 18))
	for length := range 300 {
		data, k0, k1 := make([]byte, length), random.Uint64(), random.Uint64()
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if got, want := sipHash(k0, k1, data), dumbSipHash(k0, k1, data); got != want {
			t.Fatalf("%d bytes: %#016x, want %#016x", length, got, want)
		}
	}
}

func TestSipHashOfAPairIsThatOfItsBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(19, 20))
	for range 1_000 {
		k0, k1, a, b := random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()
		data := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, a), b)
		if got, want := sipHashPair(k0, k1, a, b), dumbSipHash(k0, k1, data); got != want {
			t.Fatalf("%d and %d: %#016x, want %#016x", a, b, got, want)
		}
	}
}

// Published draws may never change either: they order the rows of every shuffled file.
func TestBelowVectors(t *testing.T) {
	for _, c := range []struct{ n, position, want uint64 }{
		{6, 0, 2}, {6, 1, 4}, {1_000_003, 7, 592019}, {1<<63 + 1, 2, 4818257812166108869},
	} {
		if got := NewKey(42, "weave/train").Below(c.n, c.position); got != c.want {
			t.Errorf("Below(%d) at %d = %d, want %d", c.n, c.position, got, c.want)
		}
	}
}
