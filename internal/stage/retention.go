package stage

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// unusedFor is how long a stage's folder must have been unused before it is removed. It protects what another build of the same mix, started by an
// edit of the manifest, has made or found but not published yet. Where there is known to be no other build, only what this one has made has to be
// protected.
const unusedFor = time.Hour

// retention removes from the volume what no revision and no build needs any more.
type retention struct {
	job   job
	used  map[string]bool // keys of units, and names of revisions, that a kept revision needs
	alone bool            // no other build is under way
	since time.Time
}

func newRetention(j job) *retention { return &retention{job: j, used: map[string]bool{}} }

// prune removes the oldest revisions beyond those to keep, units that no kept revision is made of, revisions that no build finished, what
// killed workers left, and the originals that only these folders linked.
func (r *retention) prune() error {
	if sign := r.job.worker.present; sign != nil {
		r.alone, r.since = sign.Alone(), sign.Since
	}
	sweep := func() error { return r.job.worker.sweep(r.job.folder, pipeline.Stages(), r.leave) }
	for _, step := range []func() error{r.keep, r.unused, sweep} {
		if err := step(); err != nil {
			return err
		}
	}
	return r.job.cache().Reclaim(r.job.recipe.Output.CacheSize > 0)
}

// keep removes the oldest revisions beyond those to keep, but none that a pod may read or that was the newest until a moment ago, and notes what
// the others need. A revision whose folder was removed by hand does not count.
func (r *retention) keep() error {
	folder, units, err := newestFirst(r.job, pipeline.StagePublish)
	if err != nil {
		return err
	}
	kept, superseded := 0, time.Now()
	for _, key := range units {
		name := pipeline.RevisionName(key)
		built, err := r.partsOf(folder.Join(key), name)
		gone := errors.Is(err, fs.ErrNotExist)
		beyond := kept >= r.job.recipe.Output.KeepRevisions && !r.held(name, superseded)
		if info, err := folder.Join(key).Lstat(); err == nil {
			superseded = info.ModTime() // of the next one, which is older
		}
		if key != r.job.node.Key && (gone || beyond) {
			if err := errors.Join(store.RemoveAll(r.job.revision(name)), store.RemoveAll(folder.Join(key))); err != nil {
				return err
			}
			continue
		}
		if err != nil && !gone {
			return err
		}
		kept++
		for _, needed := range append(built, key, name) {
			r.used[needed] = true
		}
	}
	return nil
}

// held reports whether a revision is kept for another reason than being among the newest. The times of its manifest and of its successor bound
// when it was the newest, since pods that looked it up then may read it.
func (r *retention) held(name string, superseded time.Time) bool {
	published := time.Time{}
	if info, err := r.job.revision(name).Join(revision.ManifestFile).Lstat(); err == nil {
		published = info.ModTime()
	}
	return r.job.keep.Keeps(name, published, superseded, time.Now())
}

// partsOf lists the keys of the units that a revision is made of. For a revision of a release that did not note them, they come from its manifest.
func (r *retention) partsOf(unit store.Path, rev string) (keys []string, err error) {
	manifestFile := r.job.revision(rev).Join(revision.ManifestFile)
	if _, err := manifestFile.Lstat(); err != nil {
		return nil, err
	}
	if err := store.ReadJSON(unit.Join(unitsName), &keys); !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	var manifest revision.Manifest
	if err := store.ReadJSON(manifestFile, &manifest); err != nil {
		return nil, err
	}
	for _, finished := range manifest.Stages {
		keys = append(keys, finished.Node.Key)
	}
	return keys, nil
}

// stale reports whether a folder that no kept revision needs is old enough that no build under way uses it.
func (r *retention) stale(info fs.FileInfo) bool {
	return r.alone && info.ModTime().Before(r.since) || time.Since(info.ModTime()) >= unusedFor
}

// unused removes the folders of stages that no kept revision is made of, and revisions of builds that did not finish.
func (r *retention) unused() error {
	folders := []string{r.job.folder.Revisions()}
	for _, stage := range pipeline.Stages() {
		folders = append(folders, r.job.folder.Stage(stage))
	}
	for _, folder := range folders {
		if err := r.removeStale(r.job.worker.path(folder)); err != nil {
			return err
		}
	}
	return nil
}

