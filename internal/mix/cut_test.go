package mix

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCut(t *testing.T) {
	ones := func(n int) []int64 { return slices.Repeat([]int64{1}, n) }
	for _, c := range []struct {
		what   string
		groups []int64
		shares []int64
		want   []int
	}{
		{"single rows are Apportion", ones(7473), []int64{5, 1}, []int{6227, 1246}},
		{"a pair across the border goes to the earlier split", []int64{1, 2, 1}, []int64{1, 1}, []int{2, 1}},
		{"a triple goes where its middle row falls", []int64{2, 3, 1}, []int64{1, 1}, []int{1, 2}},
		{"one group is one split's", []int64{9}, []int64{5, 1}, []int{1, 0}},
		{"a split that no middle row falls into is empty", []int64{1, 9, 1}, []int64{1, 1, 9}, []int{1, 0, 2}},
		{"three splits", ones(10), []int64{8, 1, 1}, []int{8, 1, 1}},
		{"nothing", nil, []int64{5, 1}, []int{0, 0}},
	} {
		if got := Cut(c.groups, c.shares); !slices.Equal(got, c.want) {
			t.Errorf("%s: Cut(%v, %v) = %v, want %v", c.what, c.groups, c.shares, got, c.want)
		}
	}
}

func TestCutKeepsWithinHalfAGroupOfEachBorder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		groups := make([]int64, 1+random.IntN(50))
		for i := range groups {
			groups[i] = 1 + random.Int64N(9)
		}
		shares := []int64{1 + random.Int64N(9), 1 + random.Int64N(9), 1 + random.Int64N(9)}
		counts, targets := Cut(groups, shares), Apportion(sum(groups), shares)
		largest := slices.Max(groups)
		taken, border, target := 0, int64(0), int64(0)
		for split, count := range counts {
			border += sum(groups[taken : taken+count])
			taken += count
			target += targets[split]
			if off := border - target; 2*off > largest || -2*off > largest {
				t.Fatalf("Cut(%v, %v) = %v: border %d is %d rows off", groups, shares, counts, split, off)
			}
		}
		if taken != len(groups) {
			t.Fatalf("Cut(%v, %v) = %v covers %d groups", groups, shares, counts, taken)
		}
	}
}

// Growing a source by k rows, each its own group, moves at most k rows across the split.
func TestCutIsStableUnderGrowth(t *testing.T) {
	key := NewKey(42, "split")
	place := func(row int) uint64 { return key.Of([]byte{byte(row), byte(row >> 8), byte(row >> 16)}) }
	side := func(rows int) map[int]bool {
		order := make([]int, rows)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			if place(a) < place(b) {
				return -1
			}
			return 1
		})
		train := Cut(slices.Repeat([]int64{1}, rows), []int64{5, 1})[0]
		out := map[int]bool{}
		for _, row := range order[:train] {
			out[row] = true
		}
		return out
	}
	before := side(3000)
	for _, k := range []int{1, 2, 10, 100} {
		after, moved := side(3000+k), 0
		for row := range 3000 {
			if before[row] != after[row] {
				moved++
			}
		}
		if moved > k {
			t.Errorf("%d more rows moved %d across the split", k, moved)
		}
	}
}
