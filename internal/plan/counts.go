package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Count is what one data set has per split, in the order of declaration.
type Count struct {
	Rows []int64
	// Units are the bytes or tokens of those rows; nil where shares are measured in rows.
	Units []int64
	// Before is how the rows were divided before any was dropped, for the message of a failure; nil while no data has been read.
	Before *Grouping
}

// Grouping is how the rows of a data set are divided among the splits.
type Grouping struct {
	// Rows per split.
	Rows []int64
	// Groups is the number of groups of rows that stay in one split, and LargestGroup the rows of the largest; 0 means not known.
	Groups, LargestGroup int64
}

// Counts holds the count of every data set by name: all that a plan is made from.
type Counts map[string]Count

// SplitCounts returns what the splits make of data sets with so many rows each, as long as no group of rows is cut and no
// question is in two splits: the counts of a plan that is made before any data is there. units are the bytes or tokens of
// the data sets where shares are measured in them, else nil; every row of a data set is taken to have as many.
func SplitCounts(r recipe.Recipe, rows, units map[string]int64) (Counts, error) {
	if err := eachDataset(r, "number of rows", rows); err != nil {
		return nil, err
	}
	if r.Measured() {
		if units == nil {
			return nil, fmt.Errorf("shares are measured in %s, so the %s of every data set are needed as well", r.Unit, r.Unit.Name())
		}
		if err := eachDataset(r, "number of "+r.Unit.Name(), units); err != nil {
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
				return nil, fmt.Errorf("data set %s cannot have %d %s in no row", name, units[name], r.Unit.Name())
			}
			count.Units = mix.Apportion(units[name], count.Rows)
		}
		counts[name] = count
	}
	return counts, nil
}

// eachDataset checks that numbers name every data set and nothing else.
func eachDataset(r recipe.Recipe, what string, numbers map[string]int64) error {
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
