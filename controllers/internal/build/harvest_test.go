package build_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestDamagedUnitsAreBuiltAgain: what a worker found damaged is forgotten, whatever the pods of earlier Jobs still say; a later Job's
// result counts; and the Job that found it has another attempt then, but not for ever.
func TestDamagedUnitsAreBuiltAgain(t *testing.T) {
	b := fixture.Small().Finish(1).Job(1, fixture.Complete(1))
	split := b.Target.Graph.Next().Nodes[0]
	first := b.Jobs[0]
	result, err := fixture.Result(b.Target.Recipe, pipeline.StageSplit, 0, split)
	if err != nil {
		t.Fatal(err)
	}
	b.Leaves(first, "split", contract.Message{Stage: pipeline.StageSplit, Node: split, Result: &result})
	b = b.Finish(2).Job(2, fixture.JobFailed(batchv1.JobReasonPodFailurePolicy))
	mixing := b.Jobs[1]
	b.Leaves(mixing, "mix", contract.Message{Stage: pipeline.StageMix, Failure: &contract.FailureNote{Reason: contract.UnitsDamaged, Message: "facts", Damaged: []string{split.Key[:10]}}})
	for _, job := range b.Jobs {
		b.Harvest(job)
	}
	b.Walk()
	if step := b.Target.Graph.Next(); step.Stage != pipeline.StageSplit || len(step.Missing) != 1 || step.Missing[0] != split {
		t.Fatalf("stage %s comes next, for %v; want split again, for %v", step.Stage, step.Missing, split)
	}
	if !b.IsRepairing(b.Target.Graph.Next()) {
		t.Error("it is not said that damage is built again")
	}

	data, err := b.Ledger.Data() // the manager starts anew
	if err != nil {
		t.Fatal(err)
	}
	if got := ledger.Read(render.Results(b.Mix, b.Target.Location, data), b.Target.Location).Failures[mixing.Name]; !got.Damages(split.Key) || got.Damages("0"+split.Key) {
		t.Errorf("read back: %+v", got)
	}
	b.Harvest(first)
	if _, there := b.Ledger.Results[split.Key]; there {
		t.Fatal("a result from before the damage is taken")
	}

	b = b.Job(3, fixture.Complete(3))
	b.Leaves(b.Jobs[2], "split-again", contract.Message{Stage: pipeline.StageSplit, Node: split, Result: &result})
	for _, job := range b.Jobs {
		b.Harvest(job)
	}
	b.Walk()
	if step := b.Target.Graph.Next(); step.Stage != pipeline.StageMix || b.HasFailed(mixing) {
		t.Errorf("stage %s comes next, and the Job that found the damage has failed for good: %v", step.Stage, b.HasFailed(mixing))
	}
	mixing.Annotations["data.datasetmix.io/attempt"] = "4"
	if !b.HasFailed(mixing) {
		t.Error("there is an attempt for ever")
	}
}

// TestFullClaimIsRemembered: the size of a claim that was full is recorded with the failure, and read back.
func TestFullClaimIsRemembered(t *testing.T) {
	b := fixture.Small().Job(1, fixture.JobFailed(""))
	b.Claim = &corev1.PersistentVolumeClaim{Status: corev1.PersistentVolumeClaimStatus{
		Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")},
	}}
	b.Adopts(b.Jobs[0], fixture.NewPod("a").Failed(contract.InsufficientStorage, "no space left"))
	b.Harvest(b.Jobs[0])
	data, err := b.Ledger.Data()
	if err != nil {
		t.Fatal(err)
	}
	config := render.Results(b.Mix, b.Target.Location, data)
	want := jobs.Failure{FailureNote: contract.FailureNote{Reason: contract.InsufficientStorage, Message: "no space left"}, Pod: "a", Capacity: "5Gi"}
	if diff := cmp.Diff(want, ledger.Read(config, b.Target.Location).Failures[b.Jobs[0].Name]); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

// TestFetchErrors: a Job that failed is counted when its failure is recorded, and of the download stage only.
func TestFetchErrors(t *testing.T) {
	for stages, want := range map[int][]contract.Reason{0: {contract.FetchFailed}, 1: nil} {
		b := fixture.Small().Finish(stages).Job(1, fixture.JobFailed(""))
		b.Adopts(b.Jobs[0], fixture.NewPod("a").Failed(contract.FetchFailed, "no route"))
		if diff := cmp.Diff(want, append(b.Harvest(b.Jobs[0]), b.Harvest(b.Jobs[0])...)); diff != "" {
			t.Errorf("after %d stages (-want +got):\n%s", stages, diff)
		}
	}
}
