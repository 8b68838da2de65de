package mix

import "fmt"

// Cutter divides rows in a fixed order, which are in groups, among splits: consecutive ranges of the order, of the lengths that Apportion returns,
// moved so that no group is cut. A group goes to the split that its middle row (the earlier of two)
// falls into, so a split differs from its target by at most half a group at either end.
//
// It needs only the sizes of the groups, one after another, so it holds a few numbers whatever the number of rows. The number of all rows must
// be known first, since the borders between splits depend on it.
type Cutter struct {
	targets []int64
	rows    int64 // of all groups
	first   int64 // row of the next group
	split   int   // of the last group
	end     int64 // the first row after that split
}

// NewCutter returns a Cutter of so many rows by the shares of the splits. It panics where Apportion does.
func NewCutter(rows int64, shares []int64) *Cutter {
	c := &Cutter{targets: Apportion(rows, shares), rows: rows}
	if len(c.targets) > 0 {
		c.end = c.targets[0]
	}
	return c
}

// Place returns the split of the next group of the order, which has so many rows. The split is never before that of the group before. Place
// panics when the group has no row, or more than are left.
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
