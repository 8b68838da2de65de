package stage

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// originalsName lists the files of a download unit's folder, in row order.
const originalsName = "originals.json"

// original is one file of a data set. With a validator, it is read at its source, and the validator shows whether it is still the file that
// was read first. Without one, it is in the unit's folder.
type original struct {
	pipeline.OriginalFile
	Validator string `json:"validator,omitempty"`
	// Inode shows that another file has taken the place of the one that was read, even if the validator is the same; 0 means not known.
	Inode uint64 `json:"inode,omitempty"`
}

// readOriginals reads the list of a download. It must be the list that the download's result has the digest of.
func readOriginals(folder store.Path, done *pipeline.DownloadResult) ([]original, error) {
	var originals []original
	if err := store.ReadJSON(folder.Join(originalsName), &originals); err != nil {
		return nil, contract.VolumeMismatch(fmt.Errorf("the download is gone from the volume: %w", err))
	}
	listed := make([]pipeline.OriginalFile, len(originals))
	for i, o := range originals {
		listed[i] = o.OriginalFile
	}
	if err := revision.CheckOriginals(listed); err != nil {
		return nil, contract.Failf(contract.VolumeInvalid, "%s: %w; remove its folder, and it is downloaded again", folder.Join(originalsName), err)
	}
	if done == nil || revision.OriginalsDigest(listed) != done.Digest {
		return nil, contract.Failf(contract.VolumeInvalid, "%s lists other files than the download found: it was changed; remove its folder, and it is downloaded again", folder.Join(originalsName))
	}
	return originals, nil
}

// originalPath returns the path of the i-th original in a download unit's folder. Its name at the source is only in the list, so that no
// name from outside becomes one on the volume.
func originalPath(i int) string { return path.Join(filesName, fmt.Sprintf("%05d", i)) }

// downloader downloads the originals of one source.
type downloader struct{ job job }

// download brings a data set's originals into the cache and links them into the unit's folder. Those of a source at hand stay
// where they are: they are read once for their digests.
func (d downloader) download(ctx context.Context, staging *store.Staging) (pipeline.Result, error) {
	named, _ := d.job.recipe.Source(d.job.node.Name)
	result, err := d.downloadFrom(ctx, named, staging)
	if err != nil {
		place := "data set " + named.Name
		if _, _, ok := d.job.recipe.Dataset(named.Name); !ok {
			place = probePlace(named.Name)
		}
		return pipeline.Result{}, contract.Within(place, err)
	}
	return result, nil
}

func (d downloader) downloadFrom(ctx context.Context, named recipe.NamedSource, staging *store.Staging) (pipeline.Result, error) {
	from, listing, err := d.resolve(ctx, named)
	if err != nil {
		return pipeline.Result{}, err
	}
	if err := d.job.recipe.CheckLicense(named.Name, listing.License); err != nil {
		return pipeline.Result{}, contract.Failf(contract.LicenseRefused, "%w", err)
	}
	last, err := d.lastDownload()
	if err != nil {
		return pipeline.Result{}, err
	}
	local, atHand := from.(source.Local)
	if !atHand {
		if err := d.room(named, listing.Files, last); err != nil {
			return pipeline.Result{}, err
		}
	}
	done := pipeline.DownloadResult{Revision: listing.Revision, License: listing.License, Files: len(listing.Files)}
	meter := progress.Of(ctx)
	meter.Begin("fetch", 99, 0, listing.Size())
	originals, listed := make([]original, len(listing.Files)), make([]pipeline.OriginalFile, len(listing.Files))
	read := d.onePass(ctx, local, listing.Files)
	for i, file := range listing.Files {
		if read != nil {
			originals[i] = read[i]
		} else if atHand {
			originals[i], _, err = d.job.worker.examine(ctx, local, file, func(*source.Hashed) error { return nil })
		} else if known, ok := last.has(d.named(named, file)); ok {
			originals[i] = original{OriginalFile: known}
		} else {
			originals[i], err = d.bring(ctx, fetching{named, from}, file, staging, originalPath(i))
		}
		if err != nil {
			return pipeline.Result{}, err
		}
		listed[i] = originals[i].OriginalFile
		done.Bytes += originals[i].Size
		meter.Reach(done.Bytes)
	}
	done.Digest, done.Listed = revision.OriginalsDigest(listed), forPeople(listed)
	if named.Source.Names {
		done.Names = revision.NamesDigest(listed)
	}
	if d.refreshed() {
		if err := writeJSON(staging, requestName, request{d.plainKey()}); err != nil {
			return pipeline.Result{}, err
		}
	}
	return pipeline.Result{Download: &done}, writeJSON(staging, originalsName, originals)
}

