package controllers

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// queue is the queue of Kueue that a Job is in, "" if it is in none. The Job's own label counts, not the mix's: a webhook may
// have set it, and the mix's may have changed since.
func queue(job *batchv1.Job) string { return job.Labels[datav1alpha1.LabelQueue] }

// queued tells how a Job in a queue goes. Whether it runs is up to Kueue: nothing of it is ever changed. A mix that is
// suspended gives its place up, and the Job with it; what its workers have finished is kept.
func (r *DatasetMixReconciler) queued(ctx context.Context, s *scope, step *recipe.Step, job *batchv1.Job) (*outcome, error) {
	if ptr.Deref(s.mix.Spec.Suspend, false) {
		s.harvest(job)
		if result, err := r.save(ctx, s); result != nil || err != nil {
			return result, err
		}
		return rest(step), r.remove(ctx, s, job)
	}
	if ptr.Deref(job.Spec.Suspend, false) {
		message := fmt.Sprintf("Stage %s: Job %s waits to be admitted to queue %s.", step.Stage, job.Name, queue(job))
		return &outcome{progressing, datav1alpha1.ReasonQueued, message}, nil
	}
	return s.running(step, job), nil
}
