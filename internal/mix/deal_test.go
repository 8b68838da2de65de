package mix

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestDeal(t *testing.T) {
	for _, c := range []struct {
		what   string
		counts []int64
		shards int
		want   [][]Span
	}{
		{"one shard is all", []int64{3, 0, 2}, 1, [][]Span{{{0, 3}, {0, 0}, {0, 2}}}},
		{"the second data set goes on where the first one ended", []int64{3, 3}, 2, [][]Span{{{0, 2}, {0, 1}}, {{2, 3}, {1, 3}}}},
		{"more shards than rows", []int64{1, 1}, 3, [][]Span{{{0, 1}, {0, 0}}, {{1, 1}, {0, 1}}, {{1, 1}, {1, 1}}}},
		{"many small data sets do not all go to the first", []int64{1, 1, 1, 1}, 2, [][]Span{
			{{0, 1}, {0, 0}, {0, 1}, {0, 0}}, {{1, 1}, {0, 1}, {1, 1}, {0, 1}}}},
		{"no data set", nil, 2, [][]Span{{}, {}}},
	} {
		if got := Deal(c.counts, c.shards); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: Deal(%v, %d) = %v, want %v", c.what, c.counts, c.shards, got, c.want)
		}
	}
}

// dumbDeal deals one row after another and then lays each data set's piles one behind the other.
func dumbDeal(counts []int64, shards int) [][]Span {
	piles, shard := make([][]int64, shards), 0
	for j := range piles {
		piles[j] = make([]int64, len(counts))
	}
	for i, count := range counts {
		for range count {
			piles[shard][i]++
			shard = (shard + 1) % shards
		}
	}
	spans := make([][]Span, shards)
	for j := range spans {
		spans[j] = make([]Span, len(counts))
		for i := range counts {
			if j > 0 {
				spans[j][i].Start = spans[j-1][i].End
			}
			spans[j][i].End = spans[j][i].Start + piles[j][i]
		}
	}
	return spans
}

// even reports whether every number is the floor or the ceiling of total/len.
func even(parts []int64, total int64) bool {
	for _, part := range parts {
		if n := int64(len(parts)); part != total/n && part != (total+n-1)/n {
			return false
		}
	}
	return sum(parts) == total
}

func TestDealAgreesWithTheDumbOneAndIsEven(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	for range 3_000 {
		counts, shards := make([]int64, random.IntN(7)), 1+random.IntN(9)
		for i := range counts {
			counts[i] = random.Int64N(1 << random.IntN(8))
		}
		got := Deal(counts, shards)
		if want := dumbDeal(counts, shards); !reflect.DeepEqual(got, want) {
			t.Fatalf("Deal(%v, %d) = %v, want %v", counts, shards, got, want)
		}
		// Any data sets side by side are dealt evenly: one of them, a domain's, all.
		for first := range counts {
			for last := first; last < len(counts); last++ {
				parts := make([]int64, shards)
				for j := range got {
					for _, span := range got[j][first : last+1] {
						parts[j] += span.Rows()
					}
				}
				if !even(parts, sum(counts[first:last+1])) {
					t.Fatalf("Deal(%v, %d) gives the shards %v of the data sets %d to %d", counts, shards, parts, first, last)
				}
			}
		}
	}
}

// Numbers that no loop over rows would reach.
func TestDealOfManyRows(t *testing.T) {
	counts := []int64{10_000_000_007, 1, 9_999_999_999_999}
	dealt := Deal(counts, 1000)
	for i, count := range counts {
		parts := make([]int64, len(dealt))
		for j := range dealt {
			parts[j] = dealt[j][i].Rows()
		}
		if !even(parts, count) || dealt[999][i].End != count {
			t.Errorf("data set %d of %d rows is not dealt evenly", i, count)
		}
	}
}

func TestDealRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		counts []int64
		shards int
	}{{[]int64{1}, 0}, {[]int64{1}, -1}, {[]int64{2, -1}, 2}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Deal(%v, %d) did not panic", c.counts, c.shards)
				}
			}()
			Deal(c.counts, c.shards)
		}()
	}
}
