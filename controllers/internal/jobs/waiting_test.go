package jobs_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
)

// TestRefused: the newest refusal of a Job without pods is told, until a pod was made after it.
func TestRefused(t *testing.T) {
	event := func(seconds int64, uid types.UID, message string) *corev1.Event {
		return &corev1.Event{InvolvedObject: corev1.ObjectReference{UID: uid}, LastTimestamp: fixture.At(seconds), Message: message}
	}
	series := &corev1.Event{
		InvolvedObject: corev1.ObjectReference{UID: "job"}, EventTime: metav1.NewMicroTime(fixture.At(1).Time), Message: "again and again",
		Series: &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(fixture.At(30).Time)},
	}
	const quota = "no pod can be made: exceeded quota: small"
	tests := []struct {
		name   string
		active int32
		events []*corev1.Event
		pods   []*corev1.Pod
		want   string
	}{
		{name: "nothing was refused"},
		{name: "a quota", events: []*corev1.Event{event(5, "job", "exceeded quota: small")}, want: quota},
		{name: "the newest", events: []*corev1.Event{event(5, "job", "another"), event(6, "job", "exceeded quota: small")}, want: quota},
		{name: "of another Job", events: []*corev1.Event{event(5, "other", "exceeded quota: small")}},
		{name: "while pods run", active: 1, events: []*corev1.Event{event(5, "job", "exceeded quota: small")}},
		{name: "before the newest pod", events: []*corev1.Event{event(5, "job", "exceeded quota: small")}, pods: fixture.Pods(fixture.NewPod("a").Created(6))},
		{name: "after the newest pod", events: []*corev1.Event{event(5, "job", "exceeded quota: small")}, pods: fixture.Pods(fixture.NewPod("a").Created(4)), want: quota},
		{name: "a series is as new as its end", events: []*corev1.Event{series}, pods: fixture.Pods(fixture.NewPod("a").Created(6)), want: "no pod can be made: again and again"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{UID: "job"}, Status: batchv1.JobStatus{Active: test.active}}
			if got := jobs.Refused(job, test.pods, test.events); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
