package stage

import (
	"context"
	"iter"

	"github.com/datasetmix/datasetmix/internal/decode"
)

// ahead yields what decode.Rows does, decoded in other goroutines: of a large data set, decoding is half of the work. The
// first error ends it.
func ahead(ctx context.Context, file decode.File, fields []decode.Field) iter.Seq2[decode.Row, error] {
	return func(yield func(decode.Row, error) bool) {
		for rows, err := range decode.Batches(ctx, file, fields) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(decode.Row{}, err)
				return
			}
		}
	}
}
