package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// TestEndOfPod: what a pass reads of a pod is the same before and after, and the rest is gone.
func TestEndOfPod(t *testing.T) {
	whole := fixture.NewPod("a").Ended(137, "OOMKilled", "")
	whole.Labels, whole.ManagedFields = map[string]string{"l": "1"}, []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	limits := corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")}}
	whole.Spec = corev1.PodSpec{
		Volumes:    []corev1.Volume{{Name: "data"}},
		Containers: []corev1.Container{{Name: contract.ContainerName, Image: "worker", Resources: limits, Env: []corev1.EnvVar{{Name: "A"}}}},
	}
	want := whole.DeepCopy()
	got, err := trimmed(endOfPod)(whole.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	bare := got.(*corev1.Pod)
	if diff := cmp.Diff(jobs.Failed(want), jobs.Failed(bare)); diff != "" {
		t.Errorf("failure (-whole +bare):\n%s", diff)
	}
	want.ManagedFields = nil
	want.Spec = corev1.PodSpec{Containers: []corev1.Container{{Name: contract.ContainerName, Resources: limits}}}
	if diff := cmp.Diff(want, bare); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// TestEndOfJob: what a pass reads of a Job is there, and its template is gone.
func TestEndOfJob(t *testing.T) {
	whole := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"l": "1"}, Annotations: map[string]string{"a": "1"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}}},
		Spec: batchv1.JobSpec{
			Suspend: ptr.To(true), Parallelism: ptr.To[int32](4), ActiveDeadlineSeconds: ptr.To[int64](5), Completions: ptr.To[int32](6),
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "data"}}}},
		},
		Status: batchv1.JobStatus{Succeeded: 3},
	}
	want := whole.DeepCopy()
	want.ManagedFields, want.Spec.Completions, want.Spec.Template = nil, nil, corev1.PodTemplateSpec{}
	got, err := trimmed(endOfJob)(whole)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("what is left (-want +got), %v:\n%s", err, diff)
	}
}

// TestNamesOfTasks: a task is known to be there, and the results are whole.
func TestNamesOfTasks(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		data   map[string]string
	}{
		{map[string]string{datav1alpha1.LabelStage: "mix"}, nil},
		{map[string]string{}, map[string]string{"k": "v"}},
	} {
		got, err := trimmed(namesOfTasks)(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: c.labels}, Data: map[string]string{"k": "v"}})
		want := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: c.labels}, Data: c.data}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("what is left (-want +got), %v:\n%s", err, diff)
		}
	}
}

// TestMarksPass: the tombstone of an object whose deletion the watch missed is left alone.
func TestMarksPass(t *testing.T) {
	gone := toolscache.DeletedFinalStateUnknown{Key: "n/a"}
	for name, transform := range map[string]toolscache.TransformFunc{"pod": trimmed(endOfPod), "Job": trimmed(endOfJob), "task": trimmed(namesOfTasks)} {
		if got, err := transform(gone); got != gone || err != nil {
			t.Errorf("%s: a mark became %v, %v", name, got, err)
		}
	}
}
