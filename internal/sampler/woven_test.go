package sampler

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/datasetmix/datasetmix/internal/mix"
)

// three returns sequences of three files, and the order that asks for n rows of them.
func three(t *testing.T, n int) (Sequences, []int) {
	t.Helper()
	var all Sequences
	for _, rows := range []int{1, 9, 70} {
		all = append(all, write(t, rows).sequence(t, mix.InPasses(int64(rows)), 0, 1<<20))
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i * i % 7 % 3
	}
	return all, order
}

// A woven file is what its sequences give, one row after the other, however much of it is read ahead.
func TestWovenAgainstASimpleLoop(t *testing.T) {
	for _, n := range []int{0, 1, 100, 40_000} { // the last are more bytes than all batches hold
		simple, order := three(t, n)
		ahead, _ := three(t, n)
		woven := Weave(ahead, slices.Values(order))
		for i, dataset := range order {
			want, err := simple[dataset].Next()
			if err != nil {
				t.Fatal(err)
			}
			at, got, more, err := woven.Next()
			if err != nil || !more || at != dataset || got.Units != want.Units || !bytes.Equal(got.Line, want.Line) {
				t.Fatalf("row %d of %d is %s of data set %d (%v, %v), want %s of %d", i, n, got.Line, at, more, err, want.Line, dataset)
			}
		}
		for range 2 {
			if _, row, more, err := woven.Next(); more || err != nil {
				t.Errorf("after %d rows there is %s, %v", n, row.Line, err)
			}
		}
		woven.Close()
	}
}

func TestWovenIsClosedEarly(t *testing.T) {
	for _, read := range []int{0, 1, 5_000} {
		sequences, order := three(t, 40_000)
		woven := Weave(sequences, slices.Values(order))
		for range read {
			if _, _, more, err := woven.Next(); !more || err != nil {
				t.Fatal(more, err)
			}
		}
		woven.Close()
		if _, err := sequences[0].Next(); err != nil {
			t.Errorf("after %d rows the sequences are of no use: %v", read, err)
		}
	}
}

// The rows before a damaged place are given, and then the error, as often as it is asked for.
func TestWovenOfADamagedFile(t *testing.T) {
	f := write(t, 20)
	if err := os.Truncate(f.path.String(), 100); err != nil {
		t.Fatal(err)
	}
	sequences := Sequences{f.sequence(t, mix.InPasses(20), 0, 0)}
	woven := Weave(sequences, slices.Values(make([]int, 20)))
	defer woven.Close()
	given := 0
	for {
		_, row, more, err := woven.Next()
		if err != nil {
			break
		}
		if !more || string(row.Line) != f.lines[given] {
			t.Fatalf("row %d is %s, %v", given, row.Line, more)
		}
		given++
	}
	if given == 0 || given == 20 {
		t.Errorf("%d rows were given", given)
	}
	if _, _, _, err := woven.Next(); err == nil {
		t.Error("the error is gone")
	}
}
