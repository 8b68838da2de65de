package build_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestCovers: which Jobs build what a step lacks, and which had a part in it.
func TestCovers(t *testing.T) {
	chain := func(b fixture.Build, job *batchv1.Job) {
		job.Annotations[datav1alpha1.AnnotationChain] = render.ShortChain(b.Target.Chain)
	}
	for _, test := range []struct {
		name                string
		stages              int // that are finished
		change              func(b fixture.Build, job *batchv1.Job)
		covers, contributes bool
	}{
		{name: "of the step", covers: true, contributes: true},
		{name: "of another stage", change: func(_ fixture.Build, job *batchv1.Job) { job.Labels[datav1alpha1.LabelStage] = "mix" }},
		{name: "at another place", change: func(b fixture.Build, _ *batchv1.Job) { b.Target.Location.Again = "r" }},
		{name: "of one of the units", change: func(b fixture.Build, job *batchv1.Job) {
			job.Annotations[datav1alpha1.AnnotationUnits] = render.Units(b.Target.Next().Nodes[:1])
		}, contributes: true},
		{name: "of units that are not known", change: func(_ fixture.Build, job *batchv1.Job) {
			job.Annotations[datav1alpha1.AnnotationUnits] = "0123456789abcdef"
		}},
		{name: "of the chain from here", stages: 1, change: chain, covers: true, contributes: true},
		{name: "of the chain, from an earlier stage", stages: 2, change: func(b fixture.Build, job *batchv1.Job) {
			chain(b, job)
			job.Labels[datav1alpha1.LabelStage] = "split"
		}, covers: true, contributes: true},
		{name: "of the chain, from a later stage", stages: 1, change: func(b fixture.Build, job *batchv1.Job) {
			chain(b, job)
			job.Labels[datav1alpha1.LabelStage] = "balance"
		}},
		{name: "of another chain", stages: 1, change: func(_ fixture.Build, job *batchv1.Job) {
			job.Annotations[datav1alpha1.AnnotationChain] = "another"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := fixture.Small().Finish(test.stages).Job(1, batchv1.JobStatus{})
			job, step := b.Jobs[0], b.Target.Next()
			if test.change != nil {
				test.change(b, job)
			}
			if got := b.Target.Covers(job, step); got != test.covers || (b.Newest(step) == job) != test.covers {
				t.Errorf("covers: %v, and it is the newest that does: %v", got, b.Newest(step) == job)
			}
			if got := b.Target.Contributes(job, *step); got != test.contributes || (b.Latest(*step) == job) != test.contributes {
				t.Errorf("contributes: %v, and it is the latest that does: %v", got, b.Latest(*step) == job)
			}
			if got := b.IsStale(job); got == test.covers {
				t.Errorf("stale: %v", got)
			}
		})
	}
}

// TestStaleWriters: nothing new starts while a pod may write that no current Job owns; a pod of no Job does not count.
func TestStaleWriters(t *testing.T) {
	b := fixture.Small().Job(1, batchv1.JobStatus{})
	running := fixture.NewPod("own")
	running.Status.Phase = corev1.PodRunning
	b.Adopts(b.Jobs[0], running)
	other := fixture.NewPod("other").Pod
	b.Pods = append(b.Pods, &other)
	if b.HasStaleWriters() {
		t.Error("the pod of the current Job, and one of no Job, are taken for stale ones")
	}
	b.Jobs[0].Labels[datav1alpha1.LabelStage] = "mix"
	if !b.HasStaleWriters() {
		t.Error("the pod of a stale Job may write")
	}
	running.Status.Phase = corev1.PodSucceeded
	b.Pods[0] = &running.Pod
	if b.HasStaleWriters() {
		t.Error("a pod that has ended writes nothing")
	}
}

// TestPrune: what is recorded beyond the published revision is forgotten at its end and not before, failures with their Jobs.
func TestPrune(t *testing.T) {
	for _, stages := range []int{4, 5} {
		b := fixture.Small().Finish(stages)
		b.Jobs = []*batchv1.Job{{ObjectMeta: metav1.ObjectMeta{Name: "there"}}}
		b.Ledger.Results["earlier"] = pipeline.Result{}
		b.Ledger.Failures["there"], b.Ledger.Failures["gone"] = jobs.Failure{}, jobs.Failure{}
		b.Prune()
		if _, kept := b.Ledger.Results["earlier"]; kept != (stages < len(pipeline.Stages())) {
			t.Errorf("after %d stages, a result of an earlier revision is kept: %v", stages, kept)
		}
		if b.Walk(); b.Target.Err != nil || len(b.Target.Graph.Steps) != len(pipeline.Stages()) {
			t.Errorf("after %d stages, results of the revision are forgotten", stages)
		}
		if _, there := b.Ledger.Failures["there"]; !there || len(b.Ledger.Failures) != 1 {
			t.Errorf("failures: %v", b.Ledger.Failures)
		}
	}
}
