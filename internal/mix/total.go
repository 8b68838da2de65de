package mix

import (
	"math"
	"math/big"
)

// KeepTotal returns the number of rows that the data sets have together.
func (s Shape) KeepTotal() int64 {
	var total int64
	for _, d := range s {
		total += sum(d.Rows)
	}
	return total
}

// SmallestPool returns the largest total that no domain's balanced pool falls short of: floor(min over domains of pool ÷ ratio).
func (s Shape) SmallestPool() int64 {
	r, total := s.ratio(), int64(math.MaxInt64)
	for i, d := range s {
		if r.parts[i].Sign() > 0 {
			total = min(total, floorDiv(d.pool(), new(big.Rat).SetFrac(r.parts[i], r.sum)))
		}
	}
	return total
}

// NoRepeat returns the largest total in which no row appears twice.
func (s Shape) NoRepeat() int64 {
	total, _, _ := s.Limit(1)
	return total
}

// tries returns how many totals a search tries at most, one by one, before it takes the one that is sure; fewer where a try means
// dividing large integers. A search that is cut short can only come with shares of which one is less than some hundred
// thousandth of the whole, and then gives a total that is right but may not be the largest.
func (r ratio) tries() int {
	if r.small != nil {
		return 1 << 20
	}
	return 1 << 16
}

// Limit returns the largest total in which no row appears more than so many times, and the data set that is in the way of one
// row more: its domain's index and its own there. Without a row anywhere it is 0, and -1 for the data set.
//
// Because apportionment is not monotone, the largest total is searched for from above: from the largest that leaves every
// domain a number of rows that it could have (reach), down to the largest that does whatever is rounded (sure). Between the
// two there are less than (1 − 2/k) ÷ share totals for k domains, none for two.
func (s Shape) Limit(times int64) (total int64, domain, dataset int) {
	r := s.ratio()
	reach, sure, bounded := int64(math.MaxInt64), int64(math.MaxInt64), false
	for i, d := range s {
		if r.parts[i].Sign() == 0 || d.pool() == 0 {
			continue
		}
		bounded = true
		most, certain := d.limit(times)
		reach, sure = min(reach, r.reach(i, most)), min(sure, r.sure(i, certain))
	}
	if !bounded {
		return 0, -1, -1 // no row anywhere
	}
	total = min(reach, math.MaxInt64-1)
	domain, dataset = s.exceeded(s.allot(r, total+1), times)
	for tries := r.tries(); total > sure; total-- {
		i, j := s.exceeded(s.allot(r, total), times)
		if i < 0 {
			break
		}
		domain, dataset = i, j
		if tries--; tries == 0 {
			return sure, domain, dataset
		}
	}
	return total, domain, dataset
}

// limit returns how many rows of the domain's repeat none too often: most is the largest number that does not, or one that is too
// large when the search for it is cut short; of up to sure rows no number does. The domain has a pool.
func (d Domain) limit(times int64) (most, sure int64) {
	r := countRatio(d.Pool)
	most, sure = math.MaxInt64, math.MaxInt64
	for j := range d.Rows {
		if n := d.room(j, times); d.Pool[j] > 0 {
			most, sure = min(most, r.reach(j, n)), min(sure, r.sure(j, n))
		}
	}
	for tries := r.tries(); most > sure && tries > 0; most, tries = most-1, tries-1 {
		if d.exceeded(r.apportion(most), times) < 0 {
			break
		}
	}
	return most, sure
}

// exceeded finds the first data set that would repeat a row more than so many times; -1 where none would.
func (s Shape) exceeded(allotted [][]int64, times int64) (domain, dataset int) {
	for i, d := range s {
		if j := d.exceeded(allotted[i], times); j >= 0 {
			return i, j
		}
	}
	return -1, -1
}

func (d Domain) exceeded(allotted []int64, times int64) int {
	for j, k := range allotted {
		if k > d.room(j, times) {
			return j
		}
	}
	return -1
}

// room returns how many rows a data set gives when each appears at most so many times.
func (d Domain) room(j int, times int64) int64 {
	if d.Rows[j] > math.MaxInt64/times {
		return math.MaxInt64
	}
	return d.Rows[j] * times
}
