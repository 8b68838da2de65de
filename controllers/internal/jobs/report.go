package jobs

import (
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

// A worker has written its unit to the volume before it ends, and its result is in the status of its container as soon as that has ended. The Job
// becomes Complete more than a second later. Therefore a stage is done when every worker of its Job has reported its result: the next one begins,
// and the Job ends later, however it ends.

// Worker returns the state of a pod's worker container, found by name: there may be sidecars.
func Worker(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == contract.ContainerName {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

// PodsOf returns the pods that a Job owns.
func PodsOf(job *batchv1.Job, pods []*corev1.Pod) []*corev1.Pod {
	var own []*corev1.Pod
	for _, pod := range pods {
		if OwnedBy(pod, job) {
			own = append(own, pod)
		}
	}
	return own
}

// ReportedAt returns when the last worker of a Job ended, nil while results are missing. On a PersistentVolumeClaim that one pod at a time may use,
// a pod counts once all of its containers have ended.
func ReportedAt(job *batchv1.Job, pods []*corev1.Pod, sharing render.Sharing) *metav1.Time {
	ends := map[string]metav1.Time{}
	for _, pod := range PodsOf(job, pods) {
		if _, whole := Results(job, pod); whole && (over(pod) || sharing != render.OnePod) {
			ends[pod.Annotations[batchv1.JobCompletionIndexAnnotation]] = Worker(pod).State.Terminated.FinishedAt
		}
	}
	if len(ends) < Pods(job) {
		return nil
	}
	var last metav1.Time
	for _, end := range ends {
		if last.Before(&end) {
			last = end
		}
	}
	return &last
}

// Results returns what the worker of a pod reported: the result of the unit of its index in the Job, or those of a chain, including those that were
// finished before a failure. whole reports that the worker has done all its work.
func Results(job *batchv1.Job, pod *corev1.Pod) (results []contract.NodeResult, whole bool) {
	status := Worker(pod)
	if status == nil || status.State.Terminated == nil {
		return nil, false
	}
	message, err := contract.ParseMessage([]byte(status.State.Terminated.Message))
	if err != nil || (message.Failure == nil) != (status.State.Terminated.ExitCode == 0) {
		return nil, false
	}
	index, chained := pod.Annotations[batchv1.JobCompletionIndexAnnotation], job.Annotations[datav1alpha1.AnnotationChain] != ""
	if chained && index == "0" {
		return message.Results, message.Failure == nil && len(message.Results) > 0
	}
	if chained || message.Result == nil || index != strconv.Itoa(render.Index(job.Annotations[datav1alpha1.AnnotationUnits], message.Node)) {
		return nil, false
	}
	return []contract.NodeResult{{Node: message.Node, Result: *message.Result}}, true
}

// over reports whether a pod has ended with all of its containers.
func over(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Writes reports whether a pod may still write to the volume. Its worker is never restarted.
func Writes(pod *corev1.Pod, sharing render.Sharing) bool {
	if over(pod) {
		return false
	}
	status := Worker(pod)
	return status == nil || status.State.Terminated == nil || sharing == render.OnePod
}
