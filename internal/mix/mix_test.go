package mix

import (
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// dumbApportion returns the method of the largest remainder in rationals, one row at a time.
func dumbApportion(total int64, shares []int64) []int64 {
	weights := make([]*big.Rat, len(shares))
	for i, share := range shares {
		weights[i] = big.NewRat(share, 1)
	}
	return dumbApportionBy(total, weights)
}

func dumbApportionBy(total int64, weights []*big.Rat) []int64 {
	sum := new(big.Rat)
	for _, weight := range weights {
		sum.Add(sum, weight)
	}
	parts := make([]int64, len(weights))
	rests := make([]*big.Rat, len(weights))
	left := total
	for i, weight := range weights {
		quota := new(big.Rat).Mul(big.NewRat(total, 1), new(big.Rat).Quo(weight, sum))
		floor := new(big.Int).Quo(quota.Num(), quota.Denom())
		parts[i] = floor.Int64()
		rests[i] = new(big.Rat).Sub(quota, new(big.Rat).SetInt(floor))
		left -= parts[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i := range rests {
			if rests[i].Cmp(rests[best]) >= 0 {
				best = i
			}
		}
		parts[best]++
		rests[best] = big.NewRat(-1, 1)
	}
	return parts
}

func TestApportion(t *testing.T) {
	for _, c := range []struct {
		what   string
		total  int64
		shares []int64
		want   []int64
	}{
		{"gsm8k 5:1, an exact tie goes to the later split", 7473, []int64{5, 1}, []int64{6227, 1246}},
		{"math 5:1", 7500, []int64{5, 1}, []int64{6250, 1250}},
		{"squad2 5:1", 87599, []int64{5, 1}, []int64{72999, 14600}},
		{"hotpotqa 5:1", 88966, []int64{5, 1}, []int64{74138, 14828}},
		{"humaneval 5:1", 164, []int64{5, 1}, []int64{137, 27}},
		{"mbpp 5:1", 427, []int64{5, 1}, []int64{356, 71}},
		{"train 4:3:3, sorted code, math, qa", 160107, []int64{3, 4, 3}, []int64{48032, 64043, 48032}},
		{"test 4:3:3, the last of equals gets the row", 32022, []int64{3, 4, 3}, []int64{9606, 12809, 9607}},
		{"smallest pool 4:3:3", 2373, []int64{3, 4, 3}, []int64{712, 949, 712}},
		{"real rows, train", 24206, []int64{3, 4, 3}, []int64{7262, 9682, 7262}},
		{"real rows, test", 4841, []int64{3, 4, 3}, []int64{1452, 1937, 1452}},
		{"nothing", 0, []int64{1, 2}, []int64{0, 0}},
		{"nothing by shares of zero", 0, []int64{0, 0}, []int64{0, 0}},
		{"nothing by no shares", 0, nil, nil},
		{"a share of zero gets nothing", 10, []int64{0, 1}, []int64{0, 10}},
		{"more than 64 bits in between", 1 << 62, []int64{1 << 61, 1 << 61}, []int64{1 << 61, 1 << 61}},
	} {
		if got := Apportion(c.total, c.shares); !slices.Equal(got, c.want) {
			t.Errorf("%s: Apportion(%d, %v) = %v, want %v", c.what, c.total, c.shares, got, c.want)
		}
	}
}

func TestApportionAgreesWithTheDumbOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		shares := make([]int64, 1+random.IntN(8))
		for i := range shares {
			shares[i] = random.Int64N(1 << random.IntN(40))
		}
		shares[0]++
		total := random.Int64N(1 << random.IntN(50))
		got, want := Apportion(total, shares), dumbApportion(total, shares)
		if !slices.Equal(got, want) {
			t.Fatalf("Apportion(%d, %v) = %v, want %v", total, shares, got, want)
		}
		if sum(got) != total {
			t.Fatalf("Apportion(%d, %v) = %v sums to %d", total, shares, got, sum(got))
		}
	}
}

func TestApportionRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		total  int64
		shares []int64
	}{{-1, []int64{1}}, {1, []int64{0, 0}}, {1, []int64{2, -1}}, {1, nil}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Apportion(%d, %v) did not panic", c.total, c.shares)
				}
			}()
			Apportion(c.total, c.shares)
		}()
	}
}

// The vectors of the reference implementation: key 00 01 … 0f, message 00 01 … of the given length, result as bytes.
func TestSipHashVectors(t *testing.T) {
	var key, message [16]byte
	for i := range key {
		key[i], message[i] = byte(i), byte(i)
	}
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	for length, want := range map[int]string{
		0: "310e0edd47db6f72", 1: "fd67dc93c539f874", 2: "5a4fa9d909806c0d", 3: "2d7efbd796666785",
		15: "e545be4961ca29a1", // the worked example of the paper's appendix
	} {
		got := hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, sipHash(k0, k1, message[:length])))
		if got != want {
			t.Errorf("SipHash-2-4 of %d bytes = %s, want %s", length, got, want)
		}
	}
}

// Published orders may never change: these vectors are the promise.
func TestKeyVectors(t *testing.T) {
	for _, c := range []struct {
		seed           int64
		purpose, value string
		want           uint64
	}{
		{42, "split", "", 0xdee1a5a2baf15ad2}, {42, "split", "What is 2 + 2?", 0xd39c021a2482680e}, {-1, "order", "What is 2 + 2?", 0xdfb33715758b5158},
	} {
		if got := NewKey(c.seed, c.purpose).Of([]byte(c.value)); got != c.want {
			t.Errorf("key(%d, %s, %q) = %#016x, want %#016x", c.seed, c.purpose, c.value, got, c.want)
		}
	}
}

func TestKeysOfPurposesDiffer(t *testing.T) {
	seen := map[uint64]string{}
	for seed := int64(-50); seed < 50; seed++ {
		for _, purpose := range []string{"split", "order", "pass/1", "pass/11"} {
			place := NewKey(seed, purpose).Of([]byte("x"))
			if other, ok := seen[place]; ok {
				t.Fatalf("seed %d, %s has the place of %s", seed, purpose, other)
			}
			seen[place] = purpose
		}
	}
}

func TestBelowIsInRangeUniformAndRepeatable(t *testing.T) {
	key := NewKey(7, "draw")
	const n, draws = 6, 60_000
	counts := make([]int, n)
	for i := range uint64(draws) {
		draw := key.Below(n, i)
		if draw >= n {
			t.Fatalf("Below(%d) = %d", n, draw)
		}
		if again := key.Below(n, i); again != draw {
			t.Fatalf("Below at %d gave %d, then %d", i, draw, again)
		}
		counts[draw]++
	}
	// Chi-squared with 5 degrees of freedom exceeds 20.5 with probability 0.001; the key is fixed, so this cannot flake.
	var chi float64
	for _, count := range counts {
		d := float64(count) - draws/n
		chi += d * d / (draws / n)
	}
	if chi > 20.5 {
		t.Errorf("draws are not uniform: %v, chi-squared %.1f", counts, chi)
	}
	if got := key.Below(1, 0); got != 0 {
		t.Errorf("Below(1) = %d", got)
	}
	for i := range uint64(100) { // just above half of the range: nearly every second draw is rejected once
		if got := key.Below(1<<63+1, i); got > 1<<63 {
			t.Errorf("Below(2^63+1) = %d", got)
		}
	}
}
