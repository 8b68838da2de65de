package stage

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// againName is the file of a unit's folder with the request that it was built again for.
const againName = "again"

// isCurrent says whether a finished unit is the one that is wanted. Else it is built again, and takes the other's place once it is
// finished itself.
func (j job) isCurrent(final store.Path, result pipeline.Result) bool {
	if j.todo.Again != "" {
		built, err := final.Join(againName).ReadFile()
		return err == nil && string(built) == j.todo.Again
	}
	if j.todo.Stage != pipeline.StageDownload {
		return true
	}
	if locked, ok := j.worker.locked(j.todo.Unit.Name); ok {
		named := result.Download.Names == "" || result.Download.Names == revision.NamesDigest(locked.Files)
		return named && locked.Digest == result.Download.Digest && locked.Revision == result.Download.Revision
	}
	named, _ := j.todo.Recipe.Source(j.todo.Unit.Name)
	return !j.worker.Anew || !named.Source.Floating()
}

// markRebuilt notes for which request a unit was built.
func (j job) markRebuilt(staging *store.Staging) error {
	if j.todo.Again == "" {
		return nil
	}
	return staging.WriteFile(againName, []byte(j.todo.Again))
}

// locked is what the lock says of a source.
func (w *Worker) locked(name string) (revision.LockedSource, bool) {
	if w.Lock == nil {
		return revision.LockedSource{}, false
	}
	return w.Lock.Source(name)
}

// requestName is the file of a download's folder that says which source it is of, where a request to resolve it anew is in its
// key.
const requestName = "request.json"

type request struct {
	// Source is the key of the download without a request.
	Source string `json:"source"`
}

// plainKey is the key of the download without a request.
func (j job) plainKey() string {
	units := pipeline.Downloads(j.todo.Recipe.Content())
	return units[slices.IndexFunc(units, func(unit pipeline.Node) bool { return unit.Name == j.todo.Unit.Name })].Key
}

// refreshed says whether the download is one of many of its source.
func (j job) refreshed() bool { return j.plainKey() != j.todo.Unit.Key }

// earlierDownloads lists the folders of downloads of the same source for earlier requests.
func (j job) earlierDownloads() ([]store.Path, error) {
	if !j.refreshed() {
		return nil, nil
	}
	plain := j.plainKey()
	all, keys, err := j.newestFirst(pipeline.StageDownload)
	if err != nil {
		return nil, err
	}
	var folders []store.Path
	for _, key := range keys {
		var of request
		err := store.ReadJSON(all.Join(key, requestName), &of)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if key != j.todo.Unit.Key && (key == plain || of.Source == plain) {
			folders = append(folders, all.Join(key))
		}
	}
	return folders, nil
}

// removeSuperseded removes the downloads of a source for earlier requests: no build asks for them any more, and what was split of them
// is known by its digest. The originals that only they had go with them, and those of killed downloads for the same request.
func (j job) removeSuperseded() error {
	folders, err := j.earlierDownloads()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := errors.Join(j.leave(folder), store.RemoveAll(folder)); err != nil {
			return err
		}
	}
	return store.SweepOf(j.final(), j.leave)
}
