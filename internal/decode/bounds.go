package decode

import (
	"errors"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// What a row may bring into memory. A value takes up to about a hundred bytes there, so that a list of numbers needs thirty times
// the memory of its text; a text is held in about five forms on its way to the volume.
const (
	// maxValues is how many values the wanted fields of a row may have, those in lists and objects and the names of objects
	// included; and how many columns a table.
	maxValues = 1 << 20
	// maxNames is how many names the objects that are open at once may have, wanted or not: they are compared with each other.
	maxNames = 1 << 18
	// maxKept is the longest that the wanted fields of a row may be together, in bytes as they stand in the file.
	maxKept = 16 << 20
)

var (
	errManyValues = fmt.Errorf("the fields of the row that the record wants have more than %d values; want fewer of them, or split the row at the source", maxValues)
	errManyNames  = fmt.Errorf("an object of the row has more than %d names; make a list of them at the source, or name only files that hold rows", maxNames)
	errKept       = fmt.Errorf("the fields of the row that the record wants are longer than %d MiB; want fewer of them, or split the row at the source", maxKept>>20)
)

// bounded is an error where the wanted values of a row, which have a size together, are more than a row may bring into memory.
func bounded(found []span, size int) error {
	switch {
	case size > maxKept:
		return bad(TooLong, errKept)
	case size <= maxValues: // A value takes a byte at least.
		return nil
	}
	values := 0
	for _, f := range found {
		values++
		if !f.plain {
			values += marks(f.raw)
		}
	}
	if values > maxValues {
		return bad(TooLong, errManyValues)
	}
	return nil
}

// marks counts the brackets, commas and colons of a JSON value that are not in a text: about as many as it has values and names.
func marks(raw []byte) int {
	n := 0
	for at := 0; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			at = jsonscan.SkipString(raw, at+1) - 1
		case '[', '{', ',', ':':
			n++
		}
	}
	return n
}

// What a Parquet file may unpack to: parquetFree bytes, and parquetRatio for each of its own. A row counts rowCost, which is about
// what the record of an empty one takes on the volume, and a value valueCost more than its text. Real files stay far below: a long
// text that every row repeats lies in a dictionary once, but next to it each row has a question of its own, and some hundred
// kilobytes of such a text for each would be needed.
const (
	parquetFree  = 256 << 20
	parquetRatio = 1000
	rowCost      = 256
	valueCost    = 8
)

// budget is what is left of what a Parquet file may unpack to.
type budget struct {
	size, spent, most int64
	// own is a file without bounds.
	own bool
}

func newBudget(f File) budget {
	return budget{size: f.Size, most: parquetFree + parquetRatio*f.Size, own: f.Own}
}

// rows looks at the number of rows that a footer claims, before the first is read.
func (b *budget) rows(groups []format.RowGroup) error {
	total := int64(0)
	for _, g := range groups {
		if g.NumRows < 0 || g.NumRows > 1<<62-total {
			return errors.New("the Parquet file is damaged: its footer claims a number of rows that cannot be; fetch it again")
		}
		total += g.NumRows
	}
	if total > b.most/rowCost && !b.own {
		return fmt.Errorf("the file claims %d rows in %d bytes, which is not the way of rows of text; check what the file is, and publish it as JSON Lines if it is right", total, b.size)
	}
	return nil
}

// room is how many values the next row may have, and how many bytes in its texts.
func (b *budget) room() (values, texts int) {
	if b.own {
		return math.MaxInt, math.MaxInt
	}
	return maxValues, maxKept
}

// row counts the row that the columns stand at, and refuses one that is too large by itself.
func (b *budget) row(columns []*column) error {
	if b.own {
		return nil
	}
	values, texts := 0, 0
	for _, c := range columns {
		values, texts = values+len(c.row), texts+c.texts
	}
	b.spent += rowCost + valueCost*int64(values) + int64(texts)
	switch {
	case b.spent > b.most:
		return fmt.Errorf("the file has unpacked to more than %d bytes from %d, which is more than %d times as many and not the way of rows of text; check what the file is, and publish it as JSON Lines if it is right",
			b.most, b.size, parquetRatio)
	case texts > maxKept:
		return bad(TooLong, errKept)
	case values > maxValues:
		return bad(TooLong, errManyValues)
	}
	return nil
}
