package controllers

import (
	"context"
	"errors"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/render"
)

// A namespace that is deleted loses its pods first, and everything else when they are gone. The pods of a Job that counts failures
// by index wait, with a finalizer, for their successors, which cannot be made any more: the namespace would never go. So the
// controller deletes its Jobs itself, as soon as it is told that nothing can be made.

// namespaceTerminating asks whether the namespace is being deleted, once pods are that should run: the error then says so.
func (r *DatasetMixReconciler) namespaceTerminating(ctx context.Context, s *scope, job *batchv1.Job) error {
	going := func(pod *corev1.Pod) bool { return !pod.DeletionTimestamp.IsZero() }
	if !slices.ContainsFunc(s.podsOf(job), going) {
		return nil
	}
	return r.probe(ctx, s)
}

// probe returns an error if the namespace is being deleted. The answer to a dry run costs no right that the controller does not have
// anyway, as reading namespaces would.
func (r *DatasetMixReconciler) probe(ctx context.Context, s *scope) error {
	probe := render.Results(s.mix, s.location, nil)
	probe.Name += "-probe"
	if err := r.Create(ctx, probe, client.DryRunAll); terminating(err) {
		return err
	}
	return nil
}

// terminating says whether an error is that the namespace is being deleted.
func terminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// deleteJobs deletes the Jobs that run.
func (r *DatasetMixReconciler) deleteJobs(ctx context.Context, s *scope) error {
	var failures []error
	for _, job := range s.jobs {
		if jobs.Finished(job) == "" && job.DeletionTimestamp.IsZero() {
			failures = append(failures, r.remove(ctx, s, job))
		}
	}
	return errors.Join(failures...)
}
