package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// broken says what is wrong with a finished unit, "" if nothing is. Of a publication, every byte of the revision is looked at
// before it is named again; of another unit that its files are there with their lengths, since whatever is made of them is proved,
// and of a download that its list is the one it wrote.
func (j job) broken(ctx context.Context, final store.Path, result pipeline.Result) (string, error) {
	if j.todo.Stage == pipeline.StageDownload {
		if _, err := readOriginals(final, result.Download); contract.ReasonOf(err) == contract.VolumeInvalid {
			return err.Error(), nil
		}
	}
	if j.todo.Stage != pipeline.StagePublish {
		return lacks(final)
	}
	if own := pipeline.RevisionName(j.todo.Unit.Key); result.Publish.Revision != own {
		return "its result names another revision than " + own, nil
	}
	progress.Of(ctx).Begin("prove", 99, 0, result.Publish.Bytes)
	list, err := readDigests(final)
	if contract.ReasonOf(err) == contract.VolumeInvalid { // the note is broken: without it, all SHA-256 are computed
		list, err = nil, nil
	}
	if err != nil {
		return "", err
	}
	err = j.whole(ctx, result.Publish.Revision, result.Publish.Digest, list)
	if contract.ReasonOf(err) == contract.VolumeInvalid {
		return err.Error(), nil
	}
	return "", err
}

// whole: a revision's folder holds what was published, by the digest of its manifest.
func (j job) whole(ctx context.Context, revision, digest string, list digests) error {
	checksums := map[string]string{}
	for path, as := range list {
		if as.XXH64 != "" {
			checksums[path] = as.XXH64
		}
	}
	return verify.Files(ctx, j.worker.path(j.folder.Revision(revision)), verify.Options{Digest: digest, Checksums: checksums})
}

// lacks says which of its files a finished unit does not have any more.
func lacks(folder store.Path) (string, error) {
	list, err := readDigests(folder)
	if contract.ReasonOf(err) == contract.VolumeInvalid {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	for name, as := range list {
		info, err := folder.Join(name).Lstat()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return name + " is gone", nil
		case err != nil:
			return "", store.WrapError(err)
		case !info.Mode().IsRegular() || info.Size() != as.Bytes:
			return name + " is not what it was", nil
		}
	}
	return "", nil
}

// commitRevision gives a revision its name. One that has it and is whole stays; any other is replaced as a whole, so that who reads the old
// one's files reads on.
func (j job) commitRevision(ctx context.Context, staging *store.Staging, published pipeline.PublishResult, list digests) error {
	err := j.whole(ctx, published.Revision, published.Digest, list)
	switch {
	case err == nil:
		return staging.Commit()
	case ctx.Err() != nil || contract.ReasonOf(err) != contract.VolumeInvalid:
		return errors.Join(ctx.Err(), err)
	default:
		return staging.Replace()
	}
}

// swap points the link that training pods mount at a revision, and notes that it is the newest. What stands in the link's place
// and is none was put there by somebody, and stays.
func (j job) swap(rev string) error {
	if own := pipeline.RevisionName(j.todo.Unit.Key); rev != own {
		return contract.Failf(contract.VolumeInvalid, "the result of a finished publication names the revision %.100q, and it made %s; remove %s, and it is published again", rev, own, j.unit(pipeline.StagePublish, j.todo.Unit.Key))
	}
	if err := touch(j.unit(pipeline.StagePublish, j.todo.Unit.Key)); err != nil {
		return err
	}
	current := j.worker.path(j.folder.Current())
	if info, err := current.Lstat(); err == nil && info.Mode().Type() != fs.ModeSymlink {
		return contract.Failf(contract.VolumeInvalid, "%s is no link, and the link to the newest revision belongs there; move it away, and build again", current)
	}
	return store.SwapLink(current, revision.Link(rev))
}

// suspect says whether damaged units may be the cause of a failure. Rows of a source are bad by themselves; those of a finished unit are
// not.
func (j job) suspect(reason contract.Reason) bool {
	switch reason {
	case contract.VolumeInvalid:
		return j.todo.Stage != pipeline.StageDownload
	case contract.LeakageDetected, contract.InvalidData, contract.WorkerFailed:
		return j.todo.Stage != pipeline.StageDownload && j.todo.Stage != pipeline.StageSplit
	default:
		return false
	}
}

// undiagnosed is the failure of a unit whose cause is looked for when no other unit is being built.
type undiagnosed struct {
	error
	job job
}

func (u *undiagnosed) Unwrap() error { return u.error }

