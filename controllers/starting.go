package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// A pod says itself that no node fits, or that its image cannot be pulled. That a volume cannot be mounted, a Secret that is missing for
// example, only its Events tell, and those of a claim why it is not bound. They are read from the API server, and only while
// a pod takes long: Events are many, and nearly all are about pods that start.

const (
	// firstLook is how old a pod is when its Events are first read. The next looks come when it is twice as old, and so on.
	firstLook = 4 * time.Second
)

// hindrance is what keeps pods from starting, as far as only Events tell it.
type hindrance struct {
	// cause is "" where nothing is known.
	cause string
	// again is when to look again, 0 for never.
	again time.Duration
}

// look finds what keeps the pods of a Job from starting.
func (r *DatasetMixReconciler) look(ctx context.Context, s *scope, job *batchv1.Job) error {
	now := r.Clock.Now()
	var slow []*corev1.Pod
	for _, pod := range s.podsOf(job) {
		if pod.Status.Phase != corev1.PodPending || !pod.DeletionTimestamp.IsZero() {
			continue
		}
		age := now.Sub(pod.CreationTimestamp.Time)
		if next := nextLookAt(age) - age; s.hindrance.again == 0 || next < s.hindrance.again {
			s.hindrance.again = next
		}
		if age >= firstLook {
			slow = append(slow, pod)
		}
	}
	if len(slow) == 0 {
		return nil
	}
	cause, err := r.unbound(ctx, s, now)
	if err != nil {
		return err
	}
	if jobs.Waiting(slow) == "" {
		warnings, err := r.warnings(ctx, job.Namespace, "Pod", now)
		if err != nil {
			return err
		}
		cause = cmp.Or(warnings.About(slow), cause)
	}
	s.hindrance.cause = cause
	return nil
}

// nextLookAt is the age of a pod at the next look at its Events.
func nextLookAt(age time.Duration) time.Duration {
	next := firstLook
	for next <= age {
		next *= 2
	}
	return next
}

// unbound says which claims of the mix have no volume, and why.
func (r *DatasetMixReconciler) unbound(ctx context.Context, s *scope, now time.Time) (string, error) {
	names := []string{s.location.ClaimName}
	for _, from := range render.Sources(s.mix) {
		if from.Source.Volume != nil && !slices.Contains(names, from.Source.Volume.ClaimName) {
			names = append(names, from.Source.Volume.ClaimName)
		}
	}
	for _, name := range names {
		claim := &corev1.PersistentVolumeClaim{}
		err := r.Get(ctx, client.ObjectKey{Namespace: s.mix.Namespace, Name: name}, claim)
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("reading a claim: %w", err)
		}
		if err != nil || claim.Status.Phase != corev1.ClaimPending {
			continue // a claim that is missing is named by the pod
		}
		cause := fmt.Sprintf("the PersistentVolumeClaim %s is not bound to a volume", name)
		if class := ptr.Deref(claim.Spec.StorageClassName, ""); class != "" {
			cause += " of storage class " + class
		}
		warnings, err := r.warnings(ctx, claim.Namespace, "PersistentVolumeClaim", now)
		if event := warnings[claim.UID]; event != nil {
			cause += ": " + event.Message
		}
		return cause, err
	}
	return "", nil
}

// warnings returns the newest warnings about the objects of a kind in a namespace.
func (r *DatasetMixReconciler) warnings(ctx context.Context, namespace, kind string, now time.Time) (jobs.Warnings, error) {
	list := &corev1.EventList{}
	err := r.Live.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"involvedObject.kind": kind, "type": corev1.EventTypeWarning})
	if err != nil {
		return nil, fmt.Errorf("reading the Events of pods that do not start: %w", err)
	}
	return jobs.NewestWarnings(list.Items, now), nil
}

// hold is the outcome of a Job whose pods do not start, nil where they do.
func (s *scope) hold(job *batchv1.Job, pods []*corev1.Pod, message string) *outcome.Outcome {
	cause := cmp.Or(jobs.Refused(job, pods, s.refusals), jobs.Waiting(pods))
	switch {
	case cause == "":
		cause = s.hindrance.cause
	case s.hindrance.cause != "":
		cause += "; " + s.hindrance.cause
	}
	if cause == "" {
		return nil
	}
	return outcome.Wait(datav1alpha1.ReasonWaitingForPods, message+" "+outcome.Sentence(cause))
}
