package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/store"
)

// diagnosis looks for the cause of a unit's failure in the units that it is made of.
type diagnosis struct{ job job }

// suspect reports whether damaged units may be the cause of a failure. Bad rows are the fault of a source, unless they come from a finished unit.
func (d diagnosis) suspect(reason contract.Reason) bool {
	switch reason {
	case contract.VolumeInvalid:
		return d.job.stage != pipeline.StageDownload
	case contract.LeakageDetected, contract.InvalidData, contract.WorkerFailed:
		return d.job.stage != pipeline.StageDownload && d.job.stage != pipeline.StageSplit
	default:
		return false
	}
}

// undiagnosed is the failure of a unit. Its cause is looked for once no other unit is being built.
type undiagnosed struct {
	error
	job job
}

func (u *undiagnosed) Unwrap() error { return u.error }

// diagnose looks for the cause of a failure in the finished units that this one is made of. Units that have changed since their stages wrote
// them are removed, with all units that were made of them, and are therefore built again.
//
// If a revision cannot be proved although all of its units are as they were written, the damage is gone by now or cannot be detected, such as that
// of an index: then all of its parts are built again.
func (d diagnosis) diagnose(ctx context.Context, failure error) error {
	reason := contract.ReasonOf(failure)
	if ctx.Err() != nil || !d.suspect(reason) {
		return failure
	}
	doomed, err := d.damaged(ctx)
	if err != nil {
		return errors.Join(failure, err)
	}
	if _, proof := errors.AsType[*unproved](failure); proof && len(doomed) == 0 {
		doomed = d.madeAfter(pipeline.StageDownload)
	}
	if len(doomed) == 0 {
		return failure
	}
	if err := d.job.worker.later.finish(); err != nil {
		return errors.Join(failure, err)
	}
	var keys []string
	for _, of := range doomed {
		keys = append(keys, of.Unit.Key)
		if err := store.RemoveAll(d.job.worker.path(d.job.folder.Node(of.Stage, of.Unit.Key))); err != nil {
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
func (d diagnosis) damaged(ctx context.Context) ([]unitOf, error) {
	for _, step := range d.earlier() {
		var doomed []unitOf
		for _, unit := range step.Nodes {
			if !d.needs(step.Stage, unit) {
				continue
			}
			whole, err := d.intact(ctx, step.Stage, unit)
			if err != nil {
				return nil, err
			}
			if !whole {
				doomed = append(doomed, unitOf{step.Stage, unit})
			}
		}
		if len(doomed) > 0 && step.Stage == pipeline.StageDownload {
			return doomed, nil // what was made of an original has its own digest
		}
		if len(doomed) > 0 {
			return append(doomed, d.madeAfter(step.Stage)...), nil
		}
	}
	return nil, nil
}

// needs reports whether this unit is made of a unit of an earlier stage. A split needs no downloads but its own and those of probes.
func (d diagnosis) needs(stage pipeline.Stage, unit pipeline.Node) bool {
	_, finished := d.job.results[unit.Key]
	if stage != pipeline.StageDownload || d.job.stage != pipeline.StageSplit {
		return finished
	}
	_, _, dataset := d.job.recipe.Dataset(unit.Name)
	return finished && (unit.Name == d.job.node.Name || !dataset)
}

// earlier returns the steps of the stages before this unit's.
func (d diagnosis) earlier() []pipeline.Step {
	return slices.DeleteFunc(slices.Clone(d.job.graph.Steps), func(step pipeline.Step) bool { return step.Stage.Follows(d.job.stage) })
}

// madeAfter lists the units of the stages after one and before this unit's.
func (d diagnosis) madeAfter(stage pipeline.Stage) []unitOf {
	var units []unitOf
	for _, step := range d.earlier() {
		if step.Stage == stage || !step.Stage.Follows(stage) {
			continue
		}
		for _, unit := range step.Nodes {
			units = append(units, unitOf{step.Stage, unit})
		}
	}
	return units
}

// intact reports whether a finished unit is what its stage left: its result, and every file that its writer noted.
func (d diagnosis) intact(ctx context.Context, stage pipeline.Stage, unit pipeline.Node) (bool, error) {
	folder := d.job.unit(stage, unit.Key)
	var result pipeline.Result
	if err := store.ReadJSON(folder.Join(revision.ResultFile), &result); err != nil {
		return notIntact(err)
	}
	if !revision.SameJSON(result, d.job.results[unit.Key]) {
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
		for i, split := range d.job.recipe.Splits {
			info, err := folder.Join(split.Name + idxSuffix).Lstat()
			if err != nil || info.Size() != rowfile.IndexBytes(result.Split.Rows[i]) {
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

// notIntact returns what an error says about a finished unit: that it is not intact, or, where the volume has trouble, the error itself.
func notIntact(err error) (bool, error) {
	if err == nil {
		return false, nil
	}
	if failure := contract.VolumeMismatch(fmt.Errorf("a finished unit: %w", err)); contract.ReasonOf(failure) != contract.VolumeInvalid {
		return false, failure
	}
	return false, nil
}
