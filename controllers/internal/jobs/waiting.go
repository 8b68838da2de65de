package jobs

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// staleAfter is the age from which an Event is ignored: a component that keeps trying records it again before that.
const staleAfter = 6 * time.Minute

// Waiting returns what keeps pods from running, by their status; empty if nothing does.
func Waiting(pods []*corev1.Pod) string {
	for _, pod := range pods {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse && condition.Reason == corev1.PodReasonUnschedulable {
				return fmt.Sprintf("pod %s cannot be scheduled: %s", pod.Name, condition.Message)
			}
		}
		status := Worker(pod)
		if status == nil || status.State.Waiting == nil {
			continue
		}
		switch reason := status.State.Waiting.Reason; reason {
		case "", "ContainerCreating", "PodInitializing":
		default:
			return fmt.Sprintf("the worker in pod %s cannot start: %s: %s", pod.Name, reason, status.State.Waiting.Message)
		}
	}
	return ""
}

// Refused returns why the pod of a Job could not be created; empty if the Job has a pod, or got one later. Refusals are Events, oldest first.
func Refused(job *batchv1.Job, pods []*corev1.Pod, refusals []*corev1.Event) string {
	if job.Status.Active > 0 {
		return ""
	}
	for _, event := range slices.Backward(refusals) {
		if event.InvolvedObject.UID != job.UID {
			continue
		}
		for _, pod := range pods {
			if pod.CreationTimestamp.After(RecordedAt(event).Time) {
				return ""
			}
		}
		return "no pod can be made: " + event.Message
	}
	return ""
}

// RecordedAt returns when an Event was last recorded.
func RecordedAt(event *corev1.Event) *metav1.Time {
	switch {
	case event.Series != nil:
		return &metav1.Time{Time: event.Series.LastObservedTime.Time}
	case !event.LastTimestamp.IsZero():
		return &event.LastTimestamp
	case !event.EventTime.IsZero():
		return &metav1.Time{Time: event.EventTime.Time}
	default:
		return &event.CreationTimestamp
	}
}

// Warnings has the newest Event about each object, by the UID of the object.
type Warnings map[types.UID]*corev1.Event

// NewestWarnings returns the newest Event about each object, without stale ones.
func NewestWarnings(events []corev1.Event, now time.Time) Warnings {
	newest := Warnings{}
	for i := range events {
		event := &events[i]
		of := event.InvolvedObject.UID
		if now.Sub(RecordedAt(event).Time) < staleAfter && (newest[of] == nil || !RecordedAt(event).Before(RecordedAt(newest[of]))) {
			newest[of] = event
		}
	}
	return newest
}

// About returns the warning about the first pod that has one; empty if none has.
func (w Warnings) About(pods []*corev1.Pod) string {
	for _, pod := range pods {
		if event := w[pod.UID]; event != nil {
			return fmt.Sprintf("pod %s cannot start: %s: %s; it starts by itself once that is corrected", pod.Name, event.Reason, event.Message)
		}
	}
	return ""
}
