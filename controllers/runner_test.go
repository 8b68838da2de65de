package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestUnitsOf: a Job's task is made again with the units and the name that it had, in their order, whatever was finished since.
func TestUnitsOf(t *testing.T) {
	b := fixture.Small().Job(2, batchv1.JobStatus{})
	job, step := b.Jobs[0], b.Target.Graph.Next()
	all := step.Missing
	step.Missing = all[:1]
	if diff := cmp.Diff(all, jobs.Units(job, step)); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	if got := (runner{}).again(b.Build, step, job).Name(); got != job.Name {
		t.Errorf("the task would be %s, the Job is %s", got, job.Name)
	}
	job.Annotations[datav1alpha1.AnnotationUnits] = "0123456789abcdef," + render.Units(all[1:])
	if diff := cmp.Diff(all[1:], jobs.Units(job, step)); diff != "" {
		t.Errorf("with a unit that nobody knows (-want +got):\n%s", diff)
	}
}
