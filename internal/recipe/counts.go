package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/mix"
)

// Count is what one data set has per split, in the order of declaration.
type Count struct {
	Rows []int64
	// Units are the bytes or tokens of those rows; nil where shares are measured in rows.
	Units []int64
	// Divided is what the split stage made of the data set, for the words of a failure; nil where no data is there yet.
	Divided *Divided
}

// Counts holds the count of every data set by name: all that a plan is made from.
type Counts map[string]Count

// Counts are what every data set has left per split, once the rows that may not stay are dropped. The units are those that the
// balance stage counted of the rows left, or of the split stage where balance has not counted.
func (r Recipe) Counts(divided map[string]Divided, balanced Balanced) Counts {
	counts := Counts{}
	for i, name := range r.DatasetNames() {
		of := divided[name]
		count := Count{Rows: append([]int64(nil), of.Rows...), Divided: &of}
		for s := range count.Rows {
			count.Rows[s] -= balanced.Dropped(s, i)
		}
		if r.Measured() {
			count.Units = append([]int64(nil), divided[name].Units...)
		}
		if r.Measured() && balanced.Units != nil {
			count.Units = make([]int64, len(balanced.Units))
			for s, units := range balanced.Units {
				count.Units[s] = units[i]
			}
		}
		counts[name] = count
	}
	return counts
}

// unitName is what shares are measured in, for a sentence.
func (r Recipe) unitName() string { return strings.ToLower(string(r.Unit)) }

// SplitCounts is what the splits make of data sets with so many rows each, as long as no group of rows is cut and no
// question stands in two splits: the counts of a plan that is made before any data is there. units are the bytes or tokens of
// the data sets where shares are measured in them, else nil; every row of a data set is taken to have as many.
func (r Recipe) SplitCounts(rows, units map[string]int64) (Counts, error) {
	if err := r.eachDataset("number of rows", rows); err != nil {
		return nil, err
	}
	if r.Measured() {
		if units == nil {
			return nil, fmt.Errorf("shares are measured in %s, so the %s of every data set are needed as well", r.Unit, r.unitName())
		}
		if err := r.eachDataset("number of "+r.unitName(), units); err != nil {
			return nil, err
		}
	}
	shares := make([]int64, len(r.Splits))
	for i, split := range r.Splits {
		shares[i] = split.Share
	}
	counts := Counts{}
	for _, name := range r.DatasetNames() {
		count := Count{Rows: mix.Apportion(rows[name], shares)}
		if r.Measured() {
			if rows[name] == 0 && units[name] > 0 {
				return nil, fmt.Errorf("data set %s cannot have %d %s in no row", name, units[name], r.unitName())
			}
			count.Units = mix.Apportion(units[name], count.Rows)
		}
		counts[name] = count
	}
	return counts, nil
}

// eachDataset checks that numbers name every data set and nothing else.
func (r Recipe) eachDataset(what string, numbers map[string]int64) error {
	names := r.DatasetNames()
	for _, name := range names {
		n, ok := numbers[name]
		if !ok {
			return fmt.Errorf("the %s of data set %s is missing; the data sets are %s", what, name, strings.Join(names, ", "))
		}
		if n < 0 {
			return fmt.Errorf("the %s of data set %s cannot be %d", what, name, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if _, ok := slices.BinarySearch(names, name); !ok {
			return fmt.Errorf("there is no data set %s; the data sets are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}
