package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// logLimit is the number of bytes of a log that a failure quotes.
const logLimit = 512

// Failure is why a pod failed, with the name of the pod, by which its log can be found. It is recorded with the results.
type Failure struct {
	contract.FailureNote
	Pod string `json:"pod,omitempty"`
	// Capacity is the capacity of the claim when it was full, as text: a larger claim is worth another attempt.
	Capacity string `json:"capacity,omitempty"`
}

// Damages reports whether a failure says that the unit with a key is damaged.
func (f Failure) Damages(key string) bool {
	return slices.ContainsFunc(f.Damaged, func(cut string) bool { return cut != "" && strings.HasPrefix(key, cut) })
}

// Failed returns why a pod failed, nil if it did not. A disruption counts more than the worker's message, since a worker that is being terminated may
// report anything. A worker that was killed leaves no message.
func Failed(pod *corev1.Pod) *Failure {
	if pod.Status.Phase != corev1.PodFailed || endedByDeletion(pod) {
		return nil
	}
	because := func(reason contract.Reason, format string, args ...any) *Failure {
		return &Failure{FailureNote: contract.FailureNote{Reason: reason, Message: fmt.Sprintf(format, args...)}, Pod: pod.Name}
	}
	if cause, disrupted := disruption(pod); disrupted {
		return because(datav1alpha1.ReasonDisrupted, "pod %s was ended from outside: %s", pod.Name, cause)
	}
	status := Worker(pod)
	if status == nil || status.State.Terminated == nil {
		return because(contract.WorkerFailed, "pod %s failed before its worker ended: %s", pod.Name, cmp.Or(pod.Status.Message, pod.Status.Reason, "no cause given"))
	}
	ended := status.State.Terminated
	if message, err := contract.ParseMessage([]byte(ended.Message)); err == nil && message.Failure != nil {
		return &Failure{FailureNote: *message.Failure, Pod: pod.Name}
	}
	if ended.Reason == "OOMKilled" {
		return because(datav1alpha1.ReasonOutOfMemory, "the worker in pod %s was killed for exceeding its memory limit%s; raise spec.worker.resources.limits.memory", pod.Name, memoryLimit(pod))
	}
	return because(contract.WorkerFailed, "the worker in pod %s ended with exit code %d: %s", pod.Name, ended.ExitCode, cmp.Or(tail(ended.Message), ended.Reason))
}

// endedByDeletion reports whether a pod ended because it was deleted: by a suspended Job, a Workload or a person. The worker's last message is then
// not a failure. A pod that had failed before it was deleted stays a failure.
//
// When the kubelet confirms the end of a pod that the Job controller still holds, the time of deletion becomes that of the confirmation, without a
// grace period. The deletion itself was earlier by at most the pod's grace period.
func endedByDeletion(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp.IsZero() {
		return false
	}
	if _, disrupted := disruption(pod); disrupted {
		return false
	}
	status := Worker(pod)
	if status == nil || status.State.Terminated == nil || status.State.Terminated.FinishedAt.IsZero() {
		return true // the worker was not started, or the kubelet has not seen it run
	}
	grace := cmp.Or(ptr.Deref(pod.DeletionGracePeriodSeconds, 0), ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds))
	return !status.State.Terminated.FinishedAt.Time.Before(pod.DeletionTimestamp.Add(-time.Duration(grace) * time.Second))
}

// disruption returns what ended a pod from outside: a drain, a preemption, an eviction, a deleted node.
func disruption(pod *corev1.Pod) (string, bool) {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.DisruptionTarget && condition.Status == corev1.ConditionTrue {
			return cmp.Or(condition.Message, condition.Reason, "no cause given"), true
		}
	}
	return "", false
}

// memoryLimit returns the worker's memory limit for a message, "" if it has none.
func memoryLimit(pod *corev1.Pod) string {
	for _, container := range pod.Spec.Containers {
		if limit, ok := container.Resources.Limits[corev1.ResourceMemory]; ok && container.Name == contract.ContainerName {
			return " of " + limit.String()
		}
	}
	return ""
}

// WorstFailure returns the failure to show for several pods, nil if none failed: permanent failures come first and disruptions last, and among equals
// the pod that was created last, then the first by name, so that the same pods always show the same failure.
func WorstFailure(pods []*corev1.Pod) *Failure {
	broken := slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool { return Failed(pod) == nil })
	if len(broken) == 0 {
		return nil
	}
	rank := func(pod *corev1.Pod) int {
		switch reason := Failed(pod).Reason; {
		case reason.Permanent():
			return 0
		case reason == datav1alpha1.ReasonDisrupted:
			return 2
		default:
			return 1
		}
	}
	return Failed(slices.MinFunc(broken, func(a, b *corev1.Pod) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(b.CreationTimestamp.Unix(), a.CreationTimestamp.Unix()),
			cmp.Compare(a.Name, b.Name),
		)
	}))
}

// tail returns the end of a log, in one line.
func tail(log string) string {
	line := strings.Join(strings.Fields(log), " ")
	return line[max(0, len(line)-logLimit):]
}
