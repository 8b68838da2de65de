package mix

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Apportion divides total rows by shares after the method of the largest remainder (Hamilton): every part is the floor of
// its quota, total·share/Σshares, and the rows left over go one each to the largest remainders; among equal remainders the
// later entry comes first. The parts sum to total and each is less than one row from its quota.
//
// The method is not monotone: a larger total can give one entry less (the Alabama paradox). Nothing here relies on it.
//
// It panics when total or a share is negative or when the shares of a total above zero sum to nothing: callers validate.
func Apportion(total int64, shares []int64) []int64 {
	sum := shareSum(total, shares)
	parts := make([]int64, len(shares))
	if total == 0 {
		return parts
	}
	remainders := make([]uint64, len(shares))
	left := total
	for i, share := range shares {
		hi, lo := bits.Mul64(uint64(total), uint64(share))
		quotient, remainder := bits.Div64(hi, lo, sum) // hi < sum, because share <= sum and total < 2^63
		parts[i], remainders[i] = int64(quotient), remainder
		left -= parts[i]
	}
	for _, i := range byRemainder(remainders, cmp.Compare)[:left] {
		parts[i]++
	}
	return parts
}

func shareSum(total int64, shares []int64) uint64 {
	var sum uint64
	for _, share := range shares {
		if share < 0 {
			panic(fmt.Sprintf("mix: negative share %d", share))
		}
		sum += uint64(share)
	}
	if total < 0 || total > 0 && sum == 0 {
		panic(fmt.Sprintf("mix: cannot apportion %d rows by shares that sum to %d", total, sum))
	}
	return sum
}

// byRemainder lists the indices by falling remainder, the later of equals first.
func byRemainder[R any](remainders []R, compare func(a, b R) int) []int {
	order := make([]int, len(remainders))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(compare(remainders[b], remainders[a]), b-a)
	})
	return order
}
