package stage

import (
	"context"
	"maps"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// Chained observes the units of a chain.
type Chained interface {
	Begin(stage pipeline.Stage, unit pipeline.Node)
	Done(stage pipeline.Stage, unit pipeline.Node, result pipeline.Result)
}

// Chain builds what a mix lacks from one stage on, up to its publication, unit by unit in this process. Each unit is finished on the volume, and
// reported, before the next one begins, so that a process that dies leaves them all, and the next process continues after them. A unit of an
// earlier stage that is missing or damaged is not built here: this process has neither network nor credentials.
func (w *Worker) Chain(ctx context.Context, todo Job, told Chained) error {
	own, unmount, err := w.mounted(todo.Recipe)
	if err != nil {
		return err
	}
	defer unmount()
	first, results := todo.Stage, maps.Clone(todo.Results)
	if results == nil {
		results = map[string]pipeline.Result{}
	}
	for {
		graph, err := pipeline.Walk(todo.Recipe, results)
		if err != nil {
			return contract.Failf(reasonOfWalk(err), "%w", err)
		}
		step := graph.Next()
		if step == nil {
			return nil
		}
		if !step.Stage.Follows(first) {
			return contract.Failf(contract.InvalidTask, "the task has no result of stage %s for %s", step.Stage, step.Missing[0].Name)
		}
		for _, unit := range step.Missing {
			told.Begin(step.Stage, unit)
			todo.Results, todo.Stage, todo.Unit = results, step.Stage, unit
			result, err := own.Run(ctx, todo)
			if err != nil {
				return err
			}
			results[unit.Key] = result
			told.Done(step.Stage, unit, result)
		}
	}
}
