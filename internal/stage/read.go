package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// reader reads the rows of one source, of a data set or of a probe, in the order of the source.
type reader struct {
	job    job
	source recipe.NamedSource
	read   recipe.Read
	fields []decoded.Field

	originals []original
	listing   []source.File // of the source, after an original had to be fetched again

	file  int   // the place of the file that is read, from 1
	rows  int64 // rows read so far, including bad ones
	bad   int64 // rows that were skipped because they are bad
	first error // the error of the first bad row
}

// taker receives the rows of a source, one by one, in their order. Both methods may end the reading with an error.
type taker interface {
	// newMapper returns a mapper, for one goroutine, which maps rows before they are taken.
	newMapper() mapper
	// take receives a row that was mapped, and its line.
	take(row mapped, line []byte) error
	// skip receives a bad row.
	skip(row revision.DroppedSourceRow) error
}

// unmappable is the error of a well-formed row that the mapping cannot make a record of. Such a row is counted under its mapping.Class, a
// malformed one under its decoded.Class.
type unmappable struct{ error }

// each passes every row of every file to the taker.
func (r *reader) each(ctx context.Context, to taker) error {
	folder, err := r.job.input(pipeline.StageDownload, r.source.Name)
	if err != nil {
		return err
	}
	if r.originals, err = readOriginals(folder, r.job.finished.Download(r.source.Name)); err != nil {
		return err
	}
	progress.Of(ctx).Begin("read", 60, 0, r.job.finished.Download(r.source.Name).Bytes)
	for i, file := range r.originals {
		r.file = i + 1
		if err := r.eachOf(ctx, file, folder.Join(originalPath(i)), to); err != nil {
			return err
		}
	}
	return r.checkRows()
}

// checkRows checks that the source has rows, and as many as its recipe expects.
func (r *reader) checkRows() error {
	if r.rows == 0 {
		return r.noRows()
	}
	if err := pipeline.CheckRows(r.source, r.rows); err != nil {
		return contract.Failf(contract.SourceDrifted, "%w", err)
	}
	return nil
}

// noRows returns the error of a source none of whose files has a row; an empty file among others is a shard like them.
func (r *reader) noRows() error {
	const named = 8
	var paths []string
	for _, file := range r.originals[:min(len(r.originals), named)] {
		paths = append(paths, file.Path)
	}
	if more := len(r.originals) - named; more > 0 {
		paths = append(paths, fmt.Sprintf("%d more", more))
	}
	return contract.Failf(contract.InvalidData,
		"no file of the source has a row (%s); check that the source names the right files and that they were uploaded whole", strings.Join(paths, ", "))
}

// eachOf passes the rows of one file to the taker. They are decoded ahead, in other goroutines: of a large data set, decoding is half of the work.
//
// Meanwhile the file is compared with its digest. A row may be bad because the file is damaged, so damage is reported first.
func (r *reader) eachOf(ctx context.Context, file original, path store.Path, to taker) error {
	f, err := r.open(ctx, file, path)
	if err != nil {
		return err
	}
	defer f.Close()
	var comparing errgroup.Group
	comparing.Go(func() error { return f.compare(ctx) })
	err = r.rowsOf(ctx, file.Path, file.Size, f, to)
	if differs := comparing.Wait(); differs != nil {
		return differs
	}
	return err
}

// rowsOf passes the rows of an open file to the taker.
func (r *reader) rowsOf(ctx context.Context, name string, size int64, f source.LocalFile, to taker) error {
	of := decode.As(r.read)
	of.Name, of.Data, of.Size = name, progress.Of(ctx).ReaderAt(f), size
	for b := range ahead(ctx, of, r.fields, r.rows, to.newMapper) {
		start := 0
		for i, row := range b.mapped {
			if err := r.row(name, b.Rows[i], row, b.lines[start:row.end], to); err != nil {
				return err
			}
			start = row.end
		}
		progress.Of(ctx).Add(int64(len(b.Rows)), 0)
		if b.err == nil {
			continue
		}
		if err := r.unreadable(name, b.err, to); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return f.Unchanged()
}

func (r *reader) row(file string, row decoded.Row, as mapped, line []byte, to taker) error {
	number := r.rows
	r.rows++
	if err := pipeline.CheckAtMost(r.source, r.rows); err != nil {
		return contract.Failf(contract.SourceDrifted, "%w", err)
	}
	switch {
	case as.leftOut != nil:
		as.leftOut.File = r.file
		return to.skip(*as.leftOut)
	case as.err == nil:
		return to.take(as, line)
	}
	bad, ok := errors.AsType[unmappable](as.err)
	if !ok {
		return as.err
	}
	where := row.Where()
	return r.skip(to, bad.error, revision.DroppedSourceRow{
		Row: number, File: r.file, Place: placeIn(file, where), Reason: string(mapping.ClassOf(bad.error)), Message: strings.TrimPrefix(bad.Error(), where+": "),
	})
}

// unreadable skips the row that an error of decode is about, and returns an error that concerns more than one row.
func (r *reader) unreadable(file string, err error, to taker) error {
	bad, ok := errors.AsType[*decoded.BadRow](err)
	if !ok {
		return err
	}
	number := r.rows
	r.rows++
	return r.skip(to, err, revision.DroppedSourceRow{
		Row: number, File: r.file, Place: placeIn(file, bad.Where), Reason: string(bad.Class), Message: bad.Err.Error(),
	})
}

// placeIn returns the place of a row in its file.
func placeIn(file, where string) string { return strings.TrimPrefix(where, file+", ") }

// skip skips a bad row, if the recipe asks for that and not too many were skipped.
func (r *reader) skip(to taker, cause error, row revision.DroppedSourceRow) error {
	if r.read.OnBadRow != recipe.SkipBadRow {
		return r.alone(cause)
	}
	if r.bad++; r.bad == 1 {
		r.first = cause
	}
	if most := r.read.MaxBadRows; most > 0 && r.bad > most {
		return contract.Failf(contract.InvalidData,
			"%d of the first %d rows are bad, and maxBadRows is %d; the first is %w. Correct them at the source, leave them out by the record's where, or raise maxBadRows",
			r.bad, r.rows, most, r.first)
	}
	return to.skip(row)
}

// alone returns the error of a bad row that fails the build: one after good rows is odd, while a bad first row suggests that all are.
func (r *reader) alone(cause error) error {
	switch good := r.rows - 1; good {
	case 0:
		return cause
	case 1:
		return contract.Failf(contract.ReasonOf(cause), "%w; the row before it is good", cause)
	default:
		return contract.Failf(contract.ReasonOf(cause), "%w; the %d rows before it are good", cause, good)
	}
}
