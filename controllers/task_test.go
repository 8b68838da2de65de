package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestUnitsOf: a Job's task is made again with the units and the name that it had, in their order, whatever was finished since.
func TestUnitsOf(t *testing.T) {
	b := small().job(2, batchv1.JobStatus{})
	b.claim = &corev1.PersistentVolumeClaim{}
	job, step := b.jobs[0], b.graph.Next()
	all := step.Missing
	step.Missing = all[:1]
	if diff := cmp.Diff(all, jobs.Units(job, step)); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	again := *step
	again.Missing = jobs.Units(job, step)
	if got := b.work(again, jobs.Attempt(job), render.Settings{}).Name(); got != job.Name {
		t.Errorf("the task would be %s, the Job is %s", got, job.Name)
	}
	job.Annotations[datav1alpha1.AnnotationUnits] = "0123456789abcdef," + render.Units(all[1:])
	if diff := cmp.Diff(all[1:], jobs.Units(job, step)); diff != "" {
		t.Errorf("with a unit that nobody knows (-want +got):\n%s", diff)
	}
}
