package outcome

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// OfMistake returns the outcome of an error that only an edit of the mix, or of its sources, corrects. The reason is given, unless the error has one of
// its own. It returns nil for nil.
func OfMistake(err error, reason string) *Outcome {
	if err == nil {
		return nil
	}
	var infeasible *plan.InfeasibleError
	var drift *pipeline.DriftError
	var license *recipe.LicenseError
	switch {
	case errors.As(err, &infeasible):
		reason = datav1alpha1.ReasonInfeasibleMix
	case errors.As(err, &drift):
		reason = datav1alpha1.ReasonSourceDrifted
	case errors.As(err, &license):
		reason = datav1alpha1.ReasonLicenseRefused
	}
	return Stall(reason, Sentence(err.Error()))
}

// Foreign returns the outcome for a PersistentVolumeClaim that was not created for the mix, nil if it was.
func Foreign(claim *corev1.PersistentVolumeClaim, mix *datav1alpha1.DatasetMix) *Outcome {
	owner := metav1.GetControllerOf(claim)
	other := owner != nil && owner.UID != mix.UID && claim.DeletionTimestamp.IsZero()
	switch {
	case other && owner.Kind == datav1alpha1.Kind && owner.Name == mix.Name:
		message := fmt.Sprintf("The PersistentVolumeClaim %s belongs to a mix of this name that was deleted, and goes with it; the build starts when it is gone.", claim.Name)
		return Wait(datav1alpha1.ReasonWaitingForVolume, message)
	case other || claim.Labels[datav1alpha1.LabelName] != mix.Name:
		message := fmt.Sprintf("The PersistentVolumeClaim %s exists and was not made for this mix; rename the mix, or name the claim in spec.output.volume.claimName.", claim.Name)
		return Stall(datav1alpha1.ReasonNameConflict, message)
	}
	return nil
}

// Unusable returns the outcome for a PersistentVolumeClaim that no mix can be built on, nil if one can.
func Unusable(claim *corev1.PersistentVolumeClaim) *Outcome {
	problem := ""
	switch {
	case !claim.DeletionTimestamp.IsZero():
		problem = "is being deleted"
	case claim.Status.Phase == corev1.ClaimLost:
		problem = "has lost its volume"
	case render.SharingOf(claim) == render.ReadOnly:
		problem = "has no access mode that allows writing"
	case ptr.Deref(claim.Spec.VolumeMode, corev1.PersistentVolumeFilesystem) == corev1.PersistentVolumeBlock:
		problem = "is a block device; a mix needs the volumeMode Filesystem"
	default:
		return nil
	}
	return Stall(datav1alpha1.ReasonVolumeUnusable, fmt.Sprintf("The PersistentVolumeClaim %s %s.", claim.Name, problem))
}
