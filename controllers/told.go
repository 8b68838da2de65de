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
		if _, ok := resultOf(job, pod); ok && (ended(pod) || render.SharingOf(s.claim) != render.OnePod) {
			ends[pod.Annotations[batchv1.JobCompletionIndexAnnotation]] = worker(pod).State.Terminated.FinishedAt
		}
	}
	if len(ends) < render.CountUnits(job.Annotations[datav1alpha1.AnnotationUnits]) {
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

// resultOf is the message of a pod whose worker has finished the unit of the pod's index in its Job.
func resultOf(job *batchv1.Job, pod *corev1.Pod) (contract.Message, bool) {
	message, ok := succeeded(pod)
	if !ok {
		return message, false
	}
	index := render.Index(job.Annotations[datav1alpha1.AnnotationUnits], message.Unit)
	return message, index >= 0 && pod.Annotations[batchv1.JobCompletionIndexAnnotation] == strconv.Itoa(index)
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
