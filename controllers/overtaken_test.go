package controllers

import (
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestOvertaken: a conflict and a namespace that goes need no other try; anything else does.
func TestOvertaken(t *testing.T) {
	jobs := schema.GroupResource{Group: "batch", Resource: "jobs"}
	going := apierrors.NewForbidden(jobs, "j", errors.New("the namespace is being terminated"))
	going.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{name: "none"},
		{name: "a conflict", err: fmt.Errorf("recording results: %w", apierrors.NewConflict(jobs, "j", errors.New("changed"))), want: true},
		{name: "the namespace goes", err: errors.Join(fmt.Errorf("making a Job: %w", going), nil), want: true},
		{name: "forbidden for good", err: apierrors.NewForbidden(jobs, "j", errors.New("no right"))},
		{name: "out of order", err: errors.New("etcd has no leader")},
	}
	for _, test := range tests {
		if got := unlessOvertaken(test.err) == nil && test.err != nil; got != test.want {
			t.Errorf("%s: overtaken is %v, want %v", test.name, got, test.want)
		}
	}
}
