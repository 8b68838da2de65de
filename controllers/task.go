package controllers

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// work is an attempt at the missing units of a step.
func (s *scope) work(step pipeline.Step, number int, settings render.Settings) render.Work {
	return render.Work{
		Mix: s.mix, Recipe: s.recipe, Graph: *s.graph, Results: s.record.results, Step: step, Attempt: number, Chain: s.chain(), Request: s.asked.Request,
		Location: s.location, Sharing: render.SharingOf(s.claim), Settings: settings,
	}
}

// restoreTask makes the task of a running Job again if somebody deleted it: pods that have not mounted it would wait for it for ever.
// A Job whose task cannot be made as it was begins anew.
func (r *DatasetMixReconciler) restoreTask(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	if slices.ContainsFunc(s.tasks, func(task *corev1.ConfigMap) bool { return task.Name == job.Name }) {
		return nil, nil
	}
	again := *step
	again.Missing = jobs.Units(job, step)
	work := s.work(again, jobs.Attempt(job), r.Settings)
	if work.Name() != job.Name {
		return outcome.Progress(fmt.Sprintf("Job %s has lost its task; stage %s starts again.", job.Name, step.Stage)), r.remove(ctx, s, job)
	}
	if err := r.keep(ctx, s, &work); err != nil {
		return nil, err
	}
	task, err := work.Task()
	if err != nil {
		return nil, err
	}
	return r.own(ctx, s, task)
}
