package mix

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// dumbTotals finds both searched totals by trying every one.
func dumbTotals(s Shape, limit int64) (smallestPool, noRepeat int64) {
	weights, sum := make([]*big.Rat, len(s)), new(big.Rat)
	for i := range s {
		weights[i] = dumbWeight(s[i])
		sum.Add(sum, weights[i])
	}
	for total := int64(1); total <= limit; total++ {
		fits, unique := true, true
		for i, rows := range dumbApportionBy(total, weights) {
			quota := new(big.Rat).Mul(big.NewRat(total, 1), new(big.Rat).Quo(weights[i], sum))
			fits = fits && quota.Cmp(big.NewRat(s[i].pool(), 1)) <= 0
			for j, k := range dumbApportion(rows, s[i].Pool) {
				unique = unique && k <= s[i].Rows[j]
			}
		}
		if fits {
			smallestPool = total
		}
		if unique {
			noRepeat = total
		}
	}
	return smallestPool, noRepeat
}

func TestTotalsAgreeWithTryingEvery(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for n := range 300 {
		shape := randomShape(random, n%2 == 0)
		// No total is larger in which each of the at most 4·4·6 rows appears once, nor one that no pool falls short of.
		smallest, unique := dumbTotals(shape, max(100, shape.SmallestPool()+1))
		if got := shape.SmallestPool(); got != smallest {
			t.Fatalf("%+v: SmallestPool = %d, want %d", shape, got, smallest)
		}
		if got := shape.NoRepeat(); got != unique {
			t.Fatalf("%+v: NoRepeat = %d, want %d", shape, got, unique)
		}
	}
}

// The data set that limits is one that has too few rows for one row more in all.
func TestLimitNamesTheDataSetInTheWay(t *testing.T) {
	random := rand.New(rand.NewPCG(25, 26))
	for n := range 1_000 {
		shape, times := randomShape(random, n%2 == 0), 1+random.Int64N(5)
		total, i, j := shape.Limit(times)
		if total < 1 {
			t.Fatalf("%+v: the largest total with each row up to %d times is %d", shape, times, total)
		}
		if more := dumbAllot(shape, total+1); more[i][j] <= times*shape[i].Rows[j] {
			t.Fatalf("%+v: of %d rows, %v, data set %d of domain %d repeats none more than %d times", shape, total+1, more, j, i, times)
		}
	}
}

// The derivation of sure and reach, tried: the largest total of which an entry gets n rows at most lies between the two, and
// up to sure every total is one.
func TestSureAndReachEnclose(t *testing.T) {
	random := rand.New(rand.NewPCG(27, 28))
	for range 2_000 {
		counts := make([]int64, 1+random.IntN(5))
		for i := range counts {
			counts[i] = random.Int64N(9)
		}
		i, n := random.IntN(len(counts)), random.Int64N(8)
		counts[i]++
		r := countRatio(counts)
		sure, reach := r.sure(i, n), r.reach(i, n)
		most := int64(-1)
		for total := range reach + 2*sum(counts) {
			if dumbApportion(total, counts)[i] <= n {
				most = total
			} else if total <= sure {
				t.Fatalf("%v: of %d rows, entry %d gets more than %d; sure is %d", counts, total, i, n, sure)
			}
		}
		if most < sure || most > reach {
			t.Fatalf("%v: entry %d gets at most %d of up to %d rows, outside of %d to %d", counts, i, n, most, sure, reach)
		}
		if r.entries <= 2 && reach-sure > 1 {
			t.Fatalf("%v: two entries leave %d to %d to be tried", counts, sure, reach)
		}
	}
}

func TestRatioAgreesWithTheDumbOne(t *testing.T) {
	random := rand.New(rand.NewPCG(29, 30))
	for range 5_000 {
		weights := make([]*big.Rat, 1+random.IntN(6))
		for i := range weights {
			weights[i] = big.NewRat(random.Int64N(1<<random.IntN(62)), 1+random.Int64N(1<<random.IntN(62)))
		}
		weights[0].Add(weights[0], big.NewRat(1, 3))
		total := random.Int64N(1 << random.IntN(63))
		r := newRatio(weights)
		got, want := r.apportion(total), dumbApportionBy(total, weights)
		if !slices.Equal(got, want) {
			t.Fatalf("%d by %v = %v, want %v", total, weights, got, want)
		}
		r.small = nil // where both ways can be gone, they meet
		if got := r.apportion(total); !slices.Equal(got, want) {
			t.Fatalf("%d by %v = %v in large integers, want %v", total, weights, got, want)
		}
	}
}

