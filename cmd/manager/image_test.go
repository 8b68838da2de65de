package main

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestOwnImage: the workers run what the manager's container runs, whatever runs next to it.
func TestOwnImage(t *testing.T) {
	pod := func(names ...string) *corev1.Pod {
		made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "manager-0"}}
		for _, name := range names {
			made.Spec.Containers = append(made.Spec.Containers, corev1.Container{Name: name, Image: "registry.example.org/" + name + "@sha256:1"})
		}
		return made
	}
	tests := []struct {
		name, variable string
		pod            *corev1.Pod
		want, problem  string
	}{
		{"with a sidecar", "manager-0", pod("proxy", "manager"), "registry.example.org/manager@sha256:1", ""},
		{"no such container", "manager-0", pod("proxy"), "", "has no container manager"},
		{"another pod", "manager-1", pod("manager"), "", "not found"},
		{"no pod", "", pod("manager"), "", "POD_NAMESPACE and POD_NAME"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("POD_NAMESPACE", "system")
			t.Setenv("POD_NAME", test.variable)
			got, err := ownImage(t.Context(), fake.NewClientBuilder().WithObjects(test.pod).Build())
			if got != test.want || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
