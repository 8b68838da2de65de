package mix

import (
	"iter"
	"math/bits"
)

// Shuffled yields, for every row of an output, the data set it comes from: the next one is drawn with a probability
// proportional to the rows that each still owes, which is an exact uniform shuffle of the multiset. counts holds the rows
// per data set; the order of the result depends on the key alone.
//
// It is uniform because an arrangement comes with the product of its draws' probabilities: every row of data set i finds i's
// rows still owed over all rows still owed, and whatever the order of the rows, the numerators are the factorials of counts
// and the denominators that of the total. So each arrangement has the probability Π counts! ÷ total!, one over their number.
func Shuffled(counts []int64, key Key) iter.Seq[int] {
	return shuffled(counts, func(left uint64) uint64 { return key.Below(left, left) })
}

// shuffled takes its draws from elsewhere: draw(n) is in [0, n).
func shuffled(counts []int64, draw func(left uint64) uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		owed := append([]int64(nil), counts...)
		for left := sum(owed); left > 0; left-- {
			place := int64(draw(uint64(left)))
			next := 0
			for place >= owed[next] {
				place -= owed[next]
				next++
			}
			owed[next]--
			if !yield(next) {
				return
			}
		}
	}
}

// Interleaved yields the data set of every row so that each prefix of t rows holds t·count/total rows of every data set,
// give or take less than one row: Tijdeman, "The chairman assignment problem" (Discrete Mathematics 32, 1980). Always taking
// the data set that is furthest behind does not keep that bound.
//
// With m data sets, a = 1/(2m−2), lag(i) = t·λ(i) − given(i): at row t, among the data sets whose lag is at least a, the
// next is the one whose lag reaches 1−a first, that is, with the smallest (1−a−lag)/λ; ties go to the earlier. The bound is
// |lag| ≤ 1−a. All in integers: times total·(2m−2).
func Interleaved(counts []int64) iter.Seq[int] {
	active := make([]int, 0, len(counts))
	for i, n := range counts {
		if n > 0 {
			active = append(active, i)
		}
	}
	return func(yield func(int) bool) {
		total := sum(counts)
		if len(active) == 1 {
			for range total {
				if !yield(active[0]) {
					return
				}
			}
			return
		}
		chair := newChair(counts, active, total)
		for range total {
			if !yield(chair.next()) {
				return
			}
		}
	}
}

// chair is the state of Tijdeman's assignment: lags in units of 1/(total·(2m−2)).
type chair struct {
	counts []int64
	active []int
	lags   []int64
	total  int64
	scale  int64 // 2m−2
}

func newChair(counts []int64, active []int, total int64) *chair {
	return &chair{counts: counts, active: active, lags: make([]int64, len(active)), total: total, scale: int64(2*len(active) - 2)}
}

func (c *chair) next() int {
	best := -1
	var bestSlack, bestCount int64
	for j, i := range c.active {
		c.lags[j] += c.counts[i] * c.scale
		if c.lags[j] < c.total {
			continue // lag below 1/(2m−2): not eligible
		}
		slack := c.total*(c.scale-1) - c.lags[j]
		if best < 0 || lessRatio(slack, c.counts[i], bestSlack, bestCount) {
			best, bestSlack, bestCount = j, slack, c.counts[i]
		}
	}
	c.lags[best] -= c.total * c.scale
	return c.active[best]
}

// lessRatio reports whether a/b < c/d for positive b and d, in 128 bits.
func lessRatio(a, b, c, d int64) bool {
	if a < 0 || c < 0 {
		if a >= 0 || c >= 0 {
			return a < 0 && c >= 0
		}
		a, b, c, d = -c, d, -a, b
	}
	leftHi, leftLo := bits.Mul64(uint64(a), uint64(d))
	rightHi, rightLo := bits.Mul64(uint64(c), uint64(b))
	return leftHi < rightHi || leftHi == rightHi && leftLo < rightLo
}

func sum(counts []int64) int64 {
	var total int64
	for _, n := range counts {
		total += n
	}
	return total
}