func TestIntegers(t *testing.T) {
	rat := big.NewRat
	for _, c := range []struct {
		weights []*big.Rat
		want    string
	}{
		{[]*big.Rat{rat(2, 5), rat(3, 10), rat(3, 10)}, "[4 3 3]"},
		{[]*big.Rat{rat(40, 1), rat(30, 1)}, "[4 3]"},
		{[]*big.Rat{rat(0, 1), rat(1, 7)}, "[0 1]"},
		{[]*big.Rat{rat(0, 1), rat(0, 3)}, "[0 0]"},
		{nil, "[]"},
	} {
		if got := fmt.Sprint(Integers(c.weights)); got != c.want {
			t.Errorf("Integers(%v) = %s, want %s", c.weights, got, c.want)
		}
	}
}

// 10^10 rows of up to 10^5 units, and shares from 1 to 999,999 parts: nothing overflows, and all is exact.
func TestTotalsOfLargeNumbers(t *testing.T) {
	const rows, units = 10_000_000_019, 10_000_000_019 * 99_991
	shape := Shape{
		{Share: 1, Rows: []int64{rows, rows - 7}, Units: []int64{units, units - 13}, Pool: []int64{rows, rows}},
		{Share: 999_998, Rows: []int64{rows - 1, 3}, Units: []int64{rows - 1, 3}, Pool: []int64{rows - 1, rows - 1}},
		{Share: 1, Rows: []int64{rows}, Units: []int64{units}, Pool: []int64{rows}},
	}
	shape[1].Pool = Proportional(shape[1].Rows, []int64{1, 2}, shape[1].Units)
	for _, total := range []int64{1, 160_107, shape.KeepTotal(), math.MaxInt64} {
		if got, want := shape.Allot(total), dumbAllotLarge(shape, total); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d rows are allotted %v, want %v", total, got, want)
		}
	}
	total, i, j := shape.Limit(1)
	if i != 1 || j != 1 || total < 1 || shape.Allot(total)[1][1] > 3 || shape.Allot(total + 1)[1][1] <= 3 {
		t.Errorf("the limit is %d, set by data set %d of domain %d: %v", total, j, i, shape.Allot(total+1))
	}
	if total, i, j := shape.Limit(math.MaxInt64); total < math.MaxInt64-1 || i != -1 || j != -1 {
		t.Errorf("without a limit, the limit is %d", total)
	}
	if got := shape.SmallestPool(); got <= rows {
		t.Errorf("SmallestPool = %d", got)
	}
}

// dumbAllotLarge does what dumbAllot does, with the pool's units multiplied instead of laid out.
func dumbAllotLarge(s Shape, total int64) [][]int64 {
	weights, out := make([]*big.Rat, len(s)), make([][]int64, len(s))
	for i, d := range s {
		units, rows := new(big.Rat), new(big.Rat)
		for j, n := range d.Pool {
			units.Add(units, new(big.Rat).Mul(big.NewRat(n, d.Rows[j]), big.NewRat(d.Units[j], 1)))
			rows.Add(rows, big.NewRat(n, 1))
		}
		weights[i] = new(big.Rat).Quo(new(big.Rat).Mul(big.NewRat(d.Share, 1), rows), units)
	}
	for i, rows := range dumbApportionBy(total, weights) {
		out[i] = dumbApportion(rows, s[i].Pool)
	}
	return out
}

