package envtest

import (
	"testing"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// asStages makes a mix so wide that each of its stages has a Job of its own.
func asStages(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.Shards = 5 }

// TestSuspendAtEveryStage stops a build in each of its stages and lets it go on: no stage is run twice, and none is lost.
func TestSuspendAtEveryStage(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	hangAt := func(stage pipeline.Stage) {
		d.does(func(task contract.Task, unit pipeline.Node) ending {
			if task.Stage == stage {
				return ending{hang: true}
			}
			return worker(task, unit)
		})
	}
	hangAt(pipeline.StageDownload)
	mix := create(t, space, asStages)
	stages := pipeline.Stages()
	for i, stage := range stages {
		eventually(t, "a pod of stage "+string(stage)+" runs", func() string {
			if read(t, mix); podsRunning(t, space) == 0 || mix.Status.Summary == nil || mix.Status.Summary.Stage != string(stage) {
				return "none"
			}
			return ""
		})
		update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
		becomesSuspended(t, mix)
		eventually(t, "no pod runs", func() string {
			if podsRunning(t, space) > 0 {
				return "some"
			}
			return ""
		})
		if got := mix.Status.Stages[i].State; got != datav1alpha1.StageSuspended {
			t.Errorf("state of stage %s: got %s, want Suspended", stage, got)
		}
		if i+1 < len(stages) {
			hangAt(stages[i+1])
		} else {
			d.does(worker)
		}
		update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(false) })
	}
	published(t, mix)
	if jobs := d.jobs(); len(jobs) != len(stages) {
		t.Errorf("Jobs: %v, want one for each stage", jobs)
	}
}
