package mix

import "fmt"

// Span is a run of a data set's occurrences: those from Start up to, not including, End.
type Span struct{ Start, End int64 }

// Rows returns the number of occurrences.
func (s Span) Rows() int64 { return s.End - s.Start }

// Deal divides the rows of a mix among so many shards, as cards are dealt: the data sets' rows are laid one after another and
// row p goes to shard p mod shards. Every shard therefore gets the floor or the ceiling of n/shards of n consecutive rows. That holds for the rows
// of each data set, for those of each domain whose data sets are next to each other, and for all rows. Every row is dealt once.
//
// The result holds, for every shard and then every data set, which of the data set's occurrences are the shard's: the first
// of them are shard 0's, and so on. How many those are follows from the first position a of the data set and the one after
// its last, b: shard j is dealt ⌊(p+shards−1−j)/shards⌋ of the positions below p, and the number at b less the number at a is
// what it gets. A cell costs one addition to the cell of the shard before.
//
// It panics when there is no shard, or a count is negative.
func Deal(counts []int64, shards int) [][]Span {
	if shards < 1 {
		panic(fmt.Sprintf("mix: cannot deal to %d shards", shards))
	}
	dealt := make([][]Span, shards)
	for j := range dealt {
		dealt[j] = make([]Span, len(counts))
	}
	var position int64
	for i, count := range counts {
		if count < 0 {
			panic(fmt.Sprintf("mix: cannot deal %d rows", count))
		}
		var start int64
		for j := range dealt {
			end := start + dealtBelow(position+count, j, shards) - dealtBelow(position, j, shards)
			dealt[j][i] = Span{start, end}
			start = end
		}
		position += count
	}
	return dealt
}

// dealtBelow returns how many of the first positions go to shard j: those that are j modulo shards.
func dealtBelow(positions int64, j, shards int) int64 {
	return (positions + int64(shards-1-j)) / int64(shards)
}
