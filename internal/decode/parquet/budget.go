package parquet

import (
	"errors"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// A Parquet file may unpack to unpackFree bytes, and to unpackRatio more for each byte of the file. A row counts rowCost bytes, about what the
// record of an empty row takes on the volume, and a value valueCost more than its text. Real files stay far below: a long text that every row repeats is in a
// dictionary once, but each row has its own question as well, and some hundred kilobytes of such a text for each would be needed.
const (
	unpackFree  = 256 << 20
	unpackRatio = 1000
	rowCost     = 256
	valueCost   = 8
)

// budget is what is left of what a Parquet file may unpack to.
type budget struct {
	size, spent, most int64
	// own is set for a file without bounds.
	own bool
}

func newBudget(size int64, own bool) budget {
	return budget{size: size, most: unpackFree + unpackRatio*size, own: own}
}

// rows checks the number of rows that a footer claims, before the first is read.
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

// room returns how many values the next row may have, and how many bytes in its texts.
func (b *budget) room() (values, texts int) {
	if b.own {
		return math.MaxInt, math.MaxInt
	}
	return decoded.MaxValues, decoded.MaxKept
}

// row counts the current row of the columns, and refuses a row that is too large.
func (b *budget) row(columns []*column) error {
	if b.own {
		return nil
	}
	values, texts := 0, 0
	for _, c := range columns {
		values, texts = values+len(c.row), texts+c.texts
	}
	b.spent += rowCost + valueCost*int64(values) + int64(texts)
	if b.spent > b.most {
		return fmt.Errorf("the file has unpacked to more than %d bytes from %d, which is more than %d times as many and not the way of rows of text; check what the file is, and publish it as JSON Lines if it is right",
			b.most, b.size, unpackRatio)
	}
	return decoded.Bounded(values, texts)
}
