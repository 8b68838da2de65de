package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// TestEndOfPod: what a pass reads of a pod is the same before and after, and the rest is gone.
func TestEndOfPod(t *testing.T) {
	whole := pod("a").ended(137, "OOMKilled", "")
	whole.Labels, whole.ManagedFields = map[string]string{"l": "1"}, []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	limits := corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")}}
	whole.Spec = corev1.PodSpec{
		Volumes:    []corev1.Volume{{Name: "data"}},
		Containers: []corev1.Container{{Name: contract.ContainerName, Image: "worker", Resources: limits, Env: []corev1.EnvVar{{Name: "A"}}}},
	}
	want := whole.DeepCopy()
	got, err := endOfPod(whole.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	bare := got.(*corev1.Pod)
	if diff := cmp.Diff(failed(want), failed(bare)); diff != "" {
		t.Errorf("failure (-whole +bare):\n%s", diff)
	}
	want.ManagedFields = nil
	want.Spec = corev1.PodSpec{Containers: []corev1.Container{{Name: contract.ContainerName, Resources: limits}}}
	if diff := cmp.Diff(want, bare); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	gone := toolscache.DeletedFinalStateUnknown{Key: "n/a"}
	if got, err := endOfPod(gone); got != gone || err != nil {
		t.Errorf("a mark became %v, %v", got, err)
	}
}
