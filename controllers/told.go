package controllers

import (
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

// A worker has written its unit to the volume before it ends, and its result is in the status of its container as soon as that has
// ended. The Job is called Complete more than a second later. So a stage is done when every worker of its Job has told its result:
// the next one begins, and the Job ends behind it, however it ends.

// told reports whether every worker of a Job has ended and told its result, whether or not the Job is called Complete yet.
func (s *scope) told(job *batchv1.Job) bool {
	return s.toldAt(job) != nil
}

// toldAt is when the last worker of such a Job ended, nil for one that has results to come. On a claim that one pod at a time may use, a
// pod counts when all of it has ended.
func (s *scope) toldAt(job *batchv1.Job) *metav1.Time {
	if !s.here(job) {
		return nil
	}
	ends := map[string]metav1.Time{}
	for _, pod := range s.podsOf(job) {
		if _, whole := resultsOf(job, pod); whole && (ended(pod) || render.SharingOf(s.claim) != render.OnePod) {
			ends[pod.Annotations[batchv1.JobCompletionIndexAnnotation]] = worker(pod).State.Terminated.FinishedAt
		}
	}
	if len(ends) < podsPlanned(job) {
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

// podsPlanned is how many pods finish a Job.
func podsPlanned(job *batchv1.Job) int {
	if job.Annotations[datav1alpha1.AnnotationChain] != "" {
		return 1
	}
	return render.CountUnits(job.Annotations[datav1alpha1.AnnotationUnits])
}

// resultsOf are the results that the worker of a pod told: that of the unit of its index in the Job, or those of a chain, of which each
// counts that was finished before a failure. It is whole where the worker has done all that it had to.
func resultsOf(job *batchv1.Job, pod *corev1.Pod) (results []contract.NodeResult, whole bool) {
	status := worker(pod)
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

// ended reports whether a pod has come to its end, all of its containers with it.
func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// writes reports whether a pod may still write to the volume. Its worker is never started again.
func (s *scope) writes(pod *corev1.Pod) bool {
	if ended(pod) {
		return false
	}
	status := worker(pod)
	return status == nil || status.State.Terminated == nil || render.SharingOf(s.claim) == render.OnePod
}