func (r *retention) removeStale(folder store.Path) error {
	entries, err := folder.ReadDir()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return store.WrapError(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || r.used[entry.Name()] || strings.HasPrefix(entry.Name(), ".") || !r.stale(info) {
			continue
		}
		if err := r.remove(folder.Join(entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// remove removes the folder of a unit.
func (r *retention) remove(folder store.Path) error {
	if err := r.leave(folder); err != nil {
		return err
	}
	return store.RemoveAll(folder)
}

// leave removes the originals that only one folder links, if it is a download's folder, which is about to be removed. Where the cache is bounded,
// Trim removes them.
func (r *retention) leave(folder store.Path) error {
	if folder.Dir() != r.job.worker.path(r.job.folder.Stage(pipeline.StageDownload)) || r.job.recipe.Output.CacheSize > 0 {
		return nil
	}
	var originals []original
	_ = store.ReadJSON(folder.Join(originalsName), &originals) // an unfinished download has none
	digests := make([]string, len(originals))
	for i, o := range originals {
		digests[i] = o.SHA256
	}
	return r.job.cache().Leave(folder.Join(filesName), digests)
}

// release unlinks the originals of a published mix whose cache is bounded, and trims the cache. A later build that needs one finds it there, or
// fetches it again.
func (r *retention) release() error {
	limit := r.job.recipe.Output.CacheSize
	notes := r.job.notes()
	if limit == 0 {
		return notes.Forget(r.job.cache(), 0) // what is gone is not needed
	}
	if err := notes.Forget(r.job.cache(), store.KeepNotes); err != nil {
		return err
	}
	step, _ := r.job.graph.Step(pipeline.StageDownload)
	for _, unit := range step.Nodes {
		folder := r.job.unit(pipeline.StageDownload, unit.Key)
		if err := errors.Join(store.RemoveAll(folder.Join(filesName)), store.Sweep(folder, nil)); err != nil {
			return err
		}
	}
	return r.job.cache().Trim(limit)
}

// removeSuperseded removes the downloads of a source for earlier requests: no build asks for them any more, and what was split of them is known by
// its digest. It also removes the originals that only they had, and those of killed downloads for the same request.
func (r *retention) removeSuperseded() error {
	folders, err := downloader{r.job}.earlierDownloads()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := r.remove(folder); err != nil {
			return err
		}
	}
	return store.SweepOf(r.job.final(), r.leave)
}

// newestFirst returns the folder of a stage and its finished units by the time when they were last needed.
func newestFirst(j job, stage pipeline.Stage) (folder store.Path, keys []string, err error) {
	folder = j.worker.path(j.folder.Stage(stage))
	entries, err := folder.ReadDir()
	if err != nil {
		return folder, nil, store.WrapError(err)
	}
	times := map[string]time.Time{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another worker was quicker
		}
		if err != nil {
			return folder, nil, store.WrapError(err)
		}
		times[entry.Name()] = info.ModTime()
		keys = append(keys, entry.Name())
	}
	slices.SortFunc(keys, func(a, b string) int { return times[b].Compare(times[a]) })
	return folder, keys, nil
}

// sweep removes what killed workers left in the folders of a mix and of some of its stages.
func (w *Worker) sweep(folder revision.Folder, stages []pipeline.Stage, left func(store.Path) error) error {
	folders := []string{string(folder), folder.Revisions()}
	for _, stage := range stages {
		folders = append(folders, folder.Stage(stage))
	}
	for _, name := range folders {
		if err := store.Sweep(w.path(path.Clean(name)), left); err != nil {
			return err
		}
	}
	return nil
}

// begin prepares a mix's folder for a build of all stages in this process. What killed downloads left stays until the downloads are done, which
// continue from it.
func (w *Worker) begin(folder revision.Folder) (*store.Presence, error) {
	stages := slices.DeleteFunc(pipeline.Stages(), func(stage pipeline.Stage) bool { return stage == pipeline.StageDownload })
	if err := w.sweep(folder, stages, nil); err != nil {
		return nil, err
	}
	return store.Enter(w.path(folder.Stages()))
}
