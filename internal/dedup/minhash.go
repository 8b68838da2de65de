package dedup

import (
	"fmt"
	"math"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// maxSlots bounds a signature: its error, 1/√slots, falls slowly, and its cost grows with each.
const maxSlots = 4096

// Signature is the sketch of a question: the minima of its n-grams' hashes under bands·rows permutations, 32 bits each, the
// minima of band 0 first. The share of slots in which two signatures are equal estimates the Jaccard similarity s of the two
// sets of n-grams (those in both, divided by those in any), with a standard error of √(s(1-s)/slots). A text without a word
// has an empty signature.
type Signature []uint32

// Sketcher makes signatures. It is for one goroutine, and allocates nothing once its buffers fit the longest text.
//
// Slot i of a signature is the upper half of the least aᵢ·x + bᵢ in 64 bits over the n-gram hashes x. With mix of the package
// comment, aᵢ = mix((2i+1)·B) | 1 and bᵢ = mix((2i+2)·B): the outputs of SplitMix64 from the seed 0. The map x → aᵢ·x + bᵢ is a
// permutation, and x is well mixed already; that it is as good as a random permutation is tested, not proved. Two different
// minima have the same upper half with probability 2⁻³².
type Sketcher struct {
	grams       grams
	bands, rows int
	multiply    []uint64
	add         []uint64
	minima      []uint64
	signature   Signature
	scratch     scratch
}

// NewSketcher returns a sketcher of n-grams of n words with bands·rows minima. It fails if there is no such rule, n is not 1 to
// 64, or bands and rows are not at least 1 and their product at most 4,096.
func NewSketcher(rule recipe.WordRule, n, bands, rows int) (*Sketcher, error) {
	words, err := newScratch(rule)
	if err != nil {
		return nil, err
	}
	if n < minWords || n > maxWords {
		return nil, fmt.Errorf("an n-gram has %d to %d words, not %d", minWords, maxWords, n)
	}
	if bands < 1 || rows < 1 || bands > maxSlots || rows > maxSlots/bands {
		return nil, fmt.Errorf("%d bands of %d rows: both are at least 1, and their product is at most %d", bands, rows, maxSlots)
	}
	slots := bands * rows
	s := &Sketcher{
		scratch: words, grams: newGrams(n), bands: bands, rows: rows,
		multiply: make([]uint64, slots), add: make([]uint64, slots), minima: make([]uint64, slots), signature: make(Signature, slots),
	}
	for i := range slots {
		s.multiply[i] = mix(uint64(2*i+1)*base) | 1
		s.add[i] = mix(uint64(2*i+2) * base)
	}
	return s, nil
}

// Sketch returns the signature of a question. It is overwritten by the next call. A text of fewer than n words has one
// n-gram, of all its words, so it is similar to its equals alone; a text without a word has an empty signature.
func (s *Sketcher) Sketch(text string) Signature {
	s.scratch.read(text)
	s.scratch.hashes = s.grams.appendHashes(s.scratch.hashes[:0], s.scratch.normal)
	if len(s.scratch.hashes) == 0 {
		return s.signature[:0]
	}
	s.minimize(s.scratch.hashes)
	for i, least := range s.minima {
		s.signature[i] = uint32(least >> 32)
	}
	return s.signature
}

// minimize sets the minima. Four hashes go through all slots at once, so that a slot's constants and its minimum are loaded
// once for four.
func (s *Sketcher) minimize(hashes []uint64) {
	minima := s.minima
	multiply, add := s.multiply[:len(minima)], s.add[:len(minima)]
	for i := range minima {
		minima[i] = math.MaxUint64
	}
	for ; len(hashes) >= 4; hashes = hashes[4:] {
		x0, x1, x2, x3 := hashes[0], hashes[1], hashes[2], hashes[3]
		for i, least := range minima {
			a, b := multiply[i], add[i]
			minima[i] = min(least, min(a*x0+b, a*x1+b), min(a*x2+b, a*x3+b))
		}
	}
	for _, x := range hashes {
		for i, least := range minima {
			minima[i] = min(least, multiply[i]*x+add[i])
		}
	}
}

// AppendBands appends the keys of a signature's bands, of which an empty signature has none. Two questions are candidates
// when they have a key in common: a key is a hash of the band's number and its minima, so keys of different bands may be
// sorted together. Questions of similarity s become candidates with probability 1-(1-sʳ)ᵇ for b bands of r rows (Leskovec,
// Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4). Equal keys by chance cost a comparison, no mistake.
func (s *Sketcher) AppendBands(dst []uint64, signature Signature) []uint64 {
	for band := 0; band*s.rows < len(signature); band++ {
		key := mix(uint64(band+1) * base)
		for _, least := range signature[band*s.rows : (band+1)*s.rows] {
			key = mix(key ^ uint64(least))
		}
		dst = append(dst, key)
	}
	return dst
}

// Similar reports whether the share of equal minima of two signatures of one sketcher is at least a percentage: equal·100 ≥
// percent·slots. An empty signature is similar to nothing, not even to another one.
func Similar(a, b Signature, percent int) bool {
	equal, slots := agreement(a, b)
	return slots > 0 && equal*100 >= percent*slots
}

// agreement returns in how many slots two signatures of one sketcher are equal, and how many they have; both are 0 if a signature is empty.
func agreement(a, b Signature) (equal, slots int) {
	if len(a) != len(b) {
		return 0, 0
	}
	for i, least := range a {
		if least == b[i] {
			equal++
		}
	}
	return equal, len(a)
}
