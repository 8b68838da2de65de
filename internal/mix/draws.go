package mix

import "fmt"

// Draws says which row of a data set each of its occurrences in a mixed split is. Occurrences count from 0, over all shards
// of the split; rows are places in the data set's keyed order. Any occurrence is found at once, so a shard begins with its
// first one and nobody goes through those before.
type Draws struct {
	rows  int64
	drawn bool
	key   Key
}

// InPasses uses the rows in turn: occurrence o is row o mod rows of pass ⌊o/rows⌋. So no row is used more than once more
// often than another, and more occurrences extend fewer.
func InPasses(rows int64) Draws { return Draws{rows: rows} }

// WithReplacement returns the draws of a data set with so many occurrences. As long as it has as many rows, that is a sample: the
// first ones. Else every occurrence is drawn from all rows anew, occurrence o at position o of the key's stream; so again more
// occurrences extend fewer, as long as both are more than the rows. Some rows are then drawn often and some never: of n rows
// drawn n times, 37 % are missing.
func WithReplacement(rows, occurrences int64, key Key) Draws {
	return Draws{rows: rows, drawn: occurrences > rows, key: key}
}

// Drawn reports whether rows are drawn, so that only going through all occurrences tells how often each one appears.
func (d Draws) Drawn() bool { return d.drawn }

// At returns the row of an occurrence, and the pass whose order the row is a place in; a draw is of the first pass, 0. It panics
// when the data set has no row, or for an occurrence below 0.
func (d Draws) At(occurrence int64) (pass, row int64) {
	if d.rows < 1 || occurrence < 0 {
		panic(fmt.Sprintf("mix: occurrence %d of %d rows", occurrence, d.rows))
	}
	if d.drawn {
		return 0, int64(d.key.Below(uint64(d.rows), uint64(occurrence)))
	}
	return occurrence / d.rows, occurrence % d.rows
}
