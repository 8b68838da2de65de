// Package repos has the repositories that tests and the demonstration serve from a stand-in Hub: the six public data sets with the real
// layout, of made-up rows or of the real ones, and the files of the samples.
package repos

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// otherRows is how many rows the splits have that no mix of the samples reads; from otherBase on, so that none of their
// questions equals one of the splits that are read.
const (
	otherRows = 24
	otherBase = 1_000_000
)

// Generated makes the six repositories with rows of made-up prose: deterministic, every question distinct, a few hundred
// bytes to a row. Scale 1 has 7,473 rows of GSM8K, 7,500 of MATH, 87,599 of SQuAD 2.0, 88,966 of HotpotQA, 164 of
// HumanEval and 427 of MBPP; another scale multiplies each file's rows, rounds down and keeps at least one.
//
// What a reader may trip over is there as in the real rows: answers such as "#### 1,234", nested \boxed{\frac{..}{..}},
// a third of SQuAD unanswerable, letters beyond ASCII, carriage returns in code, empty lists.
func Generated(scale float64) []hub.Repo { return generate(scale).repos() }

func generate(scale float64) corpus {
	rows := func(n int) int { return max(1, int(float64(n)*scale)) }
	c := corpus{math: map[string][]mathRow{}, mathTest: map[string][]mathRow{}, mbpp: map[string][]mbppRow{}}
	c.gsm8k = make1(0, rows(7473), gsm8kAt)
	c.gsm8kTest = make1(otherBase, otherRows, gsm8kAt)
	from := 0
	for _, m := range mathConfigs {
		at := func(i int) mathRow { return mathAt(i, m.subject) }
		c.math[m.name] = make1(from, rows(m.rows), at)
		c.mathTest[m.name] = make1(otherBase+from, otherRows, at)
		from += m.rows
	}
	c.squad = make1(0, rows(87599), squadAt)
	c.squadTest = make1(otherBase, otherRows, squadAt)
	c.hotpot = make1(0, rows(88966), hotpotAt)
	c.hotpotTest = make1(otherBase, otherRows, hotpotAt)
	c.humanEval = make1(0, rows(164), humanEvalAt)
	var first int32
	for _, s := range mbppSplits {
		c.mbpp[s.name] = make1(int(first)+1, rows(s.rows), mbppAt)
		first = s.last
	}
	return c
}

// make1 makes n rows, numbered from first on.
func make1[T any](first, n int, at func(i int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = at(first + i)
	}
	return out
}

// prose is a deterministic stream of choices for one row (splitmix64, Steele et al. 2014).
type prose struct{ state uint64 }

// newProse begins the stream of row i of a data set; salt tells data sets apart.
func newProse(salt uint64, i int) *prose { return &prose{state: salt<<32 + uint64(i)} }

func (p *prose) next(n int) int {
	p.state += 0x9e3779b97f4a7c15
	z := p.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) >> 33 % uint64(n))
}

func (p *prose) pick(from []string) string { return from[p.next(len(from))] }

var (
	syllables = strings.Fields("ba ke li mo ru sa ter vin dor gal hen jor kin lur mar nel")
	givens    = strings.Fields("Ada Ben Chloé Dmitri Esra Femi Grete Hugo Inès José Kaito Lena Malik Nora Oskar Priya")
	things    = strings.Fields("apples books candles drums eggs flags gears hats jars kites lamps maps nails oars pens ropes")
	clauses   = []string{
		"the harbour was dredged twice before the winter storms", "a survey of the valley listed forty wells",
		"its council kept the old charter in an iron chest", "traders carried salt and wool along the ridge",
		"the observatory burned and was rebuilt in brick", "a café on the square printed its own newspaper",
		"the bridge fell during the great flood", "pilgrims rested there on the way to the coast",
		"its bells were cast in a single night", "the orchards gave more fruit than anyone could sell",
		"engineers measured the slope with brass levels", "a library of maps was left to the school",
	}
)

// name spells a number as an invented proper name; two numbers never have the same one.
func name(i int) string {
	var b strings.Builder
	for {
		b.WriteString(syllables[i%len(syllables)])
		if i /= len(syllables); i == 0 {
			break
		}
		i-- // so that a longer name is another number, whatever its last syllable
	}
	s := b.String()
	return strings.ToUpper(s[:1]) + s[1:]
}

// sentences returns n sentences of prose.
func (p *prose) sentences(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("In those years ")
		b.WriteString(p.pick(clauses))
		b.WriteString(", and ")
		b.WriteString(p.pick(clauses))
		b.WriteByte('.')
	}
	return b.String()
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