// resolve lists a source's files, or those of the lock, where there is one.
func (d downloader) resolve(ctx context.Context, named recipe.NamedSource) (source.Source, source.Listing, error) {
	dataset := recipe.Dataset{Name: named.Name, Source: named.Source} // or a probe
	locked, ok := d.job.worker.Lock.Source(named.Name)
	if ok {
		dataset.Source = locked.Pinned(named.Source)
	}
	from, err := d.job.worker.Source(dataset)
	if err != nil {
		return nil, source.Listing{}, err
	}
	listing, err := from.Resolve(ctx)
	if err == nil && ok {
		listing.Files, err = asLocked(locked, listing.Files)
	}
	return from, listing, err
}

// asLocked pins listed files to the digests of a lock. A source that lists others is refused before anything is fetched.
func asLocked(locked revision.LockedSource, files []source.File) ([]source.File, error) {
	if len(files) != len(locked.Files) {
		return nil, contract.Failf(contract.SourceDrifted, "the lock has %d files, and the source now has %d", len(locked.Files), len(files))
	}
	pinned := make([]source.File, len(files))
	for i, file := range files {
		want := locked.Files[i]
		if file.Path != want.Path || file.Size >= 0 && file.Size != want.Size || file.SHA256 != "" && file.SHA256 != want.SHA256 {
			return nil, contract.Failf(contract.SourceDrifted, "file %d of the lock is %s with %d bytes and SHA-256 %s, and the source now has %s with %d bytes and SHA-256 %s",
				i+1, want.Path, want.Size, want.SHA256, file.Path, file.Size, file.SHA256)
		}
		file.SHA256 = want.SHA256
		pinned[i] = file
	}
	return pinned, nil
}

// Bounds of the files that a result lists, so that it fits into a termination message.
const (
	mostListed  = 8
	longestPath = 120 // bytes
	cutPath     = "…"
)

func forPeople(files []pipeline.OriginalFile) []pipeline.OriginalFile {
	var listed []pipeline.OriginalFile
	for _, file := range files[:min(len(files), mostListed)] {
		path := file.Path
		if len(path) > longestPath {
			path = cutPath + strings.ToValidUTF8(path[len(path)-longestPath+len(cutPath):], "")
		}
		listed = append(listed, pipeline.OriginalFile{Path: path, Size: file.Size, SHA256: file.SHA256})
	}
	return listed
}

// examine hashes a file that stays where it is, once read has read what it wants of it, and notes its digest. It reports whether nothing has
// written to the file meanwhile, as far as can be known.
func (w *Worker) examine(ctx context.Context, from source.Local, file source.File, read func(*source.Hashed) error) (_ original, still bool, err error) {
	f, err := source.AtHashed(ctx, from, file)
	if err != nil {
		return original{}, false, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return original{}, false, store.WrapError(err)
	}
	if err := read(f); err != nil {
		return original{}, false, err
	}
	got, err := f.Finish(ctx)
	if err != nil {
		return original{}, false, err
	}
	w.proofs.Note(before, got.SHA256)
	after, err := f.Stat()
	of := original{pipeline.OriginalFile{Path: file.Path, Size: got.Size, SHA256: got.SHA256}, file.Validator, file.Inode}
	return of, err == nil && w.proofs.Has(after, got.SHA256), store.WrapError(err)
}
