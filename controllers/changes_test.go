package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestChangesAreMadeOnce: a version of an object is changed once, its next version again, and other objects are others.
func TestChangesAreMadeOnce(t *testing.T) {
	var c changes
	claim := func(uid, version string) *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid), ResourceVersion: version}}
	}
	if c.made(claim("a", "1")) {
		t.Error("a change is made before any")
	}
	c.note(claim("a", "1"))
	for version, want := range map[string]bool{"1": true, "2": false} {
		if got := c.made(claim("a", version)); got != want {
			t.Errorf("version %s is changed: got %v, want %v", version, got, want)
		}
	}
	if c.made(claim("b", "1")) {
		t.Error("another object's change is taken for this one's")
	}
}
