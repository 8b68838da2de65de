package jobs_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
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

// TestTimes: a Job has started when it was made, or last resumed, and ended at its terminal condition, whatever else was announced.
func TestTimes(t *testing.T) {
	condition := func(kind batchv1.JobConditionType, status corev1.ConditionStatus, seconds int64) batchv1.JobCondition {
		c := batchv1.JobCondition{Type: kind, Status: status}
		if seconds > 0 {
			c.LastTransitionTime = fixture.At(seconds)
		}
		return c
	}
	for _, test := range []struct {
		name           string
		suspend        bool
		conditions     []batchv1.JobCondition
		completion     int64
		started, ended int64 // seconds, 0 for none
		finished       batchv1.JobConditionType
	}{
		{name: "made", started: 1},
		{name: "held", suspend: true},
		{name: "held, and said so", suspend: true, conditions: []batchv1.JobCondition{condition(batchv1.JobSuspended, "True", 2)}},
		{name: "resumed a moment ago", conditions: []batchv1.JobCondition{condition(batchv1.JobSuspended, "True", 2)}},
		{name: "resumed", conditions: []batchv1.JobCondition{condition(batchv1.JobSuspended, "False", 3)}, started: 3},
		{name: "about to fail", conditions: []batchv1.JobCondition{condition(batchv1.JobFailureTarget, "True", 4)}, started: 1},
		{name: "failed", conditions: []batchv1.JobCondition{condition(batchv1.JobFailed, "True", 5)}, started: 1, ended: 5, finished: batchv1.JobFailed},
		{name: "failed, at no time", conditions: []batchv1.JobCondition{condition(batchv1.JobFailed, "True", 0)}, started: 1, finished: batchv1.JobFailed},
		{name: "not failed", conditions: []batchv1.JobCondition{condition(batchv1.JobFailed, "False", 5)}, started: 1},
		{name: "complete", conditions: []batchv1.JobCondition{condition(batchv1.JobComplete, "True", 7)}, completion: 6, started: 1, ended: 6, finished: batchv1.JobComplete},
		{name: "complete while it was held", suspend: true, conditions: []batchv1.JobCondition{condition(batchv1.JobComplete, "True", 7)}, started: 1, ended: 7, finished: batchv1.JobComplete},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: fixture.At(1)}, Spec: batchv1.JobSpec{Suspend: &test.suspend}}
			job.Status.Conditions = test.conditions
			if test.completion > 0 {
				job.Status.CompletionTime = ptr.To(fixture.At(test.completion))
			}
			seconds := func(at *metav1.Time) int64 {
				if at == nil {
					return 0
				}
				return at.Unix() - fixture.At(0).Unix()
			}
			if got := seconds(jobs.Started(job)); got != test.started {
				t.Errorf("started at %d, want %d", got, test.started)
			}
			if got := seconds(jobs.EndedAt(job)); got != test.ended {
				t.Errorf("ended at %d, want %d", got, test.ended)
			}
			if got := jobs.Finished(job); got != test.finished {
				t.Errorf("finished: %q, want %q", got, test.finished)
			}
		})
	}
}

// TestOlder: Jobs of one second are in the order of their attempts, then of their names; an attempt that cannot be read is the first.
func TestOlder(t *testing.T) {
	job := func(seconds int64, attempt, name string) *batchv1.Job {
		return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: fixture.At(seconds), Annotations: map[string]string{datav1alpha1.AnnotationAttempt: attempt}}}
	}
	want := []*batchv1.Job{job(1, "9", "z"), job(2, "many", "b"), job(2, "1", "c"), job(2, "2", "a"), job(2, "10", "a"), job(3, "-1", "a")}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, jobs.Older)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %d: %s of attempt %d", i, got[i].Name, jobs.Attempt(got[i]))
		}
	}
}

// TestUnits: the units of a Job in the order of its pods; a pod for each, or one for a chain.
func TestUnits(t *testing.T) {
	a, b := pipeline.Node{Name: "a", Key: "0123"}, pipeline.Node{Name: "b", Key: "4567"}
	step := &pipeline.Step{Nodes: []pipeline.Node{a, b}}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{datav1alpha1.AnnotationUnits: "4567,cdef,0123"}}}
	if diff := cmp.Diff([]pipeline.Node{b, a}, jobs.Units(job, step)); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	if got := jobs.Pods(job); got != 3 {
		t.Errorf("%d pods, want 3", got)
	}
	job.Annotations[datav1alpha1.AnnotationChain] = "c"
	if got := jobs.Pods(job); got != 1 {
		t.Errorf("%d pods of a chain, want 1", got)
	}
}
