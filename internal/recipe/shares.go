package recipe

import (
	"fmt"
	"math/big"

	"github.com/datasetmix/datasetmix/internal/mix"
)

// maxShareSum bounds the sum of normalized shares: a ratio that needs more than a million parts to be written is a mistake
// in a manifest, and the search of NoRepeat can be linear in it.
const maxShareSum = 1_000_000

// NormalizeShares turns exact shares such as 0.4, 0.3 and 0.3 into the smallest integers of the same ratio, 4, 3 and 3. All
// shares must be above zero.
func NormalizeShares(shares []*big.Rat) ([]int64, error) {
	for i, share := range shares {
		if share.Sign() <= 0 {
			return nil, fmt.Errorf("share %d is %s; every share must be above zero", i+1, share.RatString())
		}
	}
	out, sum := make([]int64, len(shares)), new(big.Int)
	for i, part := range mix.Integers(shares) {
		out[i] = part.Int64()
		sum.Add(sum, part)
	}
	if sum.Cmp(big.NewInt(maxShareSum)) > 0 {
		return nil, fmt.Errorf("the shares need %s parts to be written as integers; at most %d are allowed: round them", sum, maxShareSum)
	}
	return out, nil
}
