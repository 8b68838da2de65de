package stage

import (
	"context"
	"io"
	"sync"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// begunSplits are the splits of a build, by data set, whose rows were read while their originals were hashed. The key of a split has the
// digest of the originals, so such a split has no final name until the download has its result.
type begunSplits struct{ of sync.Map }

// take removes the split of a data set and returns it, to be finished or closed; nil where none was begun.
func (b *begunSplits) take(name string) *splitter {
	if b == nil {
		return nil
	}
	begun, _ := b.of.LoadAndDelete(name)
	s, _ := begun.(*splitter)
	return s
}

// drop closes a split that no one took.
func (b *begunSplits) drop(name string) error {
	s := b.take(name)
	if s == nil {
		return nil
	}
	s.close()
	return s.staging.Close()
}

// onePass reads the rows of a data set at hand and hashes its originals in one pass, and keeps the split until its key is known. It returns nil
// where this is not possible or fails. The originals are then only hashed, and what is wrong with them or with their rows is found again and
// reported by its own stage.
func (d downloader) onePass(ctx context.Context, from source.Local, files []source.File) []original {
	_, _, dataset := d.job.recipe.Dataset(d.job.node.Name)
	switch j := d.job; {
	case from == nil || !dataset || j.worker.begun == nil:
		return nil
	case j.replaces || d.refreshed(): // what was read before may be the same, and is split
		return nil
	case len(j.recipe.Probes()) > 0: // a split needs them all
		return nil
	}
	staging, err := store.Stage(d.job.worker.path(d.job.folder.Node(pipeline.StageSplit, d.job.node.Key)))
	if err != nil {
		return nil
	}
	s, err := newSplitter(ctx, d.job, staging)
	if err == nil {
		var originals []original
		err = s.readAll(func() (err error) {
			originals, err = s.rows.hashed(ctx, from, files, s)
			return err
		})
		if err == nil {
			d.job.worker.begun.of.Store(d.job.node.Name, s)
			return originals
		}
		s.close()
	}
	staging.Close() // it is given up
	return nil
}

// hashed passes every row of files at hand on, and returns what the files are. Where a file is not read in order, its rows may be other bytes than
// those that are hashed, unless nothing has written to it meanwhile.
func (r *reader) hashed(ctx context.Context, from source.Local, files []source.File, to taker) ([]original, error) {
	meter := progress.Of(ctx)
	ctx = progress.With(ctx, nil) // the bytes are counted once, as those of rows
	for i, file := range files {
		r.file = i + 1
		of, still, err := r.job.worker.examine(ctx, from, file, func(f *source.Hashed) error {
			return r.rowsOf(ctx, file.Path, file.Size, metered{f, meter.ReaderAt(f)}, to)
		})
		if err == nil && !still {
			err = contract.Failf(contract.FetchFailed, "%s was written to while it was read", file.Path)
		}
		if err != nil {
			return nil, err
		}
		r.originals = append(r.originals, of)
	}
	return r.originals, r.checkRows()
}

// metered is a file whose bytes are counted as they are read.
type metered struct {
	source.LocalFile
	at io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (m metered) ReadAt(p []byte, offset int64) (int, error) { return m.at.ReadAt(p, offset) }
