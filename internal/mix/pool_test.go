package mix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPools(t *testing.T) {
	rows := []int64{137, 356}
	for _, c := range []struct {
		what string
		got  []int64
		want []int64
	}{
		{"Largest", Largest(rows), []int64{356, 356}},
		{"Smallest", Smallest(rows), []int64{137, 137}},
		{"equal shares are Largest", Proportional(rows, []int64{1, 1}), []int64{356, 356}},
		{"3:1 in favour of the small one", Proportional(rows, []int64{3, 1}), []int64{1068, 356}},
		{"1:9", Proportional(rows, []int64{1, 9}), []int64{137, 1233}},
		{"rounded up, so that none is cut", Proportional([]int64{10, 10}, []int64{1, 2}), []int64{10, 20}},
		{"a share that does not divide", Proportional([]int64{1, 7}, []int64{2, 3}), []int64{5, 7}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestProportionalCutsNone(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5_000 {
		n := 1 + random.IntN(5)
		rows, shares := make([]int64, n), make([]int64, n)
		for i := range rows {
			rows[i], shares[i] = random.Int64N(1000), 1+random.Int64N(20)
		}
		for i, pool := range Proportional(rows, shares) {
			if pool < rows[i]-1 {
				t.Fatalf("Proportional(%v, %v) cuts data set %d to %d", rows, shares, i, pool)
			}
		}
	}
}

// six is the strategy document's shape, sorted by name: code (humaneval, mbpp), math (gsm8k, math), qa (hotpotqa, squad2).
func six(code, math, qa [2]int64) Shape {
	domain := func(share int64, rows [2]int64) Domain {
		return Domain{Share: share, Rows: rows[:], Pool: Largest(rows[:])}
	}
	return Shape{domain(3, code), domain(4, math), domain(3, qa)}
}

func TestTotalsOfTheStrategy(t *testing.T) {
	train := six([2]int64{137, 356}, [2]int64{6227, 6250}, [2]int64{74138, 72999})
	test := six([2]int64{27, 71}, [2]int64{1246, 1250}, [2]int64{14828, 14600})
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"KeepTotal train", train.KeepTotal(), int64(160107)},
		{"KeepTotal test", test.KeepTotal(), int64(32022)},
		{"SmallestPool train", train.SmallestPool(), int64(2373)},
		{"SmallestPool test", test.SmallestPool(), int64(473)},
		{"KeepTotal train rows", train.Allot(160107), [][]int64{{24016, 24016}, {32021, 32022}, {24016, 24016}}},
		{"KeepTotal test rows", test.Allot(32022), [][]int64{{4803, 4803}, {6404, 6405}, {4803, 4804}}},
		{"SmallestPool train rows", train.Allot(2373), [][]int64{{356, 356}, {474, 475}, {356, 356}}},
		{"NoRepeat train", train.NoRepeat(), int64(918)},
	} {
		if fmt.Sprint(c.got) != fmt.Sprint(c.want) {
			t.Errorf("%s = %v, want %v", c.what, c.got, c.want)
		}
	}
}

// dumbTotals finds both searched totals by trying every one.
func dumbTotals(s Shape, limit int64) (smallestPool, noRepeat int64) {
	for total := int64(1); total <= limit; total++ {
		var shares int64
		fits := true
		for _, d := range s {
			shares += d.Share
		}
		for _, d := range s {
			fits = fits && total*d.Share <= d.pool()*shares
		}
		if fits {
			smallestPool = total
		}
		domainShares := make([]int64, len(s))
		for i := range s {
			domainShares[i] = s[i].Share
		}
		unique := true
		for i, rows := range dumbApportion(total, domainShares) {
			for j, k := range dumbApportion(rows, s[i].Pool) {
				unique = unique && k <= s[i].Rows[j]
			}
		}
		if unique {
			noRepeat = total
		}
	}
	return smallestPool, noRepeat
}

func TestTotalsAgreeWithTryingEvery(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		shape := make(Shape, 1+random.IntN(3))
		for i := range shape {
			rows := make([]int64, 1+random.IntN(3))
			for j := range rows {
				rows[j] = 1 + random.Int64N(6)
			}
			pool := [][]int64{Largest(rows), Smallest(rows), rows}[random.IntN(3)]
			shape[i] = Domain{Share: 1 + random.Int64N(7), Rows: rows, Pool: pool}
		}
		smallest, unique := dumbTotals(shape, 600)
		if got := shape.SmallestPool(); got != smallest {
			t.Fatalf("%+v: SmallestPool = %d, want %d", shape, got, smallest)
		}
		if got := shape.NoRepeat(); got != unique {
			t.Fatalf("%+v: NoRepeat = %d, want %d", shape, got, unique)
		}
	}
}

func TestTotalsOfNothing(t *testing.T) {
	empty := Shape{{Share: 1, Rows: []int64{0}, Pool: []int64{0}}}
	if empty.NoRepeat() != 0 || empty.SmallestPool() != 0 || empty.KeepTotal() != 0 {
		t.Errorf("an empty shape has rows: %d, %d, %d", empty.NoRepeat(), empty.SmallestPool(), empty.KeepTotal())
	}
	if got := empty.Allot(5); !slices.Equal(got[0], []int64{0}) {
		t.Errorf("Allot without a pool = %v", got)
	}
}
