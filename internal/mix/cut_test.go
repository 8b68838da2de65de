package mix

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// cut returns for every split how many groups are its: groups holds the number of rows of each group in the order.
func cut(groups []int64, shares []int64) []int {
	cutter := NewCutter(sum(groups), shares)
	counts := make([]int, len(shares))
	for _, size := range groups {
		counts[cutter.Place(size)]++
	}
	return counts
}

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
		if got := cut(c.groups, c.shares); !slices.Equal(got, c.want) {
			t.Errorf("%s: cut(%v, %v) = %v, want %v", c.what, c.groups, c.shares, got, c.want)
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
		counts, targets := cut(groups, shares), Apportion(sum(groups), shares)
		largest := slices.Max(groups)
		taken, border, target := 0, int64(0), int64(0)
		for split, count := range counts {
			border += sum(groups[taken : taken+count])
			taken += count
			target += targets[split]
			if off := border - target; 2*off > largest || -2*off > largest {
				t.Fatalf("cut(%v, %v) = %v: border %d is %d rows off", groups, shares, counts, split, off)
			}
		}
		if taken != len(groups) {
			t.Fatalf("cut(%v, %v) = %v covers %d groups", groups, shares, counts, taken)
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
		train := cut(slices.Repeat([]int64{1}, rows), []int64{5, 1})[0]
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

// dumbCut lays all rows out, writes the split of each target row next to it and looks up the middle row of every group.
func dumbCut(groups []int64, shares []int64) []int {
	var splitOf []int
	for split, target := range dumbApportion(sum(groups), shares) {
		splitOf = append(splitOf, slices.Repeat([]int{split}, int(target))...)
	}
	places, first := []int{}, 0
	for _, size := range groups {
		places = append(places, splitOf[first : first+int(size)][(size-1)/2])
		first += int(size)
	}
	return places
}

func TestCutterAgreesWithTheDumbOne(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	for range 3_000 {
		groups, shares := make([]int64, random.IntN(30)), make([]int64, 1+random.IntN(4))
		for i := range groups {
			groups[i] = 1 + random.Int64N(1<<random.IntN(6))
		}
		for i := range shares {
			shares[i] = random.Int64N(5)
		}
		shares[random.IntN(len(shares))]++
		cutter, counts := NewCutter(sum(groups), shares), make([]int, len(shares))
		got := []int{}
		for _, size := range groups {
			got = append(got, cutter.Place(size))
			counts[got[len(got)-1]]++
		}
		if want := dumbCut(groups, shares); !slices.Equal(got, want) {
			t.Fatalf("groups %v, shares %v: placed in %v, want %v", groups, shares, got, want)
		}
		if !slices.IsSorted(got) {
			t.Fatalf("groups %v, shares %v: %v goes back to an earlier split", groups, shares, got)
		}
		if whole := cut(groups, shares); !slices.Equal(whole, counts) {
			t.Fatalf("cut(%v, %v) = %v, the Cutter gives %v", groups, shares, whole, counts)
		}
	}
}

func TestCutterRefusesWhatCannotBe(t *testing.T) {
	for _, sizes := range [][]int64{{0}, {-1}, {4}, {2, 2}, {3, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("groups of %v rows of 3 did not panic", sizes)
				}
			}()
			cutter := NewCutter(3, []int64{5, 1})
			for _, size := range sizes {
				cutter.Place(size)
			}
		}()
	}
}

// TestCutterOfNothing: no split and no group is no mistake, as where a data set has no row.
func TestCutterOfNothing(t *testing.T) {
	if got := cut(nil, nil); len(got) != 0 {
		t.Errorf("cut(nil, nil) = %v", got)
	}
}
