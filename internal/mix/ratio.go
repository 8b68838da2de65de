package mix

import (
	"fmt"
	"math"
	"math/big"
)

// Integers returns weights in the smallest integers of the same ratio. Weights of which none is above zero are all 0.
func Integers(weights []*big.Rat) []*big.Int {
	denominator, divisor := big.NewInt(1), new(big.Int)
	for _, weight := range weights {
		gcd := new(big.Int).GCD(nil, nil, denominator, weight.Denom())
		denominator.Mul(denominator, new(big.Int).Quo(weight.Denom(), gcd))
	}
	parts := make([]*big.Int, len(weights))
	for i, weight := range weights {
		parts[i] = new(big.Int).Mul(weight.Num(), new(big.Int).Quo(denominator, weight.Denom()))
		divisor.GCD(nil, nil, divisor, parts[i])
	}
	if divisor.Sign() > 0 {
		for _, part := range parts {
			part.Quo(part, divisor)
		}
	}
	return parts
}

// ratio is what a total is apportioned by: shares of any size. Shares that are measured in bytes or tokens are multiplied by
// rows and divided by bytes, and so outgrow 64 bits however small their own numbers are.
type ratio struct {
	parts   []*big.Int
	sum     *big.Int
	small   []int64 // the parts, where they and their sum are below 2^63: then Apportion does, many times faster
	entries int64   // parts above zero
}

func newRatio(weights []*big.Rat) ratio { return ratioOf(Integers(weights)) }

// countRatio returns the ratio of numbers of rows.
func countRatio(counts []int64) ratio {
	parts := make([]*big.Int, len(counts))
	for i, n := range counts {
		parts[i] = big.NewInt(n)
	}
	return ratioOf(parts)
}

func ratioOf(parts []*big.Int) ratio {
	r := ratio{parts: parts, sum: new(big.Int), small: make([]int64, len(parts))}
	for i, part := range parts {
		if part.Sign() < 0 {
			panic(fmt.Sprintf("mix: negative share %s", part))
		}
		if part.Sign() > 0 {
			r.entries++
		}
		r.sum.Add(r.sum, part)
		if part.IsInt64() {
			r.small[i] = part.Int64()
		}
	}
	if !r.sum.IsInt64() {
		r.small = nil
	}
	return r
}

// apportion does what Apportion does, by shares of any size.
func (r ratio) apportion(total int64) []int64 {
	if r.small != nil {
		return Apportion(total, r.small)
	}
	if total < 0 {
		panic(fmt.Sprintf("mix: cannot apportion %d rows", total))
	}
	parts, remainders := make([]int64, len(r.parts)), make([]*big.Int, len(r.parts))
	rows, left := big.NewInt(total), total
	for i, part := range r.parts {
		quotient, remainder := new(big.Int).QuoRem(new(big.Int).Mul(rows, part), r.sum, new(big.Int))
		parts[i], remainders[i] = quotient.Int64(), remainder
		left -= parts[i]
	}
	for _, i := range byRemainder(remainders, (*big.Int).Cmp)[:left] {
		parts[i]++
	}
	return parts
}

// The least and the greatest total at which rounding may turn against an entry that is to get n rows at most. With k entries
// above zero, let f be the fraction of the entry's quota; u of the k fractions are rounded up, and as the parts sum to the
// total, the fractions sum to u.
//
//   - Is the entry rounded up, the k−u that are not have at most its fraction, and the other u−1 less than 1 each: so
//     u ≤ (u−1) + (k−u+1)·f, hence f ≥ 1/(k−u+1) ≥ 1/k. Below n + 1/k it gets n rows at most, whatever the others do.
//   - Is it not, u others have at least its fraction: so u ≥ f + u·f, hence f ≤ u/(u+1) ≤ (k−1)/k. Above n + (k−1)/k it
//     gets more than n rows.
//
// In between it depends on the others, and more rows in all can even give an entry less: whoever looks for the greatest total
// has to try those.

// sure returns the greatest total of which entry i gets n rows at most, and of every smaller one, however the rest is rounded: the
// greatest below (n + 1/k) ÷ share.
func (r ratio) sure(i int, n int64) int64 {
	total, remainder := r.bound(i, n, 1)
	if remainder == 0 {
		total.Sub(total, big.NewInt(1))
	}
	return clamp(total)
}

// reach returns the greatest total of which entry i may get n rows at most: the greatest up to (n + (k−1)/k) ÷ share.
func (r ratio) reach(i int, n int64) int64 {
	total, _ := r.bound(i, n, r.entries-1)
	return clamp(total)
}

// bound returns (n + numerator/k) ÷ share of entry i, rounded down, and whether there is a remainder. The entry is above zero.
func (r ratio) bound(i int, n, numerator int64) (*big.Int, int) {
	k := big.NewInt(r.entries)
	rows := new(big.Int).Mul(k, big.NewInt(n))
	rows.Add(rows, big.NewInt(numerator))
	quotient, remainder := new(big.Int).QuoRem(rows.Mul(rows, r.sum), k.Mul(k, r.parts[i]), new(big.Int))
	return quotient, remainder.Sign()
}

// clamp returns what of n fits.
func clamp(n *big.Int) int64 {
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}

// floorDiv and ceilDiv are n ÷ r for r above zero, rounded; what does not fit is the largest integer.
func floorDiv(n int64, r *big.Rat) int64 {
	return clamp(new(big.Int).Quo(new(big.Int).Mul(big.NewInt(n), r.Denom()), r.Num()))
}

func ceilDiv(n int64, r *big.Rat) int64 {
	quotient, remainder := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(n), r.Denom()), r.Num(), new(big.Int))
	if remainder.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return clamp(quotient)
}
