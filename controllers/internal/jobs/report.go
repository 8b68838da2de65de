package jobs

import (
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

// A worker ends after it has written its unit to the volume, and then its result is in the status of its container. The Job becomes Complete more than a
// second later. Therefore a stage is done as soon as every worker of its Job has reported its result; the next stage does not wait for the Job.

// Worker returns the status of a pod's worker container, nil without one. It is found by name, since there may be sidecars.
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
	return slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool { return !OwnedBy(pod, job) })
}

// ReportedAt returns when the last worker of a Job ended, nil while results are missing. If only one pod at a time may use the claim, all containers of
// the pods must have ended.
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

// Results returns the results that the worker of a pod reported: one for the unit of its completion index, or several for a chain, whose worker reports
// finished units even if it fails later. whole reports whether the worker has done all its work.
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
