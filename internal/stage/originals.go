package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// filesName is the folder of a download's folder that links the originals. While they are linked, they stay in the cache.
const filesName = "files"

// cache returns the cache on the volume, as this mix uses it.
func (j job) cache() store.Cache {
	return store.Cache{Root: j.worker.path(revision.CacheFolder), Owner: string(j.folder)}
}

// fetching is a source that files are fetched from.
type fetching struct {
	recipe.NamedSource
	from source.Source
}

// bring fetches a file and links it in the unit's folder.
func (d downloader) bring(ctx context.Context, from fetching, file source.File, staging *store.Staging, name string) (original, error) {
	held, err := d.fetch(ctx, from, file)
	if err != nil {
		return original{}, err
	}
	defer held.Close()
	info, err := held.Stat()
	if err != nil {
		return original{}, store.WrapError(err)
	}
	if err := d.job.cache().Link(held, staging.Folder().Join(name)); err != nil {
		return original{}, err
	}
	return original{OriginalFile: pipeline.OriginalFile{Path: file.Path, Size: info.Size(), SHA256: held.Digest}}, held.Note(d.job.worker.proofs)
}

// fetch downloads one file into the cache, unless it is there. It is held until it is closed.
func (d downloader) fetch(ctx context.Context, from fetching, file source.File) (*store.Held, error) {
	cache, known := d.job.cache(), d.named(from.NamedSource, file)
	digest, size := known.digest()
	if held, ok, err := cache.Hold(ctx, digest, size); ok || err != nil {
		return held, err
	}
	if limit := d.job.recipe.Output.CacheSize; limit > 0 {
		if err := cache.Trim(max(0, limit-max(0, file.Size))); err != nil {
			return nil, err
		}
	}
	partial, err := cache.Partial(d.partID(file))
	if err != nil {
		return nil, err
	}
	defer partial.Close()
	got, err := source.Fetch(ctx, from.from, file, partial)
	if err != nil {
		return nil, err
	}
	if err := known.note(got); err != nil {
		return nil, err
	}
	return cache.Keep(ctx, partial, got.SHA256)
}

// partID returns a name that tells the part of a file that is not whole yet from the mix's other parts, and from those of any other mix but where a
// SHA-256 proves the whole: another mix may use its own proxy, or trust its own certificate authority.
func (d downloader) partID(file source.File) string {
	if file.SHA256 != "" {
		return file.SHA256
	}
	return string(d.job.folder) + "\n" + d.job.node.Key + "/" + file.Path
}

// room fails, before the first byte, where the volume has less room than the files to download need.
func (d downloader) room(from recipe.NamedSource, files []source.File, last previousOriginals) error {
	cache := d.job.cache()
	var missing int64
	for _, file := range files {
		known := d.named(from, file)
		if _, same := last.has(known); same || file.Size < 0 {
			continue
		}
		digest, _ := known.digest()
		missing += cache.Missing(digest, d.partID(file), file.Size)
	}
	if limit := d.job.recipe.Output.CacheSize; limit > 0 && missing > 0 {
		if err := cache.Trim(max(0, limit-missing)); err != nil {
			return err
		}
	}
	return store.Room(d.job.worker.path(string(d.job.folder)), missing, "what has to be downloaded")
}

// named is a file by what its source calls it, and the place where its digest is noted. Of a file without a name, only what its source lists is
// known.
type named struct {
	source.File
	notes store.Notes
	name  string
}

// digest returns the SHA-256 and the size of the file: those that its source lists, else those that were noted; "" where neither is known.
func (n named) digest() (digest string, size int64) {
	switch {
	case n.SHA256 != "":
		return n.SHA256, n.Size
	case n.name == "":
		return "", -1
	default:
		return n.notes.Known(n.name)
	}
}

// note notes what was fetched, for a source that lists no SHA-256.
func (n named) note(got source.Fetched) error {
	if n.name == "" || n.SHA256 != "" {
		return nil
	}
	return n.notes.Note(n.name, got.SHA256, got.Size)
}

// named returns what tells a file of a source from any other without its SHA-256: git's digest within the repository, which every mix on the volume
// may rely on since the bytes were compared with it, or the ETag or date that its server gives it. An ETag or date is whatever the server says, so
// it counts in this mix alone.
func (d downloader) named(from recipe.NamedSource, file source.File) named {
	known := named{File: file, name: nameOf(from, file), notes: d.job.notes()}
	if file.GitBlob != "" {
		known.notes = d.job.cache().Notes()
	}
	return known
}

