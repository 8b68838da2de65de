package mix

import (
	"math"
	"math/bits"
	"slices"
)

// Largest gives every data set of a domain as many rows as the largest has: the smaller ones repeat.
func Largest(rows []int64) []int64 { return slices.Repeat([]int64{slices.Max(rows)}, len(rows)) }

// Smallest gives every data set of a domain as many rows as the smallest has: the larger ones are cut.
func Smallest(rows []int64) []int64 { return slices.Repeat([]int64{slices.Min(rows)}, len(rows)) }

// Proportional gives the data sets of a domain rows in the ratio of their shares, in the smallest pool that cuts none of
// them; with equal shares it is Largest.
func Proportional(rows []int64, shares []int64) []int64 {
	sum := shareSum(1, shares)
	var total int64
	for i, n := range rows {
		if shares[i] > 0 {
			total = max(total, mulDiv(n, sum, uint64(shares[i]), true))
		}
	}
	return Apportion(total, shares)
}

// mulDiv is n·numerator/denominator, rounded up or down; what does not fit is the largest integer.
func mulDiv(n int64, numerator, denominator uint64, up bool) int64 {
	hi, lo := bits.Mul64(uint64(n), numerator)
	if hi >= denominator {
		return math.MaxInt64
	}
	quotient, remainder := bits.Div64(hi, lo, denominator)
	if up && remainder > 0 {
		quotient++
	}
	if quotient > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(quotient)
}

// Domain is one domain of a split, its data sets sorted by name.
type Domain struct {
	// Share of the mix.
	Share int64
	// Rows that each data set has.
	Rows []int64
	// Pool is the balanced number of rows of each data set.
	Pool []int64
}

func (d Domain) pool() int64 {
	var sum int64
	for _, n := range d.Pool {
		sum += n
	}
	return sum
}

// Shape is one split before its size is known: the domains, sorted by name.
type Shape []Domain

func (s Shape) shares() []int64 {
	shares := make([]int64, len(s))
	for i, d := range s {
		shares[i] = d.Share
	}
	return shares
}

// Allot divides a total of rows among the domains by share, and each domain's rows among its data sets by pool. A domain
// that has a share but no pool is given its rows under no data set: Feasible tells.
func (s Shape) Allot(total int64) [][]int64 {
	out := make([][]int64, len(s))
	for i, rows := range Apportion(total, s.shares()) {
		if s[i].pool() == 0 {
			out[i] = make([]int64, len(s[i].Pool))
			continue
		}
		out[i] = Apportion(rows, s[i].Pool)
	}
	return out
}

// KeepTotal is the number of rows that the data sets have together.
func (s Shape) KeepTotal() int64 {
	var sum int64
	for _, d := range s {
		for _, n := range d.Rows {
			sum += n
		}
	}
	return sum
}

// SmallestPool is the largest total that no domain's balanced pool falls short of: floor(min over domains of pool ÷ ratio).
func (s Shape) SmallestPool() int64 {
	sum := shareSum(0, s.shares())
	total := int64(math.MaxInt64)
	for _, d := range s {
		if d.Share > 0 {
			total = min(total, mulDiv(d.pool(), sum, uint64(d.Share), false))
		}
	}
	return total
}

// NoRepeat is the largest total in which no row appears twice. Because apportionment is not monotone, it is searched for
// from above: a data set's rows are never below the floor of the floor of its two quotas, so the search begins at the
// smallest total at which that floor exceeds what some data set has.
func (s Shape) NoRepeat() int64 {
	sum := shareSum(0, s.shares())
	bound := int64(math.MaxInt64)
	for _, d := range s {
		for i, n := range d.Rows {
			if d.Share == 0 || d.Pool[i] == 0 {
				continue
			}
			rows := mulDiv(n+1, uint64(d.pool()), uint64(d.Pool[i]), true)
			bound = min(bound, mulDiv(rows, sum, uint64(d.Share), true))
		}
	}
	if bound == math.MaxInt64 {
		return 0 // no rows anywhere
	}
	for total := bound; total > 0; total-- {
		if s.unrepeated(s.Allot(total)) {
			return total
		}
	}
	return 0
}

func (s Shape) unrepeated(allotted [][]int64) bool {
	for i, d := range s {
		for j, k := range allotted[i] {
			if k > d.Rows[j] {
				return false
			}
		}
	}
	return true
}
