package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"

	batchv1 "k8s.io/api/batch/v1"
)

// TestUsable: which claims no mix can be built on, and what a person reads of it.
func TestUsable(t *testing.T) {
	writable := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	tests := []struct {
		name string
		edit func(*corev1.PersistentVolumeClaim)
		want string
	}{
		{name: "ordinary"},
		{name: "a file system by name", edit: func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeFilesystem) }},
		{name: "read-only", edit: func(c *corev1.PersistentVolumeClaim) {
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}
		},
			want: "The PersistentVolumeClaim c has no access mode that allows writing."},
		{name: "a device", edit: func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock) },
			want: "The PersistentVolumeClaim c is a block device; a mix needs the volumeMode Filesystem."},
		{name: "lost", edit: func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimLost }, want: "The PersistentVolumeClaim c has lost its volume."},
		{name: "going", edit: func(c *corev1.PersistentVolumeClaim) { c.DeletionTimestamp = ptr.To(fixture.At(0)) }, want: "The PersistentVolumeClaim c is being deleted."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Spec: corev1.PersistentVolumeClaimSpec{AccessModes: writable}}
			if test.edit != nil {
				test.edit(claim)
			}
			want := (*outcome.Outcome)(nil)
			if test.want != "" {
				want = outcome.Stall("VolumeUnusable", test.want)
			}
			if diff := cmp.Diff(want, usable(claim)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGrown: a claim that was full and is larger now is worth another try, and only that.
func TestGrown(t *testing.T) {
	tests := []struct{ name, was, has, reason string }{
		{name: "as large as it was", was: "1Gi", has: "1024Mi"},
		{name: "larger", was: "1Gi", has: "1025Mi", reason: "grown"},
		{name: "smaller, another one", was: "2Gi", has: "1Gi"},
		{name: "not full", was: "", has: "1Gi"},
		{name: "not bound", was: "1Gi", has: ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{}
			if test.has != "" {
				claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(test.has)}
			}
			s := &scope{claim: claim, record: record{failures: map[string]jobs.Failure{"j": {FailureNote: contract.FailureNote{Reason: contract.InsufficientStorage}, Capacity: test.was}}}}
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "j"}}
			if got := s.grown(job); got != (test.reason == "grown") {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestFullClaimIsRemembered: the size of a claim that was full is recorded with the failure, and read back.
func TestFullClaimIsRemembered(t *testing.T) {
	b := small().job(1, batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: "True"}}})
	b.claim = &corev1.PersistentVolumeClaim{Status: corev1.PersistentVolumeClaimStatus{
		Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")},
	}}
	full := fixture.NewPod("a").Failed(contract.InsufficientStorage, "no space left")
	full.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(b.jobs[0], batchv1.SchemeGroupVersion.WithKind("Job"))}
	b.pods = append(b.pods, &full.Pod)
	b.harvest(b.jobs[0])
	data, err := b.record.data()
	if err != nil {
		t.Fatal(err)
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"data.datasetmix.io/location": b.location.String()}}, Data: data}
	want := jobs.Failure{FailureNote: contract.FailureNote{Reason: contract.InsufficientStorage, Message: "no space left"}, Pod: "a", Capacity: "5Gi"}
	if diff := cmp.Diff(want, readRecord(config, b.location).failures[b.jobs[0].Name]); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

// TestWithin: two folders are in each other's way if they are the same or one lies in the other.
func TestWithin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"mixes", "mixes", true}, {"mixes/a", "mixes", true}, {"mixes", "mixes/a/b", true},
		{"mixes", "mixes-2", false}, {"mixes/a", "mixes/b", false}, {"a", "b", false},
	} {
		if got := within(test.a, test.b); got != test.want {
			t.Errorf("%s, %s: got %v, want %v", test.a, test.b, got, test.want)
		}
	}
}