// notes returns those that this mix alone relies on.
func (j job) notes() store.Notes { return store.Notes{Folder: j.worker.path(j.folder.Known())} }

// nameOf returns the name; it is empty where nothing tells the file apart.
func nameOf(named recipe.NamedSource, file source.File) string {
	if file.Size < 0 || file.GitBlob == "" && file.Validator == "" {
		return ""
	}
	from := named.Source
	from.Refresh, from.Expect, from.Names = "", nil, false
	path := file.Path
	if hub := from.HuggingFace; hub != nil && file.GitBlob != "" {
		from = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: hub.Repo, Endpoint: hub.Endpoint}}
		path = "" // the same content under another name is the same
	}
	encoded, err := json.Marshal(from)
	if err != nil {
		return "" // plain data: it does not fail
	}
	return fmt.Sprintf("%s\n%s\n%d\n%s\n%s", encoded, path, file.Size, file.GitBlob, file.Validator)
}

// previousOriginals are the files that the download for the request before found; empty where there was none, or where it still holds its originals.
type previousOriginals []original

// lastDownload returns the download for the request before. Where its originals were released, a file that has not changed need not be fetched: it
// may not be needed.
func (d downloader) lastDownload() (previousOriginals, error) {
	folders, err := d.earlierDownloads()
	if err != nil || len(folders) == 0 {
		return nil, err
	}
	if _, err := folders[0].Join(filesName).Stat(); !errors.Is(err, fs.ErrNotExist) {
		return nil, store.WrapError(err)
	}
	var result pipeline.Result
	if err := store.ReadJSON(folders[0].Join(revision.ResultFile), &result); err != nil {
		return nil, store.UnreadableError(err)
	}
	return readOriginals(folders[0], result.Download)
}

// has returns the earlier entry of a file, and whether the file is the same as it was.
func (l previousOriginals) has(file named) (pipeline.OriginalFile, bool) {
	i := slices.IndexFunc(l, func(o original) bool { return o.Path == file.Path })
	if i < 0 {
		return pipeline.OriginalFile{}, false
	}
	digest, _ := file.digest()
	was := l[i].OriginalFile
	return was, digest == was.SHA256 && (file.Size < 0 || file.Size == was.Size)
}

// gone are the reasons of a source that no longer has what it had: a name that was resolved once is no mistake in the manifest.
var gone = []contract.Reason{
	contract.ChecksumMismatch, contract.SourceNotFound, contract.RevisionNotFound, contract.FileNotFound, contract.SourceEmpty,
}

// fetchAgain fetches the very bytes that the download found, at the revision that it found them at.
func (r *reader) fetchAgain(ctx context.Context, file original) (*store.Held, error) {
	fail := func(err error) (*store.Held, error) {
		if slices.Contains(gone, contract.ReasonOf(err)) {
			return nil, contract.Failf(contract.SourceDrifted, "%s is no longer whole in the cache, and the source no longer has it: %w; have the source looked at again (annotation data.datasetmix.io/requestedAt, or build --refresh), or give the cache more room", file.Path, err)
		}
		return nil, contract.Within(file.Path+" is no longer whole in the cache and has to be fetched again; pods of the split stage may where output.cache is set, "+
			"else the annotation data.datasetmix.io/forceAt has the download stage do it", err)
	}
	as := revision.LockedSource{Revision: r.job.finished.Download(r.source.Name).Revision}
	for _, o := range r.originals {
		as.Files = append(as.Files, o.OriginalFile)
	}
	dataset := recipe.Dataset{Name: r.source.Name, Source: as.Pinned(r.source.Source)}
	from, err := r.job.worker.Source(dataset)
	if err != nil {
		return fail(err)
	}
	if r.listing == nil {
		listing, err := from.Resolve(ctx)
		if err != nil {
			return fail(err)
		}
		r.listing = listing.Files
	}
	i := slices.IndexFunc(r.listing, func(f source.File) bool { return f.Path == file.Path })
	if i < 0 {
		return fail(contract.Failf(contract.SourceNotFound, "it lists no such file"))
	}
	listed := r.listing[i]
	if listed.SHA256 != "" && listed.SHA256 != file.SHA256 || listed.Size >= 0 && listed.Size != file.Size {
		return fail(contract.Failf(contract.ChecksumMismatch, "it has other bytes under that name"))
	}
	listed.SHA256, listed.Size = file.SHA256, file.Size
	held, err := downloader{r.job}.fetch(ctx, fetching{r.source, from}, listed)
	if err != nil {
		return fail(err)
	}
	return held, nil
}