// diagnose looks for the cause of a failure in the finished units that this one is made of. Those that are not what their stages left
// there are removed, with all that was made of them, and so they are built again. What was read of them stays unpublished.
//
// A revision that cannot be proved, of units that are all as they were written, was made of damage that is gone by now, or that
// nothing tells, such as that of an index: then all of its parts are built again.
func (j job) diagnose(ctx context.Context, failure error) error {
	reason := contract.ReasonOf(failure)
	if ctx.Err() != nil || !j.suspect(reason) {
		return failure
	}
	doomed, err := j.damaged(ctx)
	if err != nil {
		return errors.Join(failure, err)
	}
	var proof *unproved
	if len(doomed) == 0 && errors.As(failure, &proof) {
		doomed = j.madeAfter(pipeline.StageDownload)
	}
	if len(doomed) == 0 {
		return failure
	}
	if err := j.worker.later.finish(); err != nil {
		return errors.Join(failure, err)
	}
	var keys []string
	for _, of := range doomed {
		keys = append(keys, of.Unit.Key)
		if err := store.RemoveAll(j.worker.path(j.folder.Node(of.Stage, of.Unit.Key))); err != nil {
			return errors.Join(failure, err)
		}
	}
	first := doomed[0]
	return contract.DamagedUnits(keys, contract.Failf(contract.UnitsDamaged,
		"%d finished units on the volume, of stage %s for %s first, were not what they had been and were removed, to be built again: %w", len(doomed), first.Stage, first.Unit.Name, failure))
}

// unitOf is a unit and its stage.
type unitOf struct {
	Stage pipeline.Stage
	Unit  pipeline.Node
}

// damaged lists the units before this one's stage that are not what their stages left, and those that were made of them.
func (j job) damaged(ctx context.Context) ([]unitOf, error) {
	for _, step := range j.graph.Steps {
		if step.Stage == j.todo.Stage {
			break
		}
		var doomed []unitOf
		for _, unit := range step.Nodes {
			if !j.needs(step.Stage, unit) {
				continue
			}
			whole, err := j.intact(ctx, step.Stage, unit)
			if err != nil {
				return nil, err
			}
			if !whole {
				doomed = append(doomed, unitOf{step.Stage, unit})
			}
		}
		if len(doomed) > 0 && step.Stage == pipeline.StageDownload {
			return doomed, nil // what was made of an original has its digest, and is judged by itself
		}
		if len(doomed) > 0 {
			return append(doomed, j.madeAfter(step.Stage)...), nil
		}
	}
	return nil, nil
}

// needs says whether this unit is made of another, of an earlier stage. A data set is split while others are downloaded.
func (j job) needs(stage pipeline.Stage, unit pipeline.Node) bool {
	_, finished := j.todo.Results[unit.Key]
	if stage != pipeline.StageDownload || j.todo.Stage != pipeline.StageSplit {
		return finished
	}
	_, _, dataset := j.todo.Recipe.Dataset(unit.Name)
	return finished && (unit.Name == j.todo.Unit.Name || !dataset)
}

// madeAfter lists the units of the stages between two.
func (j job) madeAfter(stage pipeline.Stage) []unitOf {
	var units []unitOf
	after := false
	for _, step := range j.graph.Steps {
		if step.Stage == j.todo.Stage {
			break
		}
		if after {
			for _, unit := range step.Nodes {
				units = append(units, unitOf{step.Stage, unit})
			}
		}
		after = after || step.Stage == stage
	}
	return units
}

// intact says whether a finished unit is what its stage left: its result, and every file that its writer noted.
func (j job) intact(ctx context.Context, stage pipeline.Stage, unit pipeline.Node) (bool, error) {
	folder := j.unit(stage, unit.Key)
	var result pipeline.Result
	if err := store.ReadJSON(folder.Join(revision.ResultFile), &result); err != nil {
		return notIntact(err)
	}
	if !revision.SameJSON(result, j.todo.Results[unit.Key]) {
		return false, nil
	}
	if stage == pipeline.StageDownload {
		if _, err := readOriginals(folder, result.Download); err != nil {
			return notIntact(err)
		}
		return true, nil
	}
	list, err := readDigests(folder)
	if err != nil {
		return notIntact(err)
	}
	if stage == pipeline.StageSplit {
		for i, split := range j.todo.Recipe.Splits {
			info, err := folder.Join(split.Name + idxSuffix).Lstat()
			if err != nil || info.Size() != store.IndexBytes(result.Split.Rows[i]) {
				return notIntact(err)
			}
		}
	}
	for name, as := range list {
		digest, size, err := digestOf(ctx, folder.Join(name))
		if ctx.Err() != nil {
			return false, context.Cause(ctx) // which says nothing about the unit
		}
		if err != nil {
			return notIntact(err)
		}
		if digest != as.SHA256 || size != as.Bytes {
			return false, nil
		}
	}
	return true, nil
}

// notIntact says that a unit is not intact where that is what an error is about.
func notIntact(err error) (bool, error) {
	if err == nil {
		return false, nil
	}
	if failure := contract.VolumeMismatch(fmt.Errorf("a finished unit: %w", err)); contract.ReasonOf(failure) != contract.VolumeInvalid {
		return false, failure
	}
	return false, nil
}
