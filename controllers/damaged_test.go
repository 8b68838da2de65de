package controllers

import (
	"strconv"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// leaves gives a Job a pod that left a message.
func (b scopeBuilder) leaves(job *batchv1.Job, name string, message contract.Message) {
	encoded, err := message.Encode()
	if err != nil {
		panic(err)
	}
	code := 0
	if message.Failure != nil {
		code = message.Failure.Reason.ExitCode()
	}
	left := fixture.NewPod(name).Ended(int32(code), "", string(encoded))
	index := render.Index(job.Annotations[datav1alpha1.AnnotationUnits], message.Node)
	left.Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: strconv.Itoa(index)}
	left.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
	b.pods = append(b.pods, &left.Pod)
}

// TestDamagedUnitsAreBuiltAgain: what a worker found damaged is forgotten, whatever the pods of earlier Jobs still say; a later Job's
// result counts; and the Job that found it has another attempt then, but not for ever.
func TestDamagedUnitsAreBuiltAgain(t *testing.T) {
	ended := batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: "True", Reason: batchv1.JobReasonPodFailurePolicy}}}
	b := small().finish(1).job(1, complete(1))
	split := b.graph.Next().Nodes[0]
	first := b.jobs[0]
	result, err := b.resultOf(pipeline.StageSplit, 0, split)
	if err != nil {
		t.Fatal(err)
	}
	b.leaves(first, "split", contract.Message{Stage: pipeline.StageSplit, Node: split, Result: &result})
	b = b.finish(2).job(2, ended)
	mixing := b.jobs[1]
	b.leaves(mixing, "mix", contract.Message{Stage: pipeline.StageMix, Failure: &contract.FailureNote{Reason: contract.UnitsDamaged, Message: "facts", Damaged: []string{split.Key[:10]}}})
	for _, job := range b.jobs {
		b.harvest(job)
	}
	b.walk()
	if step := b.graph.Next(); step.Stage != pipeline.StageSplit || len(step.Missing) != 1 || step.Missing[0] != split {
		t.Fatalf("stage %s comes next, for %v; want split again, for %v", step.Stage, step.Missing, split)
	}
	if !b.repairing(b.graph.Next()) {
		t.Error("it is not said that damage is built again")
	}

	data, err := b.record.data() // the manager starts anew
	if err != nil {
		t.Fatal(err)
	}
	if got := readRecord(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"data.datasetmix.io/location": b.location.String()}}, Data: data}, b.location).failures[mixing.Name]; !got.Damages(split.Key) || got.Damages("0"+split.Key) {
		t.Errorf("read back: %+v", got)
	}
	b.harvest(first)
	if _, there := b.record.results[split.Key]; there {
		t.Fatal("a result from before the damage is taken")
	}

	b = b.job(3, complete(3))
	b.leaves(b.jobs[2], "split-again", contract.Message{Stage: pipeline.StageSplit, Node: split, Result: &result})
	for _, job := range b.jobs {
		b.harvest(job)
	}
	b.walk()
	if step := b.graph.Next(); step.Stage != pipeline.StageMix || !b.mended(mixing) {
		t.Errorf("stage %s comes next, and the Job that found the damage is mended: %v", step.Stage, b.mended(mixing))
	}
	mixing.Annotations["data.datasetmix.io/attempt"] = "4"
	if b.mended(mixing) {
		t.Error("there is an attempt for ever")
	}
}
