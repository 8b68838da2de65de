package dedup

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// The published values of SplitMix64 from the seed 0 are mix of the multiples of its constant.
func TestMixIsSplitMix64(t *testing.T) {
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec} {
		if got := mix(uint64(i+1) * base); got != want {
			t.Errorf("output %d is %#x, want %#x", i, got, want)
		}
	}
}

// The hashes are in files of the stages' results: these values never change.
func TestHashVectors(t *testing.T) {
	for _, test := range []struct {
		n    int
		text string
		want []uint64
	}{
		{1, "a", []uint64{gramA}},
		{2, "a b c", []uint64{gramAB, gramBC}},
		{3, "a b", []uint64{gramAB}},
		{2, "understanding words", []uint64{gramLong}},
	} {
		g := newGrams(test.n)
		if got := g.appendHashes(nil, []byte(test.text)); !slices.Equal(got, test.want) {
			t.Errorf("%d-grams of %q: %#x, want %#x", test.n, test.text, got, test.want)
		}
	}
}

// slowHash returns the hash of an n-gram as the package comment has it, word by word.
func slowHash(gram string) uint64 {
	var sum, n uint64
	for word := range strings.FieldsSeq(gram) {
		h := uint64(len(word))
		for chunk := range slices.Chunk([]byte(word), 8) {
			var eight [8]byte
			copy(eight[:], chunk)
			h = mix(h ^ binary.LittleEndian.Uint64(eight[:]))
		}
		sum = sum*base + h
		n++
	}
	return mix(sum + n)
}

func checkGrams(t *testing.T, g *grams, n int, text string) {
	t.Helper()
	var want []uint64
	for _, gram := range ngrams(text, n) {
		want = append(want, slowHash(gram))
	}
	if got := g.appendHashes(nil, AppendWords(nil, AppendQuestion(nil, text))); !slices.Equal(got, want) {
		t.Fatalf("%d-grams of %q: %#x, one by one %#x", n, text, got, want)
	}
}

func TestRollingHashIsThatOfEachWindow(t *testing.T) {
	texts := []string{"", "a", "a b", "a a a a a", prose, "zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich", "中文维基百科"}
	for _, n := range []int{1, 2, 3, 5, 8, 13, 64} {
		g := newGrams(n)
		for _, text := range texts {
			checkGrams(t, &g, n, text)
		}
	}
}

// Different n-grams have different hashes: on real questions, and on words that differ little.
func TestHashesAreDistinct(t *testing.T) {
	var all []string
	for a := byte('a'); a <= 'z'; a++ {
		for b := byte('a'); b <= 'z'; b++ {
			for c := byte('0'); c <= '9'; c++ {
				all = append(all, string([]byte{a, b, c}), string([]byte{a, ' ', b, c}), string([]byte{a, b, ' ', c}), string([]byte{a, ' ', b, ' ', c}))
			}
		}
	}
	of := map[uint64]string{}
	for _, gram := range all {
		hash := slowHash(gram)
		if other, taken := of[hash]; taken && other != gram {
			t.Fatalf("%q and %q have one hash", gram, other)
		}
		of[hash] = gram
	}
}

func TestRealHashesAreDistinct(t *testing.T) {
	const n = 5
	g, of := newGrams(n), map[uint64]string{}
	for _, question := range questions(t) {
		grams := ngrams(question, n)
		for i, hash := range g.appendHashes(nil, AppendNormal(nil, question)) {
			if other, taken := of[hash]; taken && other != grams[i] {
				t.Fatalf("%q and %q have one hash", grams[i], other)
			}
			of[hash] = grams[i]
		}
	}
	t.Logf("%d different %d-grams", len(of), n)
}

func TestGramsAllocateNothing(t *testing.T) {
	g, normal := newGrams(13), AppendNormal(nil, prose)
	buffer := make([]uint64, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buffer = g.appendHashes(buffer[:0], normal) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
