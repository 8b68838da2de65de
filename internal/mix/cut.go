package mix

import "fmt"

// Cutter divides rows that stand in a fixed order, grouped, among splits: consecutive ranges of the order, of the lengths
// that Apportion gives, moved so that no group is cut. A group goes to the split that its middle row (the earlier of two)
// falls into, so a split differs from its target by at most half a group at either end.
//
// The groups come one after another and only their sizes are needed, so it holds a few numbers whatever the number of rows.
// That number has to be known before: where the borders lie depends on it.
type Cutter struct {
	targets []int64
	rows    int64 // of all groups
	first   int64 // row of the next group
	split   int   // of the last group
	end     int64 // of that split: the first row that is a later one's
}

// NewCutter begins to divide so many rows by the shares of the splits. It panics where Apportion does.
func NewCutter(rows int64, shares []int64) *Cutter {
	c := &Cutter{targets: Apportion(rows, shares), rows: rows}
	if len(c.targets) > 0 {
		c.end = c.targets[0]
	}
	return c
}

// Place returns the split of the next group of the order, which has so many rows. The splits of one group after another never
// fall. It panics when the group has no row, or more than are left.
func (c *Cutter) Place(size int64) int {
	if size < 1 || size > c.rows-c.first {
		panic(fmt.Sprintf("mix: a group of %d rows at row %d of %d", size, c.first, c.rows))
	}
	middle := c.first + (size-1)/2
	for middle >= c.end { // ends, because the targets sum to rows and the middle is one of them
		c.split++
		c.end += c.targets[c.split]
	}
	c.first += size
	return c.split
}

// Cut returns a Cutter over groups that are all there: groups holds the number of rows of each group in the order, the result for
// every split how many groups are its.
func Cut(groups []int64, shares []int64) []int {
	cutter := NewCutter(sum(groups), shares)
	counts := make([]int, len(shares))
	for _, size := range groups {
		counts[cutter.Place(size)]++
	}
	return counts
}
