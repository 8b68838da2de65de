package render

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// Claim returns the PersistentVolumeClaim that a mix with a claimTemplate is built on; nil for a mix that names a claim. The mix owns it at first, so
// a mix that never built anything takes it along when it is deleted. The controller removes the owner once the claim holds data that
// deletionPolicy retains.
func Claim(mix *datav1alpha1.DatasetMix) *corev1.PersistentVolumeClaim {
	template := mix.Spec.Output.Volume.ClaimTemplate.DeepCopy()
	if template == nil {
		return nil
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: mix.Namespace, Name: ClaimName(mix), Labels: Labels(mix), OwnerReferences: owner(mix)},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: unlessZero(template.StorageClassName),
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: template.Size}},
		},
	}
	for _, mode := range template.AccessModes {
		claim.Spec.AccessModes = append(claim.Spec.AccessModes, corev1.PersistentVolumeAccessMode(mode))
	}
	return claim
}

// Sharing is how many pods can use a claim at once.
type Sharing int

// The ways to share a claim.
const (
	// ReadOnly: no pod can write to it.
	ReadOnly Sharing = iota
	// OnePod: one pod at a time.
	OnePod
	// OneNode: the pods of one node.
	OneNode
	// AnyNode: all pods.
	AnyNode
)

// SharingOf returns the sharing of a claim by the widest of its access modes.
func SharingOf(claim *corev1.PersistentVolumeClaim) Sharing {
	has := func(mode corev1.PersistentVolumeAccessMode) bool {
		return slices.Contains(claim.Spec.AccessModes, mode)
	}
	switch {
	case has(corev1.ReadWriteMany):
		return AnyNode
	case has(corev1.ReadWriteOnce):
		return OneNode
	case has(corev1.ReadWriteOncePod):
		return OnePod
	default:
		return ReadOnly
	}
}
