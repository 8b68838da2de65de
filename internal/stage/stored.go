package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// opened is an original that is open for reading.
type opened struct {
	source.LocalFile
	proofs *hashing.Proofs
	digest string
	// whole reports that the file was compared with its digest when it was opened.
	whole bool
	// other returns the failure of a file whose digest differs.
	other func(found string) error
}

// damaged is the failure of an original that is no longer what was downloaded. It was removed, so that the next attempt finds another.
type damaged struct{ error }

func (d *damaged) Unwrap() error { return d.error }

// compare compares the file with its digest, unless this process has done so already, and fails if it differs.
func (o opened) compare(ctx context.Context) error {
	if o.whole {
		return nil
	}
	info, err := o.Stat()
	if err != nil {
		return store.WrapError(err)
	}
	if o.proofs.Has(info, o.digest) {
		return nil
	}
	digest, _, err := hashing.SHA256(ctx, io.NewSectionReader(o, 0, math.MaxInt64))
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return store.WrapError(err)
	case digest != o.digest:
		return o.other(digest)
	}
	o.proofs.Note(info, digest)
	return nil
}

// open opens an original: in the download's folder, or where its source has it.
func (r *reader) open(ctx context.Context, file original, path store.Path) (opened, error) {
	if file.Validator == "" {
		return r.stored(ctx, file, path)
	}
	from, err := r.job.worker.Source(recipe.Dataset{Name: r.source.Name, Source: r.source.Source})
	if err != nil {
		return opened{}, err
	}
	local, ok := from.(source.Local)
	if !ok {
		return opened{}, contract.Failf(contract.InvalidTask, "%s was read from its source in place, and the source cannot be reached from here", file.Path)
	}
	f, err := local.At(ctx, source.File{Path: file.Path, Size: file.Size, Validator: file.Validator})
	if contract.ReasonOf(err) == contract.FetchFailed {
		err = contract.Failf(contract.ChecksumMismatch, "%w "+readFirst, err)
	}
	return opened{LocalFile: f, proofs: r.job.worker.proofs, digest: file.SHA256, other: func(found string) error {
		return contract.Failf(contract.ChecksumMismatch, "%s has the SHA-256 %s, and had %s when it was read first. "+readFirst, file.Path, found, file.SHA256)
	}}, err
}

const readFirst = "A mix is made of the bytes that it read first: put that file back, give the new one another path, or have the source looked at again (annotation data.datasetmix.io/requestedAt, or build --refresh)."

// stored opens an original of a download: where the unit has it linked, else in the cache, and else it is fetched again.
func (r *reader) stored(ctx context.Context, file original, path store.Path) (opened, error) {
	f, err := r.linked(ctx, file, path)
	if _, changed := errors.AsType[*damaged](err); !changed && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	held, ok, err := r.job.cache().Hold(ctx, file.SHA256, file.Size)
	if !ok && err == nil {
		held, err = r.fetchAgain(ctx, file)
	}
	if err != nil {
		return opened{}, err
	}
	if r.job.recipe.Output.CacheSize == 0 { // else it goes once the mix is published
		err = r.job.cache().Link(held, path)
	}
	return opened{LocalFile: finished{held.File}, whole: true}, err
}

// linked opens an original that the unit has linked. One that is damaged is removed.
func (r *reader) linked(ctx context.Context, file original, path store.Path) (opened, error) {
	f, err := path.Open()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = contract.VolumeMismatch(fmt.Errorf("an original cannot be read: %w", err))
	}
	if err != nil {
		return opened{}, err
	}
	o := opened{LocalFile: finished{f}, proofs: r.job.worker.proofs, digest: file.SHA256, other: func(found string) error {
		err := contract.Failf(contract.VolumeInvalid, "%s, which is %s, has the SHA-256 %s, and %s was downloaded: the volume changed it", path, file.Path, found, file.SHA256)
		return &damaged{errors.Join(err, store.WrapError(path.Remove()))}
	}}
	if r.job.careful {
		if err := o.compare(ctx); err != nil {
			f.Close()
			return opened{}, err
		}
		o.whole = true
	}
	return o, nil
}

// finished is a file on the volume that is no longer written to.
type finished struct{ *os.File }

func (finished) Unchanged() error { return nil }
