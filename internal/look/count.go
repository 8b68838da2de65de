package look

import (
	"context"
	"errors"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/parquet"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Count returns the number of rows of a source without reading a row: from the footers of its files if all are Parquet, else from the card of its
// repository; -1 if neither has it.
func Count(ctx context.Context, from source.Source) (int64, error) {
	listing, err := from.Resolve(ctx)
	if err != nil {
		return -1, err
	}
	sum := int64(0)
	for _, file := range listing.Files {
		rows, err := footer(ctx, from, file)
		if err != nil {
			return -1, err
		}
		if rows < 0 {
			return cardRows(listing), nil
		}
		sum += rows
	}
	return sum, nil
}

// cardRows returns the number of rows in a listing's card; -1 if it has none.
func cardRows(listing source.Listing) int64 {
	if listing.Rows > 0 {
		return listing.Rows
	}
	return -1
}

// footer returns the number of rows in the footer of a Parquet file; -1 for any other file.
func footer(ctx context.Context, from source.Source, file source.File) (rows int64, err error) {
	if file.Size < 0 || !strings.HasSuffix(strings.ToLower(file.Path), ".parquet") {
		return -1, nil
	}
	f, err := open(ctx, from, file)
	if err != nil {
		return -1, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	if rows, err = parquet.Count(f, f.size); err != nil {
		if contract.ReasonOf(err) == contract.WorkerFailed { // an error of the bytes, and not of the connection
			err = contract.Failf(contract.InvalidData, "%w", err)
		}
		return -1, contract.Within(file.Path, err)
	}
	return rows, nil
}
