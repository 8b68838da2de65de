package mix

import "fmt"

// Draws maps each occurrence of a data set in a mixed split to a row of the data set. Occurrences count from 0, over all shards of the split;
// rows are places in the data set's keyed order. The row of any occurrence is found directly, so a shard begins with its own first occurrence.
type Draws struct {
	rows  int64
	drawn bool
	key   Key
}

// InPasses returns draws that use the rows in turn: occurrence o is row o mod rows of pass ⌊o/rows⌋. No row is used more than once more often
// than another, and the draws of fewer occurrences are the beginning of those of more.
func InPasses(rows int64) Draws { return Draws{rows: rows} }

// WithReplacement returns the draws of a data set with so many occurrences. If it has as many rows, they are its first rows. Else each occurrence
// is drawn from all rows, occurrence o at position o of the key's stream. Therefore, where both are more than the rows, the draws of fewer
// occurrences are the beginning of those of more. Some rows are drawn often and some never: of n rows drawn n times, 37 % are missing.
func WithReplacement(rows, occurrences int64, key Key) Draws {
	return Draws{rows: rows, drawn: occurrences > rows, key: key}
}

// Drawn reports whether rows are drawn, so that how often each row appears is known only once all occurrences are drawn.
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
