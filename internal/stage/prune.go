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

// unusedFor is how long a stage's folder must have been left alone before it is removed. It protects what another build of
// the same mix, begun by an edit of the manifest, has made or found but not published yet. Where it is known that there is no other
// build, nothing has to be protected but what this one has made.
const unusedFor = time.Hour

// prune gives back what no kept revision is made of: the oldest revisions beyond those to keep, units, revisions that nobody finished,
// what workers left that were killed, and the originals that only these had.
func (j job) prune() error {
	p := pruning{job: j, used: map[string]bool{}}
	if sign := j.worker.present; sign != nil {
		p.alone, p.since = sign.Alone(), sign.Since
	}
	for _, step := range []func() error{p.keep, p.revisions, p.units, p.sweep} {
		if err := step(); err != nil {
			return err
		}
	}
	return j.cache().Reclaim(j.todo.Recipe.Output.CacheSize > 0)
}

type pruning struct {
	job   job
	used  map[string]bool // keys of units, and names of revisions, that a kept revision needs
	alone bool            // no other build is under way
	since time.Time
}

// keep removes the oldest revisions beyond those to keep, but none that a pod may read or that was the newest until a moment ago, and
// notes what the others need. One whose folder was removed by hand is none.
func (p *pruning) keep() error {
	folder, units, err := p.job.newestFirst(pipeline.StagePublish)
	if err != nil {
		return err
	}
	kept, superseded := 0, time.Now()
	for _, key := range units {
		name := pipeline.RevisionName(key)
		built, err := p.job.partsOf(folder.Join(key), name)
		gone := errors.Is(err, fs.ErrNotExist)
		beyond := kept >= p.job.todo.Recipe.Output.KeepRevisions && !p.held(name, superseded)
		if info, err := folder.Join(key).Lstat(); err == nil {
			superseded = info.ModTime() // of the next one, which is older
		}
		if key != p.job.todo.Unit.Key && (gone || beyond) {
			if err := errors.Join(store.RemoveAll(p.job.worker.path(p.job.folder.Revision(name))), store.RemoveAll(folder.Join(key))); err != nil {
				return err
			}
			continue
		}
		if err != nil && !gone {
			return err
		}
		kept++
		for _, needed := range append(built, key, name) {
			p.used[needed] = true
		}
	}
	return nil
}

// held reports whether something else than its number keeps a revision. It was the newest since its manifest was written, at most: one
// that was published again was so before, too.
func (p *pruning) held(name string, superseded time.Time) bool {
	published := time.Time{}
	if info, err := p.job.worker.path(p.job.folder.Revision(name)).Join(revision.ManifestFile).Lstat(); err == nil {
		published = info.ModTime()
	}
	return p.job.todo.Keep.Keeps(name, published, superseded, time.Now())
}

// partsOf lists the keys of the units that a revision is made of. A revision of a release that did not note them has them in its
// manifest.
func (j job) partsOf(unit store.Path, rev string) (keys []string, err error) {
	manifestFile := j.worker.path(j.folder.Revision(rev)).Join(revision.ManifestFile)
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

// stale reports whether a folder that no kept revision needs is of no build that is under way.
func (p *pruning) stale(info fs.FileInfo) bool {
	return p.alone && info.ModTime().Before(p.since) || time.Since(info.ModTime()) >= unusedFor
}

// revisions removes those that were given their names by a build that did not finish.
func (p *pruning) revisions() error {
	return p.removeStale(p.job.worker.path(p.job.folder.Revisions()))
}

// units removes the folders of stages that no kept revision is made of.
func (p *pruning) units() error {
	for _, stage := range pipeline.Stages() {
		if err := p.removeStale(p.job.worker.path(p.job.folder.Stage(stage))); err != nil {
			return err
		}
	}
	return nil
}

func (p *pruning) removeStale(folder store.Path) error {
	entries, err := folder.ReadDir()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return store.WrapError(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || p.used[entry.Name()] || strings.HasPrefix(entry.Name(), ".") || !p.stale(info) {
			continue
		}
		at := folder.Join(entry.Name())
		if err := p.job.leave(at); err != nil {
			return err
		}
		if err := store.RemoveAll(at); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what workers left that were killed.
func (p *pruning) sweep() error {
	return p.job.worker.sweep(p.job.folder, pipeline.Stages(), p.job.leave)
}

// leave removes the originals that only a folder of a download has, which is about to go. Where the cache is bounded, they are for Trim.
func (j job) leave(folder store.Path) error {
	if folder.Dir() != j.worker.path(j.folder.Stage(pipeline.StageDownload)) || j.todo.Recipe.Output.CacheSize > 0 {
		return nil
	}
	var originals []original
	_ = store.ReadJSON(folder.Join(originalsName), &originals) // a download that was not finished has none
	digests := make([]string, len(originals))
	for i, o := range originals {
		digests[i] = o.SHA256
	}
	return j.cache().Leave(folder.Join(filesName), digests)
}

// newestFirst gives the folder of a stage and lists its finished units by the time when they were last needed.
func (j job) newestFirst(stage pipeline.Stage) (folder store.Path, keys []string, err error) {
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

// sweep removes from the folders of a mix, and those of some of its stages, what workers left that were killed.
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

// begin readies a mix's folder for a build of all stages in this process. What killed downloads left stays, until they are done: there is
// what the next one goes on with.
func (w *Worker) begin(folder revision.Folder) (*store.Presence, error) {
	stages := slices.DeleteFunc(pipeline.Stages(), func(stage pipeline.Stage) bool { return stage == pipeline.StageDownload })
	if err := w.sweep(folder, stages, nil); err != nil {
		return nil, err
	}
	return store.Enter(w.path(folder.Stages()))
}
