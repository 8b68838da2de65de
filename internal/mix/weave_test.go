package mix

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func tally(order []int, n int) []int64 {
	counts := make([]int64, n)
	for _, i := range order {
		counts[i]++
	}
	return counts
}

func TestWeavesYieldExactlyTheCounts(t *testing.T) {
	for _, counts := range [][]int64{{}, {0, 0}, {5}, {0, 3}, {1, 1, 1}, {24016, 24016, 32021, 32022, 24016, 24016}, {1, 100000}} {
		for name, order := range map[string][]int{
			"Shuffled":    slices.Collect(Shuffled(counts, NewKey(1, "weave"))),
			"Interleaved": slices.Collect(Interleaved(counts)),
		} {
			if got := tally(order, len(counts)); !slices.Equal(got, counts) {
				t.Errorf("%s(%v) yields %v", name, counts, got)
			}
		}
	}
}

func TestWeavesStopWhenAsked(t *testing.T) {
	for name, weave := range map[string]func(func(int) bool){
		"Shuffled": Shuffled([]int64{5, 5}, NewKey(1, "weave")), "Interleaved": Interleaved([]int64{5, 5}), "one": Interleaved([]int64{5}),
	} {
		rows := 0
		for range weave {
			rows++
			if rows == 3 {
				break
			}
		}
		if rows != 3 {
			t.Errorf("%s: stopped after %d rows", name, rows)
		}
	}
}

// A uniform shuffle of two rows of a and two of b has six orders, each equally likely over keys.
func TestShuffledIsUniform(t *testing.T) {
	const keys = 30_000
	seen := map[string]int{}
	for seed := range int64(keys) {
		seen[fmt.Sprint(slices.Collect(Shuffled([]int64{2, 2}, NewKey(seed, "weave"))))]++
	}
	if len(seen) != 6 {
		t.Fatalf("%d orders, want 6: %v", len(seen), seen)
	}
	for order, count := range seen {
		if count < keys/6-400 || count > keys/6+400 { // more than six standard deviations
			t.Errorf("order %s came %d times of %d", order, count, keys)
		}
	}
}

// deviation returns the largest |t·λ − given| over all prefixes and data sets.
func deviation(order []int, counts []int64) *big.Rat {
	total, worst := sum(counts), new(big.Rat)
	given := make([]int64, len(counts))
	for t, next := range order {
		given[next]++
		for i, count := range counts {
			lag := big.NewRat(int64(t+1)*count-given[i]*total, total)
			if lag.Abs(lag).Cmp(worst) > 0 {
				worst.Set(lag)
			}
		}
	}
	return worst
}

func TestInterleavedKeepsTijdemansBound(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 1_500 {
		counts := make([]int64, 2+random.IntN(6))
		for i := range counts {
			counts[i] = 1 + random.Int64N(1<<random.IntN(6))
		}
		bound := new(big.Rat).Sub(big.NewRat(1, 1), big.NewRat(1, int64(2*len(counts)-2)))
		if got := deviation(slices.Collect(Interleaved(counts)), counts); got.Cmp(bound) > 0 {
			t.Fatalf("Interleaved(%v) deviates by %s, the bound is %s", counts, got.RatString(), bound.RatString())
		}
	}
}

// best returns the smallest largest deviation over every order of the counts, found by trying all.
func best(counts []int64) *big.Rat {
	var least *big.Rat
	var walk func(order []int, left []int64)
	walk = func(order []int, left []int64) {
		if int64(len(order)) == sum(counts) {
			if got := deviation(order, counts); least == nil || got.Cmp(least) < 0 {
				least = got
			}
			return
		}
		for i := range left {
			if left[i] > 0 {
				left[i]--
				walk(append(order, i), left)
				left[i]++
			}
		}
	}
	walk(nil, slices.Clone(counts))
	return least
}

// No order of the rows can do better than the exhaustive search, and the chairman assignment is below one row of it.
func TestInterleavedAgainstEveryOrder(t *testing.T) {
	one := big.NewRat(1, 1)
	for a := int64(1); a <= 4; a++ {
		for b := int64(1); b <= 3; b++ {
			for c := int64(1); c <= 2; c++ {
				counts := []int64{a, b, c}
				got, least := deviation(slices.Collect(Interleaved(counts)), counts), best(counts)
				if got.Cmp(least) < 0 || got.Cmp(one) >= 0 {
					t.Errorf("Interleaved(%v) deviates by %s; the best order by %s", counts, got.RatString(), least.RatString())
				}
			}
		}
	}
}

// What the package comment says of the greedy rule, shown: it leaves the bound that Tijdeman keeps.
func TestFurthestBehindIsNotEnough(t *testing.T) {
	greedy := func(counts []int64) []int {
		given, order := make([]int64, len(counts)), []int{}
		for t := int64(1); t <= sum(counts); t++ {
			next := 0
			for i := range counts {
				if t*counts[i]-given[i]*sum(counts) > t*counts[next]-given[next]*sum(counts) {
					next = i
				}
			}
			given[next]++
			order = append(order, next)
		}
		return order
	}
	counts := []int64{1, 24, 3, 2, 5, 24}
	if got := deviation(greedy(counts), counts); got.Cmp(big.NewRat(1, 1)) <= 0 {
		t.Errorf("the greedy order deviates by %s only: choose another example", got.RatString())
	}
}

func TestLessRatio(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 20_000 {
		shift := random.IntN(62)
		signed := func() int64 { return int64(random.Uint64()) >> shift }
		a, c := signed(), signed()
		b, d := 1+random.Int64()>>(1+shift), 1+random.Int64()>>(1+shift)
		want := big.NewRat(a, b).Cmp(big.NewRat(c, d)) < 0
		if got := lessRatio(a, b, c, d); got != want {
			t.Fatalf("lessRatio(%d/%d, %d/%d) = %v", a, b, c, d, got)
		}
	}
}
