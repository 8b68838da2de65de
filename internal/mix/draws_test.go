package mix

import (
	"math"
	"slices"
	"testing"
)

// use returns the rows of the first occurrences, and how often each row is among them.
func use(d Draws, rows, occurrences int64) (order, times []int64) {
	times = make([]int64, rows)
	for o := range occurrences {
		_, row := d.At(o)
		order = append(order, row)
		times[row]++
	}
	return order, times
}

func TestPasses(t *testing.T) {
	d := InPasses(3)
	for o, want := range [][2]int64{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}} {
		if pass, row := d.At(int64(o)); pass != want[0] || row != want[1] {
			t.Errorf("occurrence %d is row %d of pass %d, want row %d of pass %d", o, row, pass, want[1], want[0])
		}
	}
	if d.Drawn() {
		t.Error("passes are drawn")
	}
}

func TestPassesUseEveryRowAlike(t *testing.T) {
	for rows := int64(1); rows <= 7; rows++ {
		for occurrences := range int64(30) {
			_, times := use(InPasses(rows), rows, occurrences)
			if slices.Max(times)-slices.Min(times) > 1 || sum(times) != occurrences || slices.Max(times) != (occurrences+rows-1)/rows {
				t.Fatalf("%d occurrences of %d rows use them %v times", occurrences, rows, times)
			}
		}
	}
}

func TestReplacementIsASampleWhereTheRowsSuffice(t *testing.T) {
	for occurrences := range int64(6) {
		d := WithReplacement(5, occurrences, NewKey(42, "replace/train"))
		if order, _ := use(d, 5, occurrences); d.Drawn() || !slices.Equal(order, []int64{0, 1, 2, 3, 4}[:occurrences]) {
			t.Errorf("%d of 5 rows are %v", occurrences, order)
		}
	}
}

func TestMoreOccurrencesExtendFewer(t *testing.T) {
	key := NewKey(42, "replace/train")
	for rows := int64(1); rows <= 20; rows++ {
		before := []int64{}
		for occurrences := rows + 1; occurrences < 60; occurrences++ {
			order, _ := use(WithReplacement(rows, occurrences, key), rows, occurrences)
			if !slices.Equal(order[:len(before)], before) {
				t.Fatalf("%d occurrences of %d rows, %v, do not begin with %v", occurrences, rows, order, before)
			}
			before = order
		}
	}
}

// Every row is as likely at every occurrence: chi-squared with 6 degrees of freedom exceeds 22.5 with probability 0.001. The
// keys are fixed, so this cannot flake.
func TestReplacementIsUniform(t *testing.T) {
	const rows, keys = 7, 14_000
	for _, occurrence := range []int64{0, 1, 9} {
		times := make([]float64, rows)
		for seed := range int64(keys) {
			_, row := WithReplacement(rows, 10, NewKey(seed, "replace/train")).At(occurrence)
			times[row]++
		}
		var chi float64
		for _, n := range times {
			chi += (n - keys/rows) * (n - keys/rows) / (keys / rows)
		}
		if chi > 22.5 {
			t.Errorf("occurrence %d: rows come %v times, chi-squared %.1f", occurrence, times, chi)
		}
	}
}

// Python's random.choices: 6,227 rows drawn 6,250 times lose e^-1.0037 of them, 2,282, give or take 25.
func TestReplacementLosesAThirdOfTheRows(t *testing.T) {
	_, times := use(WithReplacement(6227, 6250, NewKey(42, "replace/train")), 6227, 6250)
	lost := 0
	for _, n := range times {
		if n == 0 {
			lost++
		}
	}
	if want := 6227 * math.Exp(-6250.0/6227); math.Abs(float64(lost)-want) > 4*25 {
		t.Errorf("%d rows are never drawn, expected about %.0f", lost, want)
	}
}

// Published draws may never change.
func TestDrawVectors(t *testing.T) {
	order, _ := use(WithReplacement(137, 356, NewKey(42, "replace/train")), 137, 6)
	if want := []int64{93, 120, 69, 126, 125, 82}; !slices.Equal(order, want) {
		t.Errorf("the first draws of 137 rows are %v, want %v", order, want)
	}
}

func TestDrawsRefuseWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		d          Draws
		occurrence int64
	}{{InPasses(0), 0}, {InPasses(3), -1}, {WithReplacement(0, 1, Key{}), 0}, {WithReplacement(2, 3, Key{}), -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("occurrence %d of %+v did not panic", c.occurrence, c.d)
				}
			}()
			c.d.At(c.occurrence)
		}()
	}
}
