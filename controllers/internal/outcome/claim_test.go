package outcome

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
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
			want := (*Outcome)(nil)
			if test.want != "" {
				want = Stall("VolumeUnusable", test.want)
			}
			if diff := cmp.Diff(want, Unusable(claim)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
