package controllers

import (
	"testing"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestParallelismFollowsAnEdit: at once, in the Job that runs, up to its pods; but of a Job in a queue it is the queue's.
func TestParallelismFollowsAnEdit(t *testing.T) {
	w := newWorld(t)
	w.reconcileAll()
	set := func(n int32) {
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{Parallelism: n} })
		w.reconcileAll()
	}
	before := w.jobs()[0]
	for _, c := range []struct{ asked, want int32 }{{1, 1}, {64, 2}, {1, 1}, {2, 2}} {
		set(c.asked)
		jobs := w.jobs()
		if len(jobs) != 1 || jobs[0].UID != before.UID || ptr.Deref(jobs[0].Spec.Parallelism, 0) != c.want {
			t.Fatalf("asked for %d: %d Jobs, the first with parallelism %d, want one with %d", c.asked, len(jobs), ptr.Deref(jobs[0].Spec.Parallelism, 0), c.want)
		}
	}
	queued := w.jobs()[0]
	queued.Labels[datav1alpha1.LabelQueue] = "training"
	if err := w.client.Update(t.Context(), &queued); err != nil {
		t.Fatal(err)
	}
	set(1)
	if jobs := w.jobs(); len(jobs) == 1 && ptr.Deref(jobs[0].Spec.Parallelism, 0) != 2 {
		t.Errorf("the manager changed a Job in a queue to %d", ptr.Deref(jobs[0].Spec.Parallelism, 0))
	}
}
