package stage

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// originalsName lists the files of a download unit's folder, in row order.
const originalsName = "originals.json"

// original is one file of a data set. Where it has a validator, it is read where its source has it, and that tells whether it
// still is the file that was read first; else it lies in the unit's folder.
type original struct {
	contract.Original
	Validator string `json:"validator,omitempty"`
}

// listed is the file as its source lists it.
func (o original) listed() source.File {
	return source.File{Path: o.Path, Size: o.Size, Validator: o.Validator}
}

// originalPath is where the i-th original lies in a download unit's folder; its name at the source is in the list only, so
// that no name from outside becomes one on the volume.
func originalPath(folder string, i int) string {
	return filepath.Join(folder, "files", fmt.Sprintf("%05d", i))
}

// download brings a data set's originals into the cache and links them into the unit's folder. Those of a source at hand stay
// where they are: they are read once for their digests.
func (j job) download(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	named, _ := j.Recipe.Source(j.Unit.Name)
	dataset := recipe.Dataset{Name: named.Name, Source: named.Source} // or a probe
	place := "data set " + named.Name
	if _, _, ok := j.Recipe.Dataset(named.Name); !ok {
		place = probePlace(named.Name)
	}
	fail := func(err error) (recipe.Result, error) {
		return recipe.Result{}, contract.Within(place, err)
	}
	from, err := j.worker.Source(dataset)
	if err != nil {
		return fail(err)
	}
	listing, err := from.Resolve(ctx)
	if err != nil {
		return fail(err)
	}
	done := recipe.Downloaded{Revision: listing.Revision, License: listing.License, Files: len(listing.Files)}
	originals, listed := make([]original, len(listing.Files)), make([]contract.Original, len(listing.Files))
	for i, file := range listing.Files {
		if _, ok := from.(source.Local); ok {
			originals[i], err = j.examine(ctx, from, file)
		} else {
			originals[i], err = j.bring(ctx, from, file, staging, originalPath("", i))
		}
		if err != nil {
			return fail(err)
		}
		listed[i] = originals[i].Original
		done.Bytes += originals[i].Size
	}
	done.Digest = contract.OriginalsDigest(listed)
	return recipe.Result{Download: &done}, writeJSON(staging, originalsName, originals)
}

func (w *Worker) cache() store.Cache { return store.Cache{Root: w.path(contract.CacheFolder)} }

// examine reads a file that stays where it is.
func (j job) examine(ctx context.Context, from source.Source, file source.File) (original, error) {
	got, err := source.Digest(ctx, from, file)
	if err != nil {
		return original{}, err
	}
	return original{contract.Original{Path: file.Path, Size: got.Size, SHA256: got.SHA256}, file.Validator}, nil
}

// bring fetches a file and gives it a name in the unit's folder.
func (j job) bring(ctx context.Context, from source.Source, file source.File, staging *store.Staging, name string) (original, error) {
	got, err := j.fetch(ctx, from, file)
	if err != nil {
		return original{}, err
	}
	path, err := staging.Path(name)
	if err != nil {
		return original{}, err
	}
	return original{Original: got}, store.Link(j.worker.cache().Blob(got.SHA256), path)
}

// fetch brings one file into the cache, unless a file of its digest is there.
func (j job) fetch(ctx context.Context, from source.Source, file source.File) (contract.Original, error) {
	cache := j.worker.cache()
	if cache.Has(file.SHA256, file.Size) && file.Size >= 0 {
		return contract.Original{Path: file.Path, Size: file.Size, SHA256: file.SHA256}, nil
	}
	partial, err := cache.Partial(j.Unit.Key + "/" + file.Path)
	if err != nil {
		return contract.Original{}, err
	}
	defer partial.Close()
	got, err := source.Fetch(ctx, from, file, partial.Path)
	if err != nil {
		return contract.Original{}, err
	}
	return contract.Original{Path: file.Path, Size: got.Size, SHA256: got.SHA256}, cache.Keep(partial, got.SHA256)
}
