package recipe

import (
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestNormalizeShares(t *testing.T) {
	rats := func(texts ...string) []*big.Rat {
		var out []*big.Rat
		for _, text := range texts {
			r, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatalf("%q is no number", text)
			}
			out = append(out, r)
		}
		return out
	}
	for _, c := range []struct {
		shares []*big.Rat
		want   []int64
		err    string
	}{
		{rats("4", "3", "3"), []int64{4, 3, 3}, ""},
		{rats("0.4", "0.3", "0.3"), []int64{4, 3, 3}, ""},
		{rats("40", "30", "30"), []int64{4, 3, 3}, ""},
		{rats("0.5", "0.25", "0.125"), []int64{4, 2, 1}, ""},
		{rats("7"), []int64{1}, ""},
		{rats("1", "0"), nil, "above zero"},
		{rats("1", "-1"), nil, "above zero"},
		{rats("0.333333333", "0.666666667"), nil, "round them"},
		{rats("1e30", "1"), nil, "round them"},
	} {
		got, err := NormalizeShares(c.shares)
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("NormalizeShares(%v): error %v, want %q", c.shares, err, c.err)
		}
		if c.err == "" && (err != nil || !slices.Equal(got, c.want)) {
			t.Errorf("NormalizeShares(%v) = %v, %v; want %v", c.shares, got, err, c.want)
		}
	}
}
