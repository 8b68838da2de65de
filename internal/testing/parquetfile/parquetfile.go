// Package parquetfile makes Parquet files for tests.
package parquetfile

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// Of returns a Parquet file of rows.
func Of[T any](tb testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, options...)
	if _, err := w.Write(rows); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
