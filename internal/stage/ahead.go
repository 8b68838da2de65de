package stage

import (
	"context"
	"iter"
	"slices"

	"github.com/datasetmix/datasetmix/internal/decode"
)

// Rows are decoded ahead of those who map them, in batches: a few rows more in memory, or one where rows are large.
const (
	batchRows  = 64
	batchBytes = 1 << 20
)

// batch is rows that were decoded together, and the error that ended the file after them.
type batch struct {
	rows []decode.Row
	err  error
}

// ahead yields what decode.Rows does, decoded in another goroutine: of a large data set, decoding is half of the work.
func ahead(ctx context.Context, file decode.File, fields []decode.Field) iter.Seq2[decode.Row, error] {
	return func(yield func(decode.Row, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		batches := make(chan batch, 2)
		go decodeInto(ctx, batches, file, fields)
		defer func() {
			cancel()
			for range batches { // the file is the caller's to close: nobody may read it any more
			}
		}()
		for b := range batches {
			for _, row := range b.rows {
				if !yield(row, nil) {
					return
				}
			}
			if b.err != nil {
				yield(decode.Row{}, b.err)
				return
			}
		}
	}
}

func decodeInto(ctx context.Context, batches chan<- batch, file decode.File, fields []decode.Field) {
	defer close(batches)
	var b batch
	send := func() bool {
		select {
		case batches <- b:
			b = batch{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	bytes := 0
	for row, err := range decode.Rows(ctx, file, fields) {
		if err != nil {
			b.err = err
			break
		}
		row.Values = slices.Clone(row.Values) // which decode uses again
		b.rows = append(b.rows, row)
		bytes += sizeOf(row.Values)
		if len(b.rows) == batchRows || bytes >= batchBytes {
			if bytes = 0; !send() {
				return
			}
		}
	}
	if len(b.rows) > 0 || b.err != nil {
		send()
	}
}

// sizeOf is about the memory that values hold: what counts are the long strings.
func sizeOf(values []any) int {
	size := 0
	for _, value := range values {
		switch v := value.(type) {
		case string:
			size += len(v)
		case []any:
			size += sizeOf(v)
		case map[string]any:
			for _, member := range v {
				size += sizeOf([]any{member})
			}
		}
	}
	return size
}
