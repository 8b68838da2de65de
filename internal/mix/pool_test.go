package mix

import (
	"fmt"
	"math/big"
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
		{"equal shares are Largest", Proportional(rows, []int64{1, 1}, nil), []int64{356, 356}},
		{"3:1 in favour of the small one", Proportional(rows, []int64{3, 1}, nil), []int64{1068, 356}},
		{"1:9", Proportional(rows, []int64{1, 9}, nil), []int64{137, 1233}},
		{"rounded up, so that none is cut", Proportional([]int64{10, 10}, []int64{1, 2}, nil), []int64{10, 20}},
		{"a share that does not divide", Proportional([]int64{1, 7}, []int64{2, 3}, nil), []int64{5, 7}},
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
		for i, pool := range Proportional(rows, shares, nil) {
			if pool < rows[i] {
				t.Fatalf("Proportional(%v, %v) cuts data set %d to %d", rows, shares, i, pool)
			}
		}
	}
}

// six returns the shape of the six data sets' mix, sorted by name: code (humaneval, mbpp), math (gsm8k, math), qa (hotpotqa, squad2).
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

// dumbWeight returns a domain's share in rows, from the units of its pool laid out row by row.
func dumbWeight(d Domain) *big.Rat {
	if d.Units == nil {
		return big.NewRat(d.Share, 1)
	}
	units, rows := new(big.Rat), int64(0)
	for j, n := range d.Pool {
		for range n {
			units.Add(units, big.NewRat(d.Units[j], d.Rows[j]))
			rows++
		}
	}
	mean := new(big.Rat).Quo(units, big.NewRat(rows, 1))
	return new(big.Rat).Quo(big.NewRat(d.Share, 1), mean)
}

func dumbAllot(s Shape, total int64) [][]int64 {
	weights, out := make([]*big.Rat, len(s)), make([][]int64, len(s))
	for i := range s {
		weights[i] = dumbWeight(s[i])
	}
	for i, rows := range dumbApportionBy(total, weights) {
		out[i] = dumbApportion(rows, s[i].Pool)
	}
	return out
}

// randomShape has domains of data sets with few rows, measured in rows or in units.
func randomShape(random *rand.Rand, units bool) Shape {
	shape := make(Shape, 1+random.IntN(4))
	for i := range shape {
		d := Domain{Share: 1 + random.Int64N(7)}
		var shares []int64
		for range 1 + random.IntN(4) {
			d.Rows = append(d.Rows, 1+random.Int64N(6))
			shares = append(shares, 1+random.Int64N(4))
			if units {
				d.Units = append(d.Units, 1+random.Int64N(40))
			}
		}
		d.Pool = [][]int64{Largest(d.Rows), Smallest(d.Rows), d.Rows, Proportional(d.Rows, shares, d.Units)}[random.IntN(4)]
		shape[i] = d
	}
	return shape
}

func TestAllotAgreesWithTheDumbOne(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	for n := range 2_000 {
		shape, total := randomShape(random, n%2 == 0), random.Int64N(10_000)
		if got, want := shape.Allot(total), dumbAllot(shape, total); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%+v: %d rows are allotted %v, want %v", shape, total, got, want)
		}
	}
}

// What shares of units are for: the units of the domains are in the ratio of their shares, but for the rounding to rows.
func TestDomainsHaveTheirSharesOfUnits(t *testing.T) {
	shape := Shape{
		{Share: 3, Rows: []int64{100, 300}, Units: []int64{20_000, 12_000}, Pool: []int64{300, 300}}, // 200 and 40 a row: 120
		{Share: 1, Rows: []int64{50}, Units: []int64{50}, Pool: []int64{50}},                         // 1 a row
	}
	// 3/120 to 1/1 are 1 to 40.
	if got, want := fmt.Sprint(shape.Allot(4100)), "[[50 50] [4000]]"; got != want {
		t.Errorf("allotted %s, want %s", got, want)
	}
	if got := shape.SmallestPool(); got != 51 { // 50 rows are 40 of 41 parts
		t.Errorf("SmallestPool = %d, want 51", got)
	}
	random := rand.New(rand.NewPCG(23, 24))
	for range 500 {
		shape := randomShape(random, true)
		const total = 1_000_000
		var shares int64
		all, units := new(big.Rat), make([]*big.Rat, len(shape))
		for i, allotted := range shape.Allot(total) {
			units[i] = new(big.Rat)
			for j, k := range allotted {
				units[i].Add(units[i], big.NewRat(k*shape[i].Units[j], shape[i].Rows[j]))
			}
			all.Add(all, units[i])
			shares += shape[i].Share
		}
		for i, d := range shape {
			got, _ := new(big.Rat).Quo(units[i], all).Float64()
			if want := float64(d.Share) / float64(shares); got < want-1e-3 || got > want+1e-3 {
				t.Fatalf("%+v: domain %d has %.5f of the units, its share is %.5f", shape, i, got, want)
			}
		}
	}
}

func TestProportionalInUnits(t *testing.T) {
	for _, c := range []struct {
		what                string
		rows, shares, units []int64
		want                []int64
	}{
		{"equal shares of rows four times as long", []int64{100, 100}, []int64{1, 1}, []int64{400, 100}, []int64{100, 400}},
		{"equal units a row are shares of rows", []int64{100, 10}, []int64{1, 2}, []int64{700, 70}, []int64{100, 200}},
		{"a share takes up what the length asks for", []int64{10, 10}, []int64{4, 1}, []int64{40, 10}, []int64{10, 10}},
		{"a share of nothing", []int64{10, 5}, []int64{1, 0}, []int64{40, 0}, []int64{10, 0}},
	} {
		if got := Proportional(c.rows, c.shares, c.units); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
