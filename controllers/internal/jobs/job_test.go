package jobs_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

func TestCompleted(t *testing.T) {
	units := []pipeline.Node{{Name: "a", Key: "0123"}, {Name: "b", Key: "4567"}}
	job := &batchv1.Job{}
	job.Annotations = map[string]string{datav1alpha1.AnnotationUnits: render.Units(units)}
	for indexes, want := range map[string][2]bool{"": {}, "0": {true, false}, "1": {false, true}, "0-1": {true, true}, "0,1": {true, true}, "2-5": {}, "x": {}, "1-": {}, "10": {}} {
		job.Status.CompletedIndexes = indexes
		if got := [2]bool{jobs.Completed(job, units[0]), jobs.Completed(job, units[1])}; got != want {
			t.Errorf("%q: %v", indexes, got)
		}
	}
}
