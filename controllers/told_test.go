package controllers

import (
	"maps"
	"strconv"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// TestTold: a Job is done when a worker of its own has ended well with the result of the unit of its index, for each index.
func TestTold(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*scope, *batchv1.Job, []*corev1.Pod)
		want   bool
	}{
		{"all have told", func(*scope, *batchv1.Job, []*corev1.Pod) {}, true},
		{"the pods are not at their end yet", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) {
			for _, pod := range pods {
				pod.Status.Phase = corev1.PodRunning
			}
		}, true},
		{"nor are they, and the claim is for one pod at a time", func(s *scope, _ *batchv1.Job, pods []*corev1.Pod) {
			s.claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
			pods[1].Status.Phase = corev1.PodRunning
		}, false},
		{"they are, and the claim is for one pod at a time", func(s *scope, _ *batchv1.Job, _ []*corev1.Pod) {
			s.claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
		}, true},
		{"one runs", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) {
			pods[1].Status.Phase = corev1.PodRunning
			jobs.Worker(pods[1]).State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		}, false},
		{"one failed and says it did not", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) { jobs.Worker(pods[1]).State.Terminated.ExitCode = 1 }, false},
		{"half a message", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) {
			jobs.Worker(pods[1]).State.Terminated.Message = "{"
		}, false},
		{"a pod of another Job of the name", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) { pods[1].OwnerReferences[0].UID = "earlier" }, false},
		{"another index", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) {
			pods[1].Annotations[batchv1.JobCompletionIndexAnnotation] = "0"
		}, false},
		{"no index", func(_ *scope, _ *batchv1.Job, pods []*corev1.Pod) { pods[1].Annotations = nil }, false},
		{"a Job of other units", func(_ *scope, job *batchv1.Job, _ []*corev1.Pod) {
			job.Annotations[datav1alpha1.AnnotationUnits] = "0123456789abcdef,fedcba9876543210"
		}, false},
		{"a Job of another folder", func(s *scope, _ *batchv1.Job, _ []*corev1.Pod) { s.location.Path = "elsewhere" }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := small().job(1, batchv1.JobStatus{})
			job := b.jobs[0]
			for i, unit := range b.graph.Next().Missing {
				result, err := b.resultOf(pipeline.StageDownload, i, unit)
				if err != nil {
					t.Fatal(err)
				}
				b.leaves(job, strconv.Itoa(i), contract.Message{Stage: pipeline.StageDownload, Node: unit, Result: &result})
				jobs.Worker(b.pods[i]).State.Terminated.FinishedAt = fixture.At(int64(10 * (i + 1)))
			}
			b.claim = &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}}}
			test.change(b.scope, job, b.pods)
			if got := b.told(job); got != test.want {
				t.Errorf("told: %v", got)
			}
			if want := fixture.At(20); test.want && !b.ended(job).Equal(&want) {
				t.Errorf("the last worker ended at %s", b.ended(job))
			}
		})
	}
}

// TestTheNextStageDoesNotWaitForTheJob: it begins as soon as all workers have told; then the Job may end as it likes.
func TestTheNextStageDoesNotWaitForTheJob(t *testing.T) {
	for _, failed := range []bool{false, true} {
		w := newWorld(t)
		w.reconcileAll()
		for range 3 { // download, split and the chain
			w.work(0, true)
			w.reconcileAll()
		}
		mix := w.mix()
		if condition(mix, datav1alpha1.ConditionReady).Status != metav1.ConditionTrue {
			t.Fatalf("no Job was called Complete, and the mix is %+v", mix.Status.Conditions)
		}
		jobs := w.jobs()
		for _, stage := range mix.Status.Stages {
			if stage.State != datav1alpha1.StageSucceeded || stage.Attempt != 1 || stage.CompletionTime == nil {
				t.Errorf("stage %s: %+v", stage.Name, stage)
			}
		}
		how := 0
		if failed {
			how = 1
		}
		w.catchUp(how)
		w.reconcileAll()
		if again := w.mix(); again.ResourceVersion != mix.ResourceVersion {
			t.Errorf("failed %v: the end of the Jobs changed the status from\n%+v to\n%+v", failed, mix.Status, again.Status)
		}
		if now := w.jobs(); len(now) != len(jobs) {
			t.Errorf("failed %v: %d Jobs, and %d when they had ended", failed, len(jobs), len(now))
		}
	}
}

// TestAnEarlierPublicationIsNotTakenForANewOne: a ratio that comes back is published again, by a pod that looks at the volume; what the
// Job told that published it the first time says nothing of what is there now.
func TestAnEarlierPublicationIsNotTakenForANewOne(t *testing.T) {
	w := newWorld(t)
	w.reconcileAll()
	build := func() {
		for w.running() != nil {
			w.work(0, true)
			w.reconcileAll()
		}
		w.catchUp(0)
		w.reconcileAll()
		if condition(w.mix(), datav1alpha1.ConditionReady).Status != metav1.ConditionTrue {
			t.Fatalf("the mix is %+v", w.mix().Status.Conditions)
		}
	}
	build()
	before := w.mix().Spec.Domains[0].Share
	share := func(share resource.Quantity) {
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[0].Share = share })
		w.reconcileAll()
	}
	share(resource.MustParse("7"))
	build()
	share(before)
	if w.running() == nil || condition(w.mix(), datav1alpha1.ConditionReady).Status == metav1.ConditionTrue {
		t.Fatalf("no pod published the first ratio again, and the mix is %+v", w.mix().Status.Conditions)
	}
	build()
}

// chain is the message of a pod that builds the units of some stages, one after another; of fewer than there are, and it fails then.
func (w *world) chain(task contract.Task, stages int) contract.Message {
	w.t.Helper()
	b := scopeBuilder{&scope{recipe: task.Recipe}}
	message, results := contract.Message{Stage: task.Stage, Node: task.Nodes[0]}, maps.Clone(task.Results)
	for ; stages > 0; stages-- {
		graph, err := pipeline.Walk(task.Recipe, results)
		if err != nil {
			w.t.Fatalf("a chain whose results contradict each other: %v", err)
		}
		step := graph.Next()
		if step == nil {
			return message
		}
		for i, unit := range step.Missing {
			result, err := b.resultOf(step.Stage, i, unit)
			if err != nil {
				message.Failure = &contract.FailureNote{Reason: contract.InfeasibleMix, Message: err.Error()}
				return message
			}
			message.Node, results[unit.Key] = unit, result
			message.Results = append(message.Results, contract.NodeResult{Node: unit, Result: result})
		}
	}
	message.Failure = &contract.FailureNote{Reason: contract.WorkerFailed, Message: "ended in the middle"}
	return message
}
