package stage

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// againName is the file of a unit's folder that names the request for which the unit was built again.
const againName = "again"

// isCurrent reports whether a finished unit is the wanted one. Else the unit is built again, and replaces the finished one at its end.
func (i inspection) isCurrent(final store.Path, result pipeline.Result) bool {
	if i.job.again != "" {
		built, err := final.Join(againName).ReadFile()
		return err == nil && string(built) == i.job.again
	}
	if i.job.stage != pipeline.StageDownload {
		return true
	}
	if locked, ok := i.job.worker.Lock.Source(i.job.node.Name); ok {
		named := result.Download.Names == "" || result.Download.Names == revision.NamesDigest(locked.Files)
		return named && locked.Digest == result.Download.Digest && locked.Revision == result.Download.Revision
	}
	named, _ := i.job.recipe.Source(i.job.node.Name)
	return !i.job.worker.Anew || !named.Source.Floating()
}

// requestName is the file of a download's folder that names its source, where a request to resolve it anew is in its key.
const requestName = "request.json"

type request struct {
	// Source is the key of the download without a request.
	Source string `json:"source"`
}

// plainKey returns the key of the download without a request.
func (d downloader) plainKey() string {
	units := pipeline.Downloads(d.job.recipe.Content())
	return units[slices.IndexFunc(units, func(unit pipeline.Node) bool { return unit.Name == d.job.node.Name })].Key
}

// refreshed reports whether a request to resolve the source anew is in the download's key.
func (d downloader) refreshed() bool { return d.plainKey() != d.job.node.Key }

// earlierDownloads lists the folders of downloads of the same source for earlier requests.
func (d downloader) earlierDownloads() ([]store.Path, error) {
	if !d.refreshed() {
		return nil, nil
	}
	plain := d.plainKey()
	all, keys, err := newestFirst(d.job, pipeline.StageDownload)
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
		if key != d.job.node.Key && (key == plain || of.Source == plain) {
			folders = append(folders, all.Join(key))
		}
	}
	return folders, nil
}
