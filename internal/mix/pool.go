package mix

import (
	"math/big"
	"slices"
)

// Largest returns as many rows for every data set of a domain as the largest has: the smaller ones repeat.
func Largest(rows []int64) []int64 { return slices.Repeat([]int64{slices.Max(rows)}, len(rows)) }

// Smallest returns as many rows for every data set of a domain as the smallest has: the larger ones are cut.
func Smallest(rows []int64) []int64 { return slices.Repeat([]int64{slices.Min(rows)}, len(rows)) }

// Proportional returns rows for the data sets of a domain in the ratio of their shares, in the smallest pool that cuts none of
// them; with equal shares it is Largest. units are the bytes or tokens of each data set's rows where shares are measured in
// them, nil where they are measured in rows: a row of a data set with long rows takes more of its share, so it gets fewer.
//
// It panics when a share is negative or none is above zero, and when a data set has a share and units are counted but none
// are there: callers validate. A pool of more than 2^63−1 rows is cut to that, in the same ratio.
func Proportional(rows, shares, units []int64) []int64 {
	weights := make([]*big.Rat, len(shares))
	for i, share := range shares {
		weights[i] = big.NewRat(share, 1)
		if units != nil && share > 0 {
			weights[i].Mul(weights[i], big.NewRat(rows[i], units[i]))
		}
	}
	r := newRatio(weights)
	var total int64
	for i, n := range rows {
		if r.parts[i].Sign() > 0 {
			total = max(total, ceilDiv(n, new(big.Rat).SetFrac(r.parts[i], r.sum)))
		}
	}
	return r.apportion(total)
}

// Domain is one domain of a split, its data sets sorted by name.
type Domain struct {
	// Share of the mix.
	Share int64
	// Rows that each data set has.
	Rows []int64
	// Units are the bytes or tokens of those rows, where shares are measured in them; nil where they are measured in rows.
	Units []int64
	// Pool is the balanced number of rows of each data set.
	Pool []int64
}

func (d Domain) pool() int64 { return sum(d.Pool) }

// weight returns the domain's share in rows: share ÷ the mean units of a row of its pool, where the pool has each data set's rows
// as often as balancing took them, Σ pool·(units/rows) ÷ Σ pool. Rows in the ratio of the weights have units in the ratio of
// the shares. It panics when the domain has a pool whose rows have no units.
func (d Domain) weight() *big.Rat {
	share, pool := big.NewRat(d.Share, 1), d.pool()
	if d.Units == nil || pool == 0 {
		return share
	}
	units := new(big.Rat)
	for j, n := range d.Pool {
		if n > 0 && d.Rows[j] > 0 {
			units.Add(units, new(big.Rat).Mul(big.NewRat(n, 1), big.NewRat(d.Units[j], d.Rows[j])))
		}
	}
	if units.Sign() <= 0 {
		panic("mix: a domain's rows have no units to measure its share in")
	}
	return share.Mul(share, new(big.Rat).Quo(big.NewRat(pool, 1), units))
}

// Shape is one split before its size is known: the domains, sorted by name.
type Shape []Domain

// ratio returns what the domains share a total of rows by.
func (s Shape) ratio() ratio {
	weights := make([]*big.Rat, len(s))
	for i, d := range s {
		weights[i] = d.weight()
	}
	return newRatio(weights)
}

// Allot divides a total of rows among the domains by share, and each domain's rows among its data sets by pool. A domain
// that has a share but no pool is given its rows under no data set: callers refuse it.
func (s Shape) Allot(total int64) [][]int64 { return s.allot(s.ratio(), total) }

func (s Shape) allot(r ratio, total int64) [][]int64 {
	out := make([][]int64, len(s))
	for i, rows := range r.apportion(total) {
		if s[i].pool() == 0 {
			out[i] = make([]int64, len(s[i].Pool))
			continue
		}
		out[i] = Apportion(rows, s[i].Pool)
	}
	return out
}
