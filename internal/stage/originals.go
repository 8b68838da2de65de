package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// filesName is the folder of a download's folder that links the originals. While they are linked, they stay in the cache.
const filesName = "files"

func (w *Worker) cache() store.Cache { return store.Cache{Root: w.path(contract.CacheFolder)} }

// fetching is a source that files are fetched from.
type fetching struct {
	recipe.NamedSource
	from source.Source
}

// bring fetches a file and gives it a name in the unit's folder.
func (j job) bring(ctx context.Context, from fetching, file source.File, staging *store.Staging, name string) (original, error) {
	held, err := j.fetch(ctx, from, file)
	if err != nil {
		return original{}, err
	}
	defer held.Close()
	info, err := held.Stat()
	if err != nil {
		return original{}, store.Failure(err)
	}
	path, err := staging.Path(name)
	if err != nil {
		return original{}, err
	}
	return original{Original: contract.Original{Path: file.Path, Size: info.Size(), SHA256: held.Digest}}, j.worker.cache().Link(held, path)
}

// fetch brings one file into the cache, unless it is there. It is held until it is closed.
func (j job) fetch(ctx context.Context, from fetching, file source.File) (*store.Held, error) {
	cache, name := j.worker.cache(), j.name(from.NamedSource, file)
	digest, size := file.SHA256, file.Size
	if digest == "" && name != "" {
		digest, size = cache.Known(name)
	}
	if held, ok, err := cache.Hold(digest, size); ok || err != nil {
		return held, err
	}
	if limit := j.Recipe.Output.CacheSize; limit > 0 {
		if err := cache.Trim(max(0, limit-max(0, file.Size))); err != nil {
			return nil, err
		}
	}
	id := file.SHA256
	if id == "" {
		id = j.Unit.Key + "/" + file.Path
	}
	partial, err := cache.Partial(id)
	if err != nil {
		return nil, err
	}
	defer partial.Close()
	got, err := source.Fetch(ctx, from.from, file, partial.Path)
	if err != nil {
		return nil, err
	}
	if name != "" && file.SHA256 == "" {
		if err := cache.Note(name, got.SHA256, got.Size); err != nil {
			return nil, err
		}
	}
	return cache.Keep(partial, got.SHA256)
}

// name is what tells a file of a source from any other without its SHA-256: git's digest within the repository, or the ETag or
// date that its server gives it. It is empty where nothing does.
func (j job) name(named recipe.NamedSource, file source.File) string {
	if file.Size < 0 || file.GitBlob == "" && file.Validator == "" {
		return ""
	}
	from := named.Source
	from.Refresh, from.Expect = "", nil
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

// release lets go of the originals once a mix is published whose cache is bounded, and trims the cache. Who needs one again
// finds it there, or fetches it again.
func (j job) release() error {
	limit := j.Recipe.Output.CacheSize
	if limit == 0 {
		return nil
	}
	step, _ := j.graph.Step(recipe.Download)
	for _, unit := range step.Units {
		if err := store.RemoveAll(filepath.Join(j.unit(recipe.Download, unit.Key), filesName)); err != nil {
			return err
		}
	}
	return j.worker.cache().Trim(limit)
}

// lastDownload is what the download for the request before found; empty where there was none, or where it holds its
// originals still.
type lastDownload struct {
	cache     store.Cache
	originals []original
}

// last finds the download for the request before. Where its originals were released, a file that is the same again need not be
// brought: nothing may ask for it.
func (j job) last() (lastDownload, error) {
	folders, err := j.earlier()
	if err != nil || len(folders) == 0 {
		return lastDownload{}, err
	}
	last := lastDownload{cache: j.worker.cache()}
	if _, err := os.Stat(filepath.Join(folders[0], filesName)); !errors.Is(err, fs.ErrNotExist) {
		return lastDownload{}, store.Failure(err)
	}
	if err := store.ReadJSON(filepath.Join(folders[0], originalsName), &last.originals); err != nil {
		return lastDownload{}, store.Missing(err)
	}
	return last, nil
}

// has says whether a file is the same as it was.
func (l lastDownload) has(name string, file source.File) (contract.Original, bool) {
	i := slices.IndexFunc(l.originals, func(o original) bool { return o.Path == file.Path })
	if i < 0 {
		return contract.Original{}, false
	}
	digest := file.SHA256
	if digest == "" && name != "" {
		digest, _ = l.cache.Known(name)
	}
	was := l.originals[i].Original
	return was, digest == was.SHA256 && (file.Size < 0 || file.Size == was.Size)
}

// stored opens an original of a download: where the unit has it linked, else in the cache, and else it is fetched again.
func (r *reader) stored(ctx context.Context, file original, path string) (source.LocalFile, error) {
	f, err := os.Open(path)
	if err == nil {
		return finished{f}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, contract.VolumeMismatch(fmt.Errorf("an original cannot be read: %w", err))
	}
	held, ok, err := r.worker.cache().Hold(file.SHA256, file.Size)
	if !ok && err == nil {
		held, err = r.fetchAgain(ctx, file)
	}
	if err != nil {
		return nil, err
	}
	return finished{held.File}, nil
}

// gone are the reasons of a source that no longer has what it was found to have: what resolved once is no mistake in the manifest.
var gone = []contract.Reason{
	contract.ChecksumMismatch, contract.SourceNotFound, contract.RevisionNotFound, contract.FileNotFound, contract.SourceEmpty,
}

// fetchAgain fetches the very bytes that the download found, at the revision that it found them at.
func (r *reader) fetchAgain(ctx context.Context, file original) (*store.Held, error) {
	fail := func(err error) (*store.Held, error) {
		if slices.Contains(gone, contract.ReasonOf(err)) {
			return nil, contract.Failf(contract.SourceDrifted, "%s is no longer in the cache, and the source no longer has it: %w; have the source looked at again (annotation data.datasetmix.io/requestedAt, or build --refresh), or give the cache more room", file.Path, err)
		}
		return nil, contract.Within(file.Path+" is no longer in the cache and has to be fetched again", err)
	}
	as := contract.LockedSource{Revision: r.result(recipe.Download, r.source.Name).Download.Revision}
	for _, o := range r.originals {
		as.Files = append(as.Files, o.Original)
	}
	dataset := recipe.Dataset{Name: r.source.Name, Source: as.Pinned(r.source.Source)}
	from, err := r.worker.Source(dataset)
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
	held, err := r.fetch(ctx, fetching{r.source, from}, listed)
	if err != nil {
		return fail(err)
	}
	return held, nil
}
