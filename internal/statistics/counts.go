package statistics

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/bits"
	"slices"
	"strings"
)

// Values below denseValues are counted in a list, whose length begins with firstDense and doubles. Larger values are rare, and counted in a map.
const (
	firstDense  = 64
	denseValues = 4096
)

// Counts counts how often each non-negative integer was added. It does not depend on the order of the values, and several Counts can be merged into one.
// The zero value is empty.
type Counts struct {
	dense []int64
	large map[int64]int64
}

// Add counts a value.
func (c *Counts) Add(value int64) { c.add(value, 1) }

func (c *Counts) add(value, times int64) {
	if value < int64(len(c.dense)) {
		c.dense[value] += times
		return
	}
	if value < denseValues {
		size := max(len(c.dense), firstDense)
		for int64(size) <= value {
			size *= 2
		}
		c.dense = append(c.dense, make([]int64, size-len(c.dense))...)
		c.dense[value] += times
		return
	}
	if c.large == nil {
		c.large = map[int64]int64{}
	}
	c.large[value] += times
}

// Merge adds other counts.
func (c *Counts) Merge(other *Counts) {
	for _, v := range other.values() {
		c.add(v.value, v.times)
	}
}

// subtract removes other counts, which must be a part of these.
func (c *Counts) subtract(other *Counts) {
	for _, v := range other.values() {
		c.add(v.value, -v.times)
	}
}

// counted is a value, and how often it was added.
type counted struct{ value, times int64 }

// values returns the values that were added, in ascending order.
func (c *Counts) values() []counted {
	var out []counted
	for value, times := range c.dense {
		if times != 0 {
			out = append(out, counted{int64(value), times})
		}
	}
	for _, value := range slices.Sorted(maps.Keys(c.large)) {
		if times := c.large[value]; times != 0 {
			out = append(out, counted{value, times})
		}
	}
	return out
}

// MarshalJSON writes a list: each value, in ascending order, followed by how often it was added.
func (c Counts) MarshalJSON() ([]byte, error) {
	flat := []int64{}
	for _, v := range c.values() {
		flat = append(flat, v.value, v.times)
	}
	return json.Marshal(flat)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Counts) UnmarshalJSON(encoded []byte) error {
	var flat []int64
	if err := json.Unmarshal(encoded, &flat); err != nil {
		return err
	}
	*c = Counts{}
	for pair := range slices.Chunk(flat, 2) {
		if len(pair) != 2 || pair[0] < 0 || pair[1] < 0 {
			return fmt.Errorf("a list of counts has %v where a value and how often it was seen belong", pair)
		}
		c.add(pair[0], pair[1])
	}
	return nil
}

// Bins is the number of bins of a Histogram, the same as in Data Studio.
const Bins = 10

// decimals is the number of decimals of a fraction.
const decimals = 5

// Summary returns the statistics of the values that were added.
func (c *Counts) Summary() Numbers {
	values := c.values()
	s := Numbers{Missing: Missing{Proportion: proportion(0, 1)}}
	sum, squares := new(big.Int), new(big.Int)
	var rows int64
	for _, v := range values {
		times, value := big.NewInt(v.times), big.NewInt(v.value)
		product := new(big.Int).Mul(times, value)
		sum.Add(sum, product)
		squares.Add(squares, product.Mul(product, value))
		rows += v.times
	}
	s.Sum = json.Number(sum.String())
	if rows == 0 {
		return s
	}
	least, greatest := values[0].value, values[len(values)-1].value
	s.Min, s.Max = &least, &greatest
	s.Mean = fraction(new(big.Rat).SetFrac(sum, big.NewInt(rows)))
	s.Median = median(values, rows)
	s.Deviation = deviation(sum, squares, rows)
	s.Histogram = histogram(values, least, greatest)
	s.Powers = powers(values)
	return s
}

// fraction returns a fraction in decimals.
func fraction(f *big.Rat) *json.Number { return trimmed(f.FloatString(decimals)) }

// trimmed returns a number with at least one decimal and no further trailing zeros.
func trimmed(text string) *json.Number {
	text = strings.TrimRight(text, "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	n := json.Number(text)
	return &n
}

// proportion returns part divided by whole; 0.0 if both are 0.
func proportion(part, whole int64) json.Number {
	return *fraction(big.NewRat(part, max(whole, 1)))
}

// median returns the value in the middle, or the mean of the two values in the middle.
func median(values []counted, rows int64) *json.Number {
	at := func(place int64) int64 {
		for _, v := range values {
			if place -= v.times; place < 0 {
				return v.value
			}
		}
		return 0
	}
	return fraction(big.NewRat(at((rows-1)/2)+at(rows/2), 2))
}

// deviation returns the standard deviation of a sample, √((n·Σx² − (Σx)²) / (n·(n−1))); nil for a single value.
func deviation(sum, squares *big.Int, rows int64) *json.Number {
	if rows < 2 {
		return nil
	}
	n := big.NewInt(rows)
	over := new(big.Int).Sub(new(big.Int).Mul(n, squares), new(big.Int).Mul(sum, sum))
	under := new(big.Int).Mul(n, big.NewInt(rows-1))
	const precision = 256
	ratio := new(big.Float).SetPrec(precision).SetRat(new(big.Rat).SetFrac(over, under))
	return trimmed(ratio.Sqrt(ratio).Text('f', decimals))
}

// histogram returns bins of equal integer width; the last edge is the greatest value.
func histogram(values []counted, least, greatest int64) *Histogram {
	width := (greatest-least)/Bins + 1
	h := &Histogram{}
	for edge := least; edge <= greatest; edge += width {
		h.Edges = append(h.Edges, edge)
	}
	h.Edges = append(h.Edges, greatest)
	h.Counts = make([]int64, len(h.Edges)-1)
	for _, v := range values {
		h.Counts[(v.value-least)/width] += v.times
	}
	return h
}

// powers returns the number of zeros in bin 0, and in bin b the number of values from 2^(b−1) to below 2^b.
func powers(values []counted) []int64 {
	var bins []int64
	for _, v := range values {
		for b := bits.Len64(uint64(v.value)); len(bins) <= b; {
			bins = append(bins, 0)
		}
		bins[bits.Len64(uint64(v.value))] += v.times
	}
	return bins
}
