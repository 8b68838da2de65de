package parquet

import (
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// TestParquetBudget has the sizes of files that are read: none is refused for what all its rows have in common.
func TestParquetBudget(t *testing.T) {
	for _, c := range []struct {
		name             string
		size, rows, text int64
		ok               bool
	}{
		{"a small file with a prompt of 100 kB in each row", 200_000, 2000, 100_000, true},
		{"a million rows with a prompt of 20 kB beside questions of 40 packed bytes", 40_000_000, 1_000_000, 20_000, true},
		{"a million rows of 5 packed bytes", 5_000_000, 1_000_000, 500, true},
		{"34 GB from 394 kB", 394_000, 1_000_000, 32 << 10, false},
		{"30 million rows from 878 bytes", 878, 30_000_000, 0, false},
	} {
		b := newBudget(c.size, false)
		err := b.rows([]format.RowGroup{{NumRows: c.rows}})
		column := []*column{{row: make([]parquet.Value, 1), texts: int(c.text)}}
		for i := int64(0); i < c.rows && err == nil; i++ {
			err = b.row(column)
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	b := newBudget(100, false)
	for _, rows := range []int64{-1, 1 << 62} {
		if err := b.rows([]format.RowGroup{{NumRows: rows}, {NumRows: 1 << 62}}); err == nil {
			t.Errorf("%d rows are not refused", rows)
		}
	}
}
