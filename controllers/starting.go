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

// The status of a pod shows that no node fits, or that its image cannot be pulled. That a volume cannot be mounted, because a Secret is missing for
// example, is only in its Events, and why a PersistentVolumeClaim is not bound in those of the claim. They are read from the API server, and only
// while a pod takes long: there are many Events, and nearly all are about pods that start.

const (
	// firstLook is how old a pod is when its Events are first read. The next looks come when it is twice as old, and so on.
	firstLook = 4 * time.Second
)

// hindrance is what keeps pods from starting, as far as only Events show it.
type hindrance struct {
	// cause is "" where nothing is known.
	cause string
	// again is when to look again, 0 for never.
	again time.Duration
}

// inquiry finds what keeps pods from starting.
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

// unbound returns which claim of a mix has no volume, and why.
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
