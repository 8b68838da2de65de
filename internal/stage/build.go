package stage

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Observer is told of each stage when it begins and of each unit when it is finished. It is called from one goroutine at a
// time.
type Observer interface {
	Begin(step recipe.Step)
	Done(stage recipe.Stage, unit recipe.Unit, result recipe.Result)
}

// Build walks a recipe's graph to its end in this process, up to parallel units of a stage at once: the same stages as the
// Jobs of a cluster, to the same bytes. It gives every result by key.
func (w *Worker) Build(ctx context.Context, r recipe.Recipe, parallel int, observer Observer) (map[string]recipe.Result, error) {
	results := map[string]recipe.Result{}
	for {
		graph, err := r.Walk(results)
		if err != nil {
			return nil, contract.Failf(reasonOfWalk(err), "%w", err)
		}
		step := graph.Next()
		if step == nil {
			return results, nil
		}
		observer.Begin(*step)
		finished, err := w.buildStep(ctx, r, results, *step, parallel, observer)
		if err != nil {
			return nil, err
		}
		for key, result := range finished {
			results[key] = result
		}
	}
}

func (w *Worker) buildStep(ctx context.Context, r recipe.Recipe, results map[string]recipe.Result, step recipe.Step, parallel int, observer Observer) (map[string]recipe.Result, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var mutex sync.Mutex
	finished := map[string]recipe.Result{}
	for _, unit := range step.Missing {
		group.Go(func() error {
			result, err := w.Run(ctx, Job{Recipe: r, Results: results, Stage: step.Stage, Unit: unit})
			if err != nil {
				return err
			}
			mutex.Lock()
			defer mutex.Unlock()
			finished[unit.Key] = result
			observer.Done(step.Stage, unit, result)
			return nil
		})
	}
	return finished, group.Wait()
}
