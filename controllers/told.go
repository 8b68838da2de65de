package controllers

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/render"
)

// told reports whether every worker of a Job has ended and reported its result, whether or not the Job is called Complete yet.
func (s *scope) told(job *batchv1.Job) bool {
	return s.toldAt(job) != nil
}

// toldAt is when the last worker of such a Job ended, nil for one that has results to come.
func (s *scope) toldAt(job *batchv1.Job) *metav1.Time {
	if !s.here(job) {
		return nil
	}
	return jobs.ReportedAt(job, s.pods, render.SharingOf(s.claim))
}

// writes reports whether a pod may still write to the volume.
func (s *scope) writes(pod *corev1.Pod) bool { return jobs.Writes(pod, render.SharingOf(s.claim)) }
