package controllers

import (
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/status"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

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
		if status.Condition(mix, datav1alpha1.ConditionReady).Status != metav1.ConditionTrue {
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
		if status.Condition(w.mix(), datav1alpha1.ConditionReady).Status != metav1.ConditionTrue {
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
	if w.running() == nil || status.Condition(w.mix(), datav1alpha1.ConditionReady).Status == metav1.ConditionTrue {
		t.Fatalf("no pod published the first ratio again, and the mix is %+v", w.mix().Status.Conditions)
	}
	build()
}

// chain returns the message of a pod that builds the units of some stages, one after another; of fewer than there are, and it fails then.
func (w *world) chain(task contract.Task, stages int) contract.Message {
	w.t.Helper()
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
			result, err := fixture.Result(task.Recipe, step.Stage, i, unit)
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