// A pool that is too large for an integer is as large as one can be, and keeps its ratio.
func TestProportionalOfLargeNumbers(t *testing.T) {
	pool := Proportional([]int64{10_000_000_000, 1}, []int64{1, 999_999}, []int64{1_000_000_000_000_000, 1})
	if got := sum(pool); got != math.MaxInt64 {
		t.Errorf("the pool has %d rows", got)
	}
	if pool[0] != math.MaxInt64/99_999_900_001 && pool[0] != math.MaxInt64/99_999_900_001+1 {
		t.Errorf("%v is not in the ratio of 1 to 99,999,900,000", pool)
	}
}

// The search is bounded even where one share is next to nothing; the total that it falls back to is right.
func TestTheSearchOfALimitEnds(t *testing.T) {
	shape := Shape{
		{Share: 1, Rows: []int64{1}, Units: []int64{100_000}, Pool: []int64{1}},
		{Share: 1_000_000, Rows: []int64{1e13}, Units: []int64{1e13}, Pool: []int64{1e13}},
		{Share: 999_999, Rows: []int64{1e13}, Units: []int64{1e13}, Pool: []int64{1e13}},
	}
	total, i, j := shape.Limit(1)
	if i != 0 || j != 0 || total < 1e11 || shape.Allot(total)[0][0] > 1 {
		t.Errorf("the limit is %d, set by data set %d of domain %d", total, j, i)
	}
}

func TestUnitsThatAreNotThere(t *testing.T) {
	defer func() {
		if recover() != any("mix: a domain's rows have no units to measure its share in") {
			t.Error("a domain whose rows have no units did not panic for that reason")
		}
	}()
	Shape{{Share: 1, Rows: []int64{3}, Units: []int64{0}, Pool: []int64{3}}}.Allot(3)
}

func TestTotalsOfNothing(t *testing.T) {
	empty := Shape{{Share: 1, Rows: []int64{0}, Pool: []int64{0}}}
	if total, i, j := empty.Limit(1); total != 0 || i != -1 || j != -1 {
		t.Errorf("an empty shape has the limit %d by %d, %d", total, i, j)
	}
	if empty.NoRepeat() != 0 || empty.SmallestPool() != 0 || empty.KeepTotal() != 0 {
		t.Errorf("an empty shape has rows: %d, %d, %d", empty.NoRepeat(), empty.SmallestPool(), empty.KeepTotal())
	}
	if got := empty.Allot(5); !slices.Equal(got[0], []int64{0}) {
		t.Errorf("Allot without a pool = %v", got)
	}
}

// TestEntriesAreThoseAboveZero: an entry of nothing is rounded to nothing, so it widens no bound.
func TestEntriesAreThoseAboveZero(t *testing.T) {
	if got := countRatio([]int64{0, 3, 0, 4}).entries; got != 2 {
		t.Errorf("%d entries, want 2", got)
	}
}

// TestWhatHasNothingBoundsNothing: a domain of no share and a data set of no row limit no total.
func TestWhatHasNothingBoundsNothing(t *testing.T) {
	shape := Shape{{Share: 0, Rows: []int64{1}, Pool: []int64{1}}, {Share: 1, Rows: []int64{7, 0}, Pool: []int64{7, 0}}}
	if total := shape.SmallestPool(); total != 7 {
		t.Errorf("the smallest pool is %d, want 7", total)
	}
	if total, i, j := shape.Limit(1); total != 7 || i != 1 || j != 0 {
		t.Errorf("the limit is %d, set by data set %d of domain %d; want 7 by the first of the second", total, j, i)
	}
}

// TestRoom: a product that just fits is the product, and one that does not is the largest integer.
func TestRoom(t *testing.T) {
	const half = math.MaxInt64 / 2
	for rows, want := range map[int64]int64{3: 6, half: math.MaxInt64 - 1, half + 1: math.MaxInt64} {
		if got := (Domain{Rows: []int64{rows}}).room(0, 2); got != want {
			t.Errorf("%d rows, each twice: room for %d, want %d", rows, got, want)
		}
	}
}

// TestTries: where a try divides large integers, there are fewer.
func TestTries(t *testing.T) {
	if few, many := countRatio([]int64{math.MaxInt64, math.MaxInt64}).tries(), countRatio([]int64{1, 2}).tries(); few >= many {
		t.Errorf("%d tries with large integers, %d without", few, many)
	}
}
