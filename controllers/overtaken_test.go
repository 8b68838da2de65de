package controllers

import (
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestAnswer: a conflict comes again soon and is no error, a namespace that goes needs no other try, anything else is an error.
func TestAnswer(t *testing.T) {
	jobs := schema.GroupResource{Group: "batch", Resource: "jobs"}
	going := apierrors.NewForbidden(jobs, "j", errors.New("the namespace is being terminated"))
	going.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	tests := []struct {
		name   string
		err    error
		again  time.Duration
		failed bool
	}{
		{name: "none", again: time.Hour},
		{name: "a conflict", err: fmt.Errorf("recording results: %w", apierrors.NewConflict(jobs, "j", errors.New("changed"))), again: conflictPause},
		{name: "the namespace goes", err: errors.Join(fmt.Errorf("making a Job: %w", going), nil), again: time.Hour},
		{name: "forbidden for good", err: apierrors.NewForbidden(jobs, "j", errors.New("no right")), failed: true},
		{name: "out of order", err: errors.New("etcd has no leader"), failed: true},
	}
	for _, test := range tests {
		if got, err := answer(test.err, time.Hour); got.RequeueAfter != test.again || (err != nil) != test.failed {
			t.Errorf("%s: comes again after %s with error %v, want after %s, an error: %v", test.name, got.RequeueAfter, err, test.again, test.failed)
		}
	}
}
