package mix

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the vectors anew")

// published are what any implementation of the package comes to; the Python package reads the same file.
type published struct {
	Keys        []keyVector   `json:"keys"`
	Draws       []drawVector  `json:"draws"`
	Integers    []ratioVector `json:"integers"`
	Interleaved []weaveVector `json:"interleaved"`
}

type keyVector struct {
	Seed    int64  `json:"seed"`
	Purpose string `json:"purpose"`
	Value   string `json:"value"` // hexadecimal
	Place   uint64 `json:"place,string"`
}

type drawVector struct {
	Seed     int64  `json:"seed"`
	Purpose  string `json:"purpose"`
	N        uint64 `json:"n,string"`
	Position uint64 `json:"position,string"`
	Drawn    uint64 `json:"drawn,string"`
}

type ratioVector struct {
	Weights  []string `json:"weights"`
	Integers []string `json:"integers"`
}

type weaveVector struct {
	Counts []int64 `json:"counts"`
	Order  []int   `json:"order"`
}

func computed() (v published) {
	for _, of := range []keyVector{
		{Seed: 42, Purpose: "split"}, {Seed: 0, Purpose: "order", Value: "00"}, {Seed: -1, Purpose: "pass/1", Value: "0102030405060708"},
		{Seed: 42, Purpose: "pass/12", Value: "000102030405060708090a0b0c0d0e0f"}, {Seed: 1 << 62, Purpose: "weave/train", Value: "ffffffffffffffffff"},
	} {
		value, err := hex.DecodeString(of.Value)
		if err != nil {
			panic(err)
		}
		of.Place = NewKey(of.Seed, of.Purpose).Of(value)
		v.Keys = append(v.Keys, of)
	}
	for position := range uint64(8) {
		for _, n := range []uint64{1, 3, 6250, 1<<63 + 1, 1<<64 - 1} { // of the last but one nearly half the draws are rejected
			v.Draws = append(v.Draws, drawVector{42, "replace/train", n, position, NewKey(42, "replace/train").Below(n, position)})
		}
	}
	for _, weights := range [][]string{{"4", "3", "3"}, {"2/5", "3/10", "3/10"}, {"1/3", "1/7", "0"}, {"40", "0", "8"}, {"1/10000000000", "1"}} {
		rats := make([]*big.Rat, len(weights))
		for i, weight := range weights {
			rats[i], _ = new(big.Rat).SetString(weight)
		}
		of := ratioVector{Weights: weights}
		for _, integer := range Integers(rats) {
			of.Integers = append(of.Integers, integer.String())
		}
		v.Integers = append(v.Integers, of)
	}
	for _, counts := range [][]int64{{5}, {4, 3, 3}, {1, 1}, {0, 2, 0, 7}, {1, 2, 3, 4, 5, 6}, {13, 1, 1, 1}, {9, 31, 7, 4, 2}} {
		v.Interleaved = append(v.Interleaved, weaveVector{counts, slices.Collect(Interleaved(counts))})
	}
	return v
}

// TestVectors: these numbers stay, and the Python package comes to them, too.
func TestVectors(t *testing.T) {
	const name = "testdata/vectors.json"
	want := computed()
	if *update {
		content, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(content, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var written published
	if err := json.Unmarshal(content, &written); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written, want); diff != "" {
		t.Errorf("the vectors (-written +computed):\n%s", diff)
	}
}
