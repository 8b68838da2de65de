package mix

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// vectors calls f with every list of that many counts with a total of at most so many rows.
func vectors(entries int, total int64, f func(counts []int64)) {
	counts := make([]int64, entries)
	var fill func(i int, left int64)
	fill = func(i int, left int64) {
		if i == entries {
			f(counts)
			return
		}
		for counts[i] = 0; counts[i] <= left; counts[i]++ {
			fill(i+1, left-counts[i])
		}
		counts[i] = 0
	}
	fill(0, total)
}

// bestOf returns the least, over every order of the rows, of the largest |t·count − given·total| at any prefix. An order is a path
// from nothing given to all given, one row a step, so the least over all paths to a point is that over the paths to the points
// one row before it, and no less than the deviation at the point itself: all orders are searched without listing them.
func bestOf(counts []int64) int64 {
	total, known := sum(counts), map[string]int64{}
	var least func(given []int64) int64
	least = func(given []int64) int64 {
		name := fmt.Sprint(given)
		if deviation, ok := known[name]; ok {
			return deviation
		}
		t, here, before := sum(given), int64(0), int64(-1)
		for i := range given {
			here = max(here, t*counts[i]-given[i]*total, given[i]*total-t*counts[i])
			if given[i] == 0 {
				continue
			}
			given[i]--
			if deviation := least(given); before < 0 || deviation < before {
				before = deviation
			}
			given[i]++
		}
		known[name] = max(here, before)
		return known[name]
	}
	return least(slices.Clone(counts))
}

// Every mix of up to ten rows of up to four data sets: at every prefix, every data set is within one row of its share. The
// best of all orders is so too, is never beaten and, for two data sets, is what comes out.
func TestInterleavedOfEverySmallMix(t *testing.T) {
	tried := 0
	for entries := 1; entries <= 4; entries++ {
		vectors(entries, 10, func(counts []int64) {
			total := sum(counts)
			if total == 0 {
				return
			}
			order := slices.Collect(Interleaved(counts))
			if got := tally(order, entries); !slices.Equal(got, counts) {
				t.Fatalf("Interleaved(%v) yields %v", counts, got)
			}
			deviates, possible := deviation(order, counts), big.NewRat(bestOf(counts), total)
			if deviates.Cmp(big.NewRat(1, 1)) >= 0 || deviates.Cmp(possible) < 0 {
				t.Fatalf("Interleaved(%v) deviates by %s, the best order by %s", counts, deviates.RatString(), possible.RatString())
			}
			if entries == 2 && deviates.Cmp(possible) != 0 {
				t.Fatalf("Interleaved(%v) deviates by %s, and %s can be had", counts, deviates.RatString(), possible.RatString())
			}
			tried++
		})
	}
	if tried != 10+65+285+1000 {
		t.Errorf("%d mixes were tried", tried)
	}
}

// dumbInterleaved returns the chairman assignment as the comment of Interleaved says it, in rationals.
func dumbInterleaved(counts []int64) []int {
	total, active := sum(counts), int64(0)
	for _, n := range counts {
		if n > 0 {
			active++
		}
	}
	order := []int{}
	if active == 1 {
		for i, n := range counts {
			order = append(order, slices.Repeat([]int{i}, int(n))...)
		}
		return order
	}
	given := make([]int64, len(counts))
	for t := int64(1); t <= total; t++ {
		a, next, soonest := big.NewRat(1, 2*active-2), -1, new(big.Rat)
		for i, n := range counts {
			if n == 0 {
				continue
			}
			share := big.NewRat(n, total)
			lag := new(big.Rat).Mul(big.NewRat(t, 1), share)
			lag.Sub(lag, big.NewRat(given[i], 1))
			if lag.Cmp(a) < 0 {
				continue
			}
			rows := new(big.Rat).Sub(big.NewRat(1, 1), a) // until the lag is 1−a
			rows.Sub(rows, lag).Quo(rows, share)
			if next < 0 || rows.Cmp(soonest) < 0 {
				next, soonest = i, rows
			}
		}
		given[next]++
		order = append(order, next)
	}
	return order
}

// dumbShuffled draws rows from a bag in which the data sets' rows lie one behind the other.
func dumbShuffled(counts []int64, key Key) []int {
	bag, order := []int{}, []int{}
	for i, n := range counts {
		bag = append(bag, slices.Repeat([]int{i}, int(n))...)
	}
	for len(bag) > 0 {
		left := uint64(len(bag))
		place := key.Below(left, left)
		order = append(order, bag[place])
		bag = slices.Delete(bag, int(place), int(place)+1)
	}
	return order
}

func TestWeavesAgreeWithTheDumbOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(35, 36))
	for seed := range int64(500) {
		counts := make([]int64, 1+random.IntN(8))
		for i := range counts {
			counts[i] = random.Int64N(1 << random.IntN(6))
		}
		key := NewKey(seed, "weave")
		if got, want := slices.Collect(Shuffled(counts, key)), dumbShuffled(counts, key); !slices.Equal(got, want) {
			t.Fatalf("Shuffled(%v) = %v, want %v", counts, got, want)
		}
		if got, want := slices.Collect(Interleaved(counts)), dumbInterleaved(counts); !slices.Equal(got, want) {
			t.Fatalf("Interleaved(%v) = %v, want %v", counts, got, want)
		}
	}
}

// Every list of draws that can be, each once: of the total! lists, every distinct order of the rows gets as many.
func TestShuffledIsExactlyUniform(t *testing.T) {
	for entries := 1; entries <= 4; entries++ {
		vectors(entries, 6, func(counts []int64) {
			total, seen := sum(counts), map[string]int{}
			var draw func(draws []uint64)
			draw = func(draws []uint64) {
				if left := uint64(total) - uint64(len(draws)); left > 0 {
					for place := range left {
						draw(append(draws, place))
					}
					return
				}
				next := 0
				order := slices.Collect(shuffled(counts, func(left uint64) uint64 {
					if left != uint64(total)-uint64(next) {
						t.Fatalf("counts %v: draw %d is of %d", counts, next, left)
					}
					next++
					return draws[next-1]
				}))
				seen[fmt.Sprint(order)]++
			}
			draw(nil)
			// total! ÷ Π counts! orders, each from Π counts! lists.
			orders, lists := factorial(total), 1
			for _, n := range counts {
				orders, lists = orders/factorial(n), lists*factorial(n)
			}
			if len(seen) != orders {
				t.Fatalf("counts %v come in %d orders of %d", counts, len(seen), orders)
			}
			for order, n := range seen {
				if n != lists {
					t.Fatalf("counts %v: order %s comes from %d lists of draws, not %d", counts, order, n, lists)
				}
			}
		})
	}
}

func factorial(n int64) int {
	product := 1
	for i := range int(n) {
		product *= i + 1
	}
	return product
}
