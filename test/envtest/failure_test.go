package envtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

const wrong = "ffffffffffffffffffffffffffffffffffffffff"

// wrongRevision returns a worker that does not find one revision.
func wrongRevision(task contract.Task, unit pipeline.Node) ending {
	if dataset, _, _ := task.Recipe.Dataset(unit.Name); dataset.Source.HuggingFace != nil && dataset.Source.HuggingFace.Revision == wrong {
		return fails(task, unit, contract.SourceNotFound, "data set math: the repository EleutherAI/hendrycks_math has no revision "+wrong)
	}
	return worker(task, unit)
}

// TestPermanentFailure: what a person has to look at stalls at once, survives the loss of the pods, and is left by an edit
// that keeps what was finished.
func TestPermanentFailure(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(wrongRevision)
	set := func(revision string) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Domains[0].Datasets[1].Source.HuggingFace.Revision = revision
		}
	}
	mix := create(t, space, set(wrong))
	message := stalls(t, mix, datav1alpha1.ReasonSourceNotFound)
	jobs := d.jobs()
	if len(jobs) != 1 {
		t.Fatalf("Jobs: %v, want 1: nothing is gained by trying again", jobs)
	}
	names(t, message, "math", "EleutherAI/hendrycks_math", wrong, jobs[0])
	if got := mix.Status.Stages[0].State; got != datav1alpha1.StageFailed {
		t.Errorf("state of download: got %s, want Failed", got)
	}

	remove(t, &corev1.Pod{}, space)
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Labels = map[string]string{"poke": "1"} })
	if again := stalls(t, mix, datav1alpha1.ReasonSourceNotFound); again != message {
		t.Errorf("message without the pods: %s\nwant %s", again, message)
	}

	d.forget()
	update(t, mix, set("21a5633873b6a120296cce3e2df9d5550074f4a3"))
	published(t, mix)
	if diff := cmp.Diff([]string{"math"}, d.ran(pipeline.StageDownload)); diff != "" {
		t.Errorf("downloaded after the edit (-want +got):\n%s", diff)
	}
}

// TestTransientFailure: a stage whose retries are used up stalls, and any edit of the spec tries again, even one that
// changes no key.
func TestTransientFailure(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if unit.Name == "squad2" {
			return ending{code: 137, reason: "OOMKilled"}
		}
		return worker(task, unit)
	})
	mix := create(t, space, nil)
	names(t, stalls(t, mix, datav1alpha1.ReasonOutOfMemory), "download", datav1alpha1.ReasonOutOfMemory)
	d.does(worker)
	d.forget()
	update(t, mix, func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Worker = &datav1alpha1.Worker{NodeSelector: map[string]string{"memory": "much"}}
	})
	published(t, mix)
	if diff := cmp.Diff([]string{"squad2"}, d.ran(pipeline.StageDownload)); diff != "" {
		t.Errorf("downloaded after the edit (-want +got):\n%s", diff)
	}
	if got := mix.Status.Stages[0].Attempt; got != 2 {
		t.Errorf("attempt of download: got %d, want 2", got)
	}
}

// TestInfeasible: counts that cannot meet the limits stall the mix, and the message names a remedy.
func TestInfeasible(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if task.Stage == pipeline.StageBalance {
			return fails(task, unit, contract.InfeasibleMix, "the mix of split train cannot be made: too many repeats")
		}
		return worker(task, unit)
	})
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Limits.MaxRepeats = 2 })
	stalls(t, mix, datav1alpha1.ReasonInfeasibleMix)
	d.does(worker)
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Limits = nil })
	published(t, mix)
}

// TestPlanMismatch: a worker whose plan differs from the manager's stalls the mix.
func TestPlanMismatch(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if task.Stage == pipeline.StageBalance {
			return reports(task, unit, pipeline.Result{Balance: &pipeline.BalanceResult{Plan: "another"}})
		}
		return worker(task, unit)
	})
	mix := create(t, space, nil)
	stalls(t, mix, datav1alpha1.ReasonPlanMismatch)
}

// TestInvalidSpec: a spec that the schema lets through and that means nothing.
func TestInvalidSpec(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	newDriver(t, space)
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Splits[0].Share.SetMilli(1)
		mix.Spec.Splits[1].Share.Set(999_983)
	})
	names(t, stalls(t, mix, datav1alpha1.ReasonInvalidSpec), "splits", "999983001", "1000000")
}
