package controllers

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// warning returns an Event as the kubelet, or a volume provisioner, records it.
func warning(seconds int64, kind string, uid types.UID, reason, message string) *corev1.Event {
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: "n", GenerateName: "e", Name: strings.ToLower(kind) + "-" + fixture.At(seconds).Format("150405") + "-" + string(uid)},
		InvolvedObject: corev1.ObjectReference{Kind: kind, UID: uid}, Type: corev1.EventTypeWarning, Reason: reason, Message: message, LastTimestamp: fixture.At(seconds),
	}
}

// TestLook: what keeps a pod from starting is told once it takes long, from its Events where it does not say so itself.
func TestLook(t *testing.T) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "j", UID: "job"}}
	starting := func(name string, seconds int64) *fixture.Pod {
		p := fixture.NewPod(name).Created(seconds).Waits("ContainerCreating", "")
		p.UID, p.Namespace = types.UID("uid-"+name), "n"
		p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
		return p
	}
	unfit := starting("a", 0)
	unfit.Unschedulable("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
	gone := starting("a", 0)
	gone.DeletionTimestamp = ptr.To(fixture.At(1))
	const missing = `MountVolume.SetUp failed for volume "task" : secret "hub" not found`
	mount := func(seconds int64, uid types.UID) *corev1.Event {
		return warning(seconds, "Pod", uid, "FailedMount", missing)
	}
	const mounted = "pod a cannot start: FailedMount: " + missing + "; it starts by itself once that is corrected"
	for _, test := range []struct {
		name   string
		now    int64
		pods   []*corev1.Pod
		events []*corev1.Event
		claim  corev1.PersistentVolumeClaimPhase
		want   string
		again  int64 // seconds
	}{
		{name: "no pod", now: 60, claim: corev1.ClaimPending},
		{name: "a pod that runs", now: 60, pods: fixture.Pods(func() *fixture.Pod { p := starting("a", 0); p.Status.Phase = corev1.PodRunning; return p }())},
		{name: "a pod that goes", now: 60, pods: fixture.Pods(gone), events: []*corev1.Event{mount(2, "uid-a")}},
		{name: "a young pod is left alone", now: 3, pods: fixture.Pods(starting("a", 0)), events: []*corev1.Event{mount(2, "uid-a")}, again: 1},
		{name: "a missing Secret", now: 4, pods: fixture.Pods(starting("a", 0)), events: []*corev1.Event{mount(2, "uid-a")}, want: mounted, again: 4},
		{name: "nothing is told", now: 9, pods: fixture.Pods(starting("a", 0)), again: 7},
		{name: "the next look is at twice the age", now: 100, pods: fixture.Pods(starting("a", 0)), again: 28},
		{name: "the youngest pod says when", now: 9, pods: fixture.Pods(starting("a", 0), starting("b", 8)), events: []*corev1.Event{mount(2, "uid-a")}, want: mounted, again: 3},
		{name: "of another pod", now: 9, pods: fixture.Pods(starting("a", 0)), events: []*corev1.Event{mount(2, "uid-b")}, again: 7},
		{name: "the newest", now: 9, pods: fixture.Pods(starting("a", 0)), events: []*corev1.Event{warning(1, "Pod", "uid-a", "FailedAttachVolume", "no"), mount(2, "uid-a")}, want: mounted, again: 7},
		{name: "long ago", now: 500, pods: fixture.Pods(starting("a", 0)), events: []*corev1.Event{mount(2, "uid-a")}, again: 12},
		{name: "a claim without a volume", now: 5, pods: fixture.Pods(unfit), claim: corev1.ClaimPending,
			events: []*corev1.Event{warning(1, "PersistentVolumeClaim", "claim", "ProvisioningFailed", `storageclass.storage.k8s.io "fast" not found`)},
			want:   `the PersistentVolumeClaim c is not bound to a volume of storage class fast: storageclass.storage.k8s.io "fast" not found`, again: 3},
		{name: "a claim of which nothing is told", now: 5, pods: fixture.Pods(unfit), claim: corev1.ClaimPending,
			want: "the PersistentVolumeClaim c is not bound to a volume of storage class fast", again: 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "c", UID: "claim"}}
			claim.Spec.StorageClassName, claim.Status.Phase = ptr.To("fast"), test.claim
			builder := fake.NewClientBuilder().WithScheme(worldScheme()).WithObjects(claim).
				WithIndex(&corev1.Event{}, "type", func(o client.Object) []string { return []string{o.(*corev1.Event).Type} }).
				WithIndex(&corev1.Event{}, "involvedObject.kind", func(o client.Object) []string { return []string{o.(*corev1.Event).InvolvedObject.Kind} })
			for _, event := range test.events {
				builder.WithObjects(event)
			}
			c := builder.Build()
			b := &build.Build{Mix: &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: "n"}}, Pods: test.pods}
			b.Target.Location.ClaimName = "c"
			got, err := inquiry{objects{cache: c, live: c}, fixture.At(test.now).Time}.hindrance(t.Context(), b, job)
			if err != nil {
				t.Fatal(err)
			}
			if want := (hindrance{test.want, time.Duration(test.again) * time.Second}); got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			if held := outcome.Running(b, &pipeline.Step{Stage: pipeline.StageDownload}, job, nil, got.cause); test.want != "" &&
				(held == nil || held.Reason != datav1alpha1.ReasonWaitingForPods || !strings.Contains(held.Message, test.want[1:])) {
				t.Errorf("the outcome is %+v", held)
			}
		})
	}
}
