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

	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/render"
)

// The status of a pod shows that no node fits, or that its image cannot be pulled. Only its Events show why a volume cannot be mounted, such as a missing
// Secret, and only the Events of a PersistentVolumeClaim show why it is not bound. These Events are read from the API server, and only while a pod is
// slow to start: a cache of them would be large, and nearly all are about pods that start.

// firstLook is the age of a pod at which its Events are first read. They are read again whenever its age has doubled.
const firstLook = 4 * time.Second

// hindrance is what keeps pods from starting, by their Events and those of claims.
type hindrance struct {
	// cause is empty if nothing is known.
	cause string
	// again is the time until the next look, 0 for never.
	again time.Duration
}

// inquiry reads Events at a time.
type inquiry struct {
	objects objects
	now     time.Time
}

// hindrance finds what keeps the pods of a Job from starting.
func (q inquiry) hindrance(ctx context.Context, b *build.Build, job *batchv1.Job) (found hindrance, err error) {
	var slow []*corev1.Pod
	for _, pod := range jobs.PodsOf(job, b.Pods) {
		if pod.Status.Phase != corev1.PodPending || isDeleted(pod) {
			continue
		}
		age := q.now.Sub(pod.CreationTimestamp.Time)
		if next := nextLookAt(age) - age; found.again == 0 || next < found.again {
			found.again = next
		}
		if age >= firstLook {
			slow = append(slow, pod)
		}
	}
	if len(slow) == 0 {
		return found, nil
	}
	cause, err := q.unbound(ctx, b)
	if err != nil {
		return found, err
	}
	if jobs.Waiting(slow) == "" {
		warnings, err := q.warnings(ctx, job.Namespace, "Pod")
		if err != nil {
			return found, err
		}
		cause = cmp.Or(warnings.About(slow), cause)
	}
	found.cause = cause
	return found, nil
}

// nextLookAt returns the age of a pod at the next look at its Events.
func nextLookAt(age time.Duration) time.Duration {
	next := firstLook
	for next <= age {
		next *= 2
	}
	return next
}

// unbound returns the first claim of a mix without a volume, and why it has none; empty if all have one.
func (q inquiry) unbound(ctx context.Context, b *build.Build) (string, error) {
	names := []string{b.Target.Location.ClaimName}
	for _, from := range render.Sources(b.Mix) {
		if from.Source.Volume != nil && !slices.Contains(names, from.Source.Volume.ClaimName) {
			names = append(names, from.Source.Volume.ClaimName)
		}
	}
	for _, name := range names {
		claim := &corev1.PersistentVolumeClaim{}
		err := q.objects.cache.Get(ctx, client.ObjectKey{Namespace: b.Mix.Namespace, Name: name}, claim)
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("reading a claim: %w", err)
		}
		if err != nil || claim.Status.Phase != corev1.ClaimPending {
			continue // the pod names a missing claim
		}
		cause := fmt.Sprintf("the PersistentVolumeClaim %s is not bound to a volume", name)
		if class := ptr.Deref(claim.Spec.StorageClassName, ""); class != "" {
			cause += " of storage class " + class
		}
		warnings, err := q.warnings(ctx, claim.Namespace, "PersistentVolumeClaim")
		if event := warnings[claim.UID]; event != nil {
			cause += ": " + event.Message
		}
		return cause, err
	}
	return "", nil
}

// warnings returns the newest warnings about the objects of a kind in a namespace.
func (q inquiry) warnings(ctx context.Context, namespace, kind string) (jobs.Warnings, error) {
	list := &corev1.EventList{}
	err := q.objects.live.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"involvedObject.kind": kind, "type": corev1.EventTypeWarning})
	if err != nil {
		return nil, fmt.Errorf("reading the Events of pods that do not start: %w", err)
	}
	return jobs.NewestWarnings(list.Items, q.now), nil
}
