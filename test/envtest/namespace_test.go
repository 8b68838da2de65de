package envtest

import (
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestNamespaceGoes: the Jobs of a mix whose namespace is being deleted are deleted by the operator: their pods keep a finalizer
// until successors are made, which cannot be, and the namespace waits for the pods before it deletes the Jobs.
func TestNamespaceGoes(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	create(t, space, nil)
	job := onlyJob(t, space)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: space, Name: "of-the-job", Labels: job.Spec.Template.Labels, Finalizers: []string{batchv1.JobTrackingFinalizer},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: job.Spec.Template.Spec,
	}
	if err := api.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	jobs := func() int {
		list := &batchv1.JobList{}
		if err := api.List(t.Context(), list, client.InNamespace(space)); err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	if err := api.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: space}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace takes nothing any more", func() string {
		refused := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: space, GenerateName: "x-"}}
		if err := api.Create(t.Context(), refused, client.DryRunAll); err == nil {
			return "it does"
		}
		return ""
	})
	if n := jobs(); n != 1 {
		t.Fatalf("%d Jobs before the pods go", n)
	}
	if err := api.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the Job goes", func() string {
		if n := jobs(); n > 0 {
			return fmt.Sprintf("%d Jobs", n)
		}
		return ""
	})
	pod.Finalizers = nil
	if err := api.Update(t.Context(), pod); client.IgnoreNotFound(err) != nil {
		t.Log(err)
	}
}
