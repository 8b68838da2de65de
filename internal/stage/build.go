package stage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Observer receives each stage when it begins and each unit when it is finished. A data set may be split while others are still downloaded.
// Only one goroutine at a time calls it.
type Observer interface {
	Begin(step pipeline.Step)
	Done(stage pipeline.Stage, unit pipeline.Node, result pipeline.Result, way Way)
}

// Build walks a recipe's graph to its end in this process, up to parallel units of a stage at once: the same stages as the
// Jobs of a cluster, to the same bytes. It returns every result by key.
//
// Units are made durable in the background while the units that read them are built. All have their final names before the revision has.
func (w *Worker) Build(ctx context.Context, r recipe.Recipe, parallel int, observer Observer) (map[string]pipeline.Result, error) {
	own, unmount, err := w.mounted(r)
	if err != nil {
		return nil, err
	}
	defer unmount()
	if own.present, err = own.begin(revision.Folder(r.Output.Path)); err != nil {
		return nil, err
	}
	defer own.present.Leave()
	own.later, own.damaged, own.begun = &pendingCommits{units: map[store.Path]*pendingCommit{}}, map[string]bool{}, &begunSplits{}
	results, err := own.walk(ctx, r, parallel, observer)
	return results, errors.Join(err, own.later.finish()) // what is finished stays, however the build ends
}

// mostRepairs is how often a build goes back to a stage whose units were found damaged. A volume that damages them more often is not fit for
// a build.
const mostRepairs = 3

func (w *Worker) walk(ctx context.Context, r recipe.Recipe, parallel int, observer Observer) (map[string]pipeline.Result, error) {
	results := map[string]pipeline.Result{}
	for repairs := 0; ; {
		graph, err := pipeline.Walk(r, results)
		if err != nil {
			return nil, contract.Failf(reasonOfWalk(err), "%w", err)
		}
		step := graph.Next()
		if step == nil {
			return results, nil
		}
		observer.Begin(*step)
		results, err = w.buildStep(ctx, r, results, *step, parallel, observer)
		if err == nil {
			continue
		}
		damaged, ok := errors.AsType[*contract.Damaged](err)
		if !ok || repairs == mostRepairs {
			return nil, err
		}
		repairs++
		w.repairs(results, damaged.Keys)
	}
}

// repairs removes the results of damaged units, whose keys may be cut short, and notes why the units are built again.
func (w *Worker) repairs(results map[string]pipeline.Result, keys []string) {
	for key := range results {
		if slices.ContainsFunc(keys, func(cut string) bool { return strings.HasPrefix(key, cut) }) {
			delete(results, key)
			w.damaged[key] = true
		}
	}
}

func (w *Worker) buildStep(ctx context.Context, r recipe.Recipe, results map[string]pipeline.Result, step pipeline.Step, parallel int, observer Observer) (map[string]pipeline.Result, error) {
	group, building := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var mutex sync.Mutex
	finished := maps.Clone(results)
	// build builds a unit. After the download of a data set it splits the data set, while others are still downloaded.
	var build func(stage pipeline.Stage, unit pipeline.Node) error
	build = func(stage pipeline.Stage, unit pipeline.Node) (err error) {
		defer func() { err = cmp.Or(err, w.begun.drop(unit.Name)) }() // of a split that failed, or was found finished
		mutex.Lock()
		known := maps.Clone(finished)
		mutex.Unlock()
		result, way, err := w.run(building, Job{Recipe: r, Results: known, Stage: stage, Unit: unit})
		if err != nil {
			return err
		}
		if w.damaged[unit.Key] && way.How == Built {
			way = Way{How: Repaired, Why: "what was finished was damaged"}
		}
		mutex.Lock()
		finished[unit.Key] = result
		observer.Done(stage, unit, result, way)
		var ahead []pipeline.Node
		if stage == pipeline.StageDownload {
			ahead = pipeline.Ahead(r, finished)
		}
		mutex.Unlock()
		if next := slices.IndexFunc(ahead, func(u pipeline.Node) bool { return u.Name == unit.Name }); next >= 0 {
			return build(pipeline.StageSplit, ahead[next])
		}
		return nil
	}
	for _, unit := range step.Missing {
		group.Go(func() error { return build(step.Stage, unit) })
	}
	err := group.Wait()
	if failed, ok := errors.AsType[*undiagnosed](err); ok {
		err = diagnosis{failed.job}.diagnose(ctx, failed.error)
	}
	return finished, err
}
