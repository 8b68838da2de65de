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

type original = contract.Original

// originalPath is where the i-th original lies in a download unit's folder; its name at the source is in the list only, so
// that no name from outside becomes one on the volume.
func originalPath(folder string, i int) string {
	return filepath.Join(folder, "files", fmt.Sprintf("%05d", i))
}

// download brings a data set's originals into the cache and links them into the unit's folder.
func (j job) download(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	named, _ := j.Recipe.Source(j.Unit.Name)
	dataset := recipe.Dataset{Name: named.Name, Source: named.Source} // or a probe
	fail := func(err error) (recipe.Result, error) {
		return recipe.Result{}, contract.Within("data set "+dataset.Name, err)
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
	originals := make([]original, len(listing.Files))
	for i, file := range listing.Files {
		if originals[i], err = j.fetch(ctx, from, file); err != nil {
			return fail(err)
		}
		path, err := staging.Path(originalPath("", i))
		if err != nil {
			return fail(err)
		}
		if err := store.Link(j.worker.cache().Blob(originals[i].SHA256), path); err != nil {
			return fail(err)
		}
		done.Bytes += originals[i].Size
	}
	done.Digest = contract.OriginalsDigest(originals)
	return recipe.Result{Download: &done}, writeJSON(staging, originalsName, originals)
}

func (w *Worker) cache() store.Cache { return store.Cache{Root: w.path(contract.CacheFolder)} }

// fetch brings one file into the cache, unless a file of its digest is there.
func (j job) fetch(ctx context.Context, from source.Source, file source.File) (original, error) {
	cache := j.worker.cache()
	if cache.Has(file.SHA256, file.Size) && file.Size >= 0 {
		return original{Path: file.Path, Size: file.Size, SHA256: file.SHA256}, nil
	}
	partial, err := cache.Partial(j.Unit.Key + "/" + file.Path)
	if err != nil {
		return original{}, err
	}
	defer partial.Close()
	got, err := source.Fetch(ctx, from, file, partial.Path)
	if err != nil {
		return original{}, err
	}
	return original{Path: file.Path, Size: got.Size, SHA256: got.SHA256}, cache.Keep(partial, got.SHA256)
}
