package controllers

import (
	"context"
	"errors"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// lostLimit is the number of Jobs of one generation that may complete without leaving a result.
const lostLimit = 3

// deleteStaleJobs deletes the Jobs that an edit of the spec has made stale, and records the results that they have so far. It ends the pass while
// their pods still write. A Job whose workers have all ended is left alone.
func (r *DatasetMixReconciler) deleteStaleJobs(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	b := &s.build
	var stale []*batchv1.Job
	for _, job := range b.Jobs {
		if b.IsStale(job) {
			stale = append(stale, job)
			s.harvest(job)
		}
	}
	if len(stale) > 0 {
		if result, err := r.objects(s).save(ctx, s); result != nil || err != nil {
			return result, err
		}
	}
	for _, job := range stale {
		if err := r.objects(s).remove(ctx, job); err != nil {
			return nil, err
		}
	}
	if next := b.Target.Graph.Next(); next != nil && (len(stale) > 0 || b.HasStaleWriters()) {
		if ptr.Deref(b.Mix.Spec.Suspend, false) {
			return outcome.Suspend(next), nil
		}
		return outcome.Progress("Waiting for the pods of an earlier build to end."), nil
	}
	return nil, nil
}

// reconcileJob creates the Job of the next stage, or reports on the existing one.
func (r *DatasetMixReconciler) reconcileJob(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	next := s.build.Target.Graph.Next()
	if next == nil {
		return nil, nil
	}
	run := runner{objects: r.objects(s), clock: r.Clock, settings: r.Settings}
	switch newest := s.build.Newest(next); {
	case newest == nil:
		return run.start(ctx, s, next, 1)
	case jobs.Finished(newest) == "":
		return run.follow(ctx, s, next, newest)
	case s.build.HasFailed(newest):
		return outcome.Failed(&s.build, next, newest), nil
	case s.build.Lost(next) >= lostLimit:
		return outcome.Lost(next, newest, lostLimit), nil
	default:
		return run.start(ctx, s, next, jobs.Attempt(newest)+1)
	}
}

// collectGarbage removes the Jobs and the tasks that the published revision was not built by. Jobs and tasks are judged separately: the Job of a task
// may not be in the cache yet.
func (r *DatasetMixReconciler) collectGarbage(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	var made []client.Object
	for _, job := range s.build.Jobs {
		made = append(made, job)
	}
	for _, task := range s.tasks {
		made = append(made, task)
	}
	for _, object := range made {
		contributes := func(step pipeline.Step) bool { return s.build.Target.Contributes(object, step) }
		if slices.ContainsFunc(s.build.Target.Graph.Steps, contributes) {
			continue
		}
		if err := r.objects(s).remove(ctx, object); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// deleteJobs deletes the unfinished Jobs.
func (o objects) deleteJobs(ctx context.Context, all []*batchv1.Job) error {
	var failures []error
	for _, job := range all {
		if jobs.Finished(job) == "" && job.DeletionTimestamp.IsZero() {
			failures = append(failures, o.remove(ctx, job))
		}
	}
	return errors.Join(failures...)
}
