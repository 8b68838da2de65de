package controllers

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/render"
)

// widen brings a running Job to the parallelism that the mix asks for now. How many pods of a Job in a queue run at once is the queue's
// to say.
func (r *DatasetMixReconciler) widen(ctx context.Context, s *scope, job *batchv1.Job) error {
	if jobs.Queue(job) != "" || job.Spec.Parallelism == nil {
		return nil
	}
	wanted := render.Parallelism(s.mix, jobs.Pods(job), render.SharingOf(s.claim))
	if *job.Spec.Parallelism == wanted {
		return nil
	}
	patched := job.DeepCopy()
	patched.Spec.Parallelism = &wanted
	if err := r.Patch(ctx, patched, client.MergeFrom(job)); err != nil {
		return fmt.Errorf("changing the parallelism of Job %s: %w", job.Name, err)
	}
	s.tally.wrote("patch", "Job")
	return nil
}
