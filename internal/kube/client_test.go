package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestUnknownFields: fields of the spec that this release does not know are named by their path, at every depth; those of the status are not.
func TestUnknownFields(t *testing.T) {
	dataset := map[string]any{"name": "a", "source": map[string]any{"volume": map[string]any{"claimName": "c", "snapshot": "s"}}}
	mix := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{
			"seed": int64(1), "curriculum": true,
			"domains": []any{map[string]any{"name": "d", "share": "1", "tongue": "en", "datasets": []any{dataset}}},
			"worker":  map[string]any{"nodeSelector": map[string]any{"any": "label"}},
		},
		"status": map[string]any{"novelty": int64(3)},
	}}
	var got []string
	for _, err := range UnknownFields(mix) {
		got = append(got, err.Error())
	}
	want := []string{`unknown field "spec.curriculum"`, `unknown field "spec.domains[0].datasets[0].source.volume.snapshot"`, `unknown field "spec.domains[0].tongue"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if unknown := UnknownFields(&unstructured.Unstructured{Object: map[string]any{}}); unknown != nil {
		t.Errorf("an object without a spec: %v", unknown)
	}
}

// TestManagerContainer: it is found by its name, next to sidecars.
func TestManagerContainer(t *testing.T) {
	deployment := &appsv1.Deployment{}
	if got := ManagerContainer(deployment); got.Name != "" {
		t.Errorf("no container: %v", got)
	}
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "proxy", Image: "p"}, {Name: "manager", Image: "m", Env: []corev1.EnvVar{{Name: "HF_ENDPOINT", Value: "https://hub"}}}}
	got := ManagerContainer(deployment)
	if got.Image != "m" || valueOf(got, "HF_ENDPOINT") != "https://hub" || valueOf(got, "WORKER_IMAGE") != "" {
		t.Errorf("got %+v", got)
	}
}
