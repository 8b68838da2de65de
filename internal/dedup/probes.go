package dedup

import (
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Bounds of the number of words of an n-gram. One longer than a question only finds equal questions.
const (
	minWords = 1
	maxWords = 64
)

// maxSources is how many sources Probes can tell apart.
const maxSources = math.MaxUint16 + 1

// Reason is why a row's question may be in no split.
type Reason int

// The reasons. Equal comes before NGram: a row that is both is Equal.
const (
	// Equal means that a probe has a question of the same words.
	Equal Reason = iota + 1
	// NGram means that probes have enough of the question's n-grams.
	NGram
)

// Found is why a question matched, and by which source.
type Found struct {
	Reason Reason
	// Source is the number that Add was given. For Equal it is the lowest one with that question; for NGram the one that
	// has the most of the row's n-grams, of several the lowest, where an n-gram of several sources counts for the lowest.
	Source int
	// Shared of the row's Total n-grams are the probes'; both are 0 for Equal.
	Shared, Total int
}

// digest is the first half of the SHA-256 of what a text is looked up by.
type digest [sha256.Size / 2]byte

func digestOf(words []byte) digest {
	sum := sha256.Sum256(words)
	return digest(sum[:len(digest{})])
}

// Probes is an index of questions that may be in no split.
//
// A question takes about 40 bytes, and each different n-gram 12.5 to 19: the 14,973 questions of GSM8K's and MATH's train
// files have 464,415 different 13-grams, which take 6 to 9 MB. Add is for one goroutine; after the last Add any number of
// Matchers may be used side by side.
type Probes struct {
	equal   map[digest]uint16
	owners  owners
	grams   *grams
	percent int
	sources int
	scratch scratch
}

// NewProbes returns an empty index, which looks for questions with the same words, and for n-grams unless they are nil. It fails
// if there is no such rule, the words of an n-gram are not 1 to 64 or the percentage is not 1 to 100.
func NewProbes(rule recipe.WordRule, ngrams *recipe.NGrams) (*Probes, error) {
	s, err := newScratch(rule)
	if err != nil {
		return nil, err
	}
	p := &Probes{equal: map[digest]uint16{}, scratch: s}
	if ngrams == nil {
		return p, nil
	}
	if ngrams.N < minWords || ngrams.N > maxWords {
		return nil, fmt.Errorf("an n-gram has %d to %d words, not %d", minWords, maxWords, ngrams.N)
	}
	if err := checkPercent(ngrams.Percent); err != nil {
		return nil, err
	}
	g := newGrams(ngrams.N)
	p.grams, p.percent = &g, ngrams.Percent
	return p, nil
}

func checkPercent(percent int) error {
	if percent < 1 || percent > 100 {
		return fmt.Errorf("a percentage is 1 to 100, not %d", percent)
	}
	return nil
}

// Add indexes a question of a source. Sources are numbered from 0 to maxSources - 1; another number panics. The order of
// calls makes no difference to the index. A text with nothing to compare is not indexed.
func (p *Probes) Add(source int, text string) {
	if source < 0 || source >= maxSources {
		panic(fmt.Sprintf("dedup: source %d of at most %d", source, maxSources))
	}
	p.sources = max(p.sources, source+1)
	s := &p.scratch
	s.read(text)
	if len(s.equal()) == 0 {
		return
	}
	key := digestOf(s.equal())
	if known, ok := p.equal[key]; !ok || source < int(known) {
		p.equal[key] = uint16(source)
	}
	if p.grams == nil {
		return
	}
	s.hashes = p.grams.appendHashes(s.hashes[:0], s.normal)
	for _, hash := range s.hashes {
		p.owners.add(hash, uint16(source))
	}
}

// Matcher looks rows up in an index. It is for one goroutine, and allocates nothing once its buffers fit the longest text.
type Matcher struct {
	probes  *Probes
	grams   *grams
	scratch scratch
	// shared counts a row's n-grams by source; touched lists the sources that it has to be cleared for.
	shared  []int
	touched []uint16
}

// NewMatcher returns a matcher of the index as it is; Add must not be called any more.
func (p *Probes) NewMatcher() *Matcher {
	m := &Matcher{probes: p, shared: make([]int, p.sources), scratch: scratch{rule: p.scratch.rule}}
	if p.grams != nil {
		g := newGrams(len(p.grams.last))
		m.grams = &g
	}
	return m
}

// Match reports whether a row's question may stand in no split, and why.
//
// With n-grams, a row matches when Shared·100 ≥ percent·Total: Total is its words - n + 1, every position counting, and Shared
// those whose n-gram any probe has. A row of fewer than n words has one n-gram, of all its words, which only an equal question has.
func (m *Matcher) Match(text string) (Found, bool) {
	s := &m.scratch
	s.read(text)
	if len(s.equal()) == 0 {
		return Found{}, false
	}
	if source, ok := m.probes.equal[digestOf(s.equal())]; ok {
		return Found{Reason: Equal, Source: int(source)}, true
	}
	if m.grams == nil || len(s.normal) == 0 {
		return Found{}, false
	}
	s.hashes = m.grams.appendHashes(s.hashes[:0], s.normal)
	found := m.overlap(s.hashes)
	return found, found.Shared*100 >= m.probes.percent*found.Total
}

// overlap counts the n-grams that probes have, in all and by source.
func (m *Matcher) overlap(hashes []uint64) Found {
	found := Found{Reason: NGram, Total: len(hashes)}
	m.touched = m.touched[:0]
	for _, hash := range hashes {
		source, ok := m.probes.owners.source(hash)
		if !ok {
			continue
		}
		found.Shared++
		if m.shared[source]++; m.shared[source] == 1 {
			m.touched = append(m.touched, source)
		}
	}
	most := 0
	for _, source := range m.touched {
		if n := m.shared[source]; n > most || n == most && int(source) < found.Source {
			most, found.Source = n, int(source)
		}
		m.shared[source] = 0
	}
	return found
}
