package controllers

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// reconcileClaim finds or makes the claim. It does not wait for it to be bound: with most storage classes that needs the first pod.
func (r *DatasetMixReconciler) reconcileClaim(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	name := render.ClaimName(s.mix)
	wanted := render.Claim(s.mix)
	claim := &corev1.PersistentVolumeClaim{}
	err := r.Get(ctx, types.NamespacedName{Namespace: s.mix.Namespace, Name: name}, claim)
	switch {
	case err == nil:
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading the claim: %w", err)
	case wanted == nil:
		message := fmt.Sprintf("The PersistentVolumeClaim %s does not exist yet; the build starts when it does.", name)
		return outcome.Wait(datav1alpha1.ReasonWaitingForVolume, message), nil
	default:
		if err := r.Create(ctx, wanted); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("making the claim: %w", err)
		}
		s.tally.wrote("create", "PersistentVolumeClaim")
		if claim = wanted; claim.UID == "" {
			return outcome.Progress("The PersistentVolumeClaim was created; the build starts once it is visible."), nil // the watch brings it
		}
	}
	if !claim.DeletionTimestamp.IsZero() { // by itself, or with the whole namespace: then it is nothing to stall for
		if err := r.probe(ctx, s); err != nil {
			return nil, err
		}
	}
	if result, err := r.align(ctx, s, claim, wanted); result != nil || err != nil {
		return result, err
	}
	if result := usable(claim); result != nil {
		return result, nil
	}
	s.claim = claim
	s.location = render.Location{ClaimName: claim.Name, ClaimUID: string(claim.UID), Path: s.recipe.Output.Path, Again: s.asked.Again}
	return nil, nil
}

// align brings a claim of the operator's to the size and the owner that the mix asks for. A claim that a deleted mix of the
// same name has left is taken over: that is what Retain is for.
func (r *DatasetMixReconciler) align(ctx context.Context, s *scope, claim, wanted *corev1.PersistentVolumeClaim) (*outcome.Outcome, error) {
	if wanted == nil || claim == wanted {
		return nil, nil
	}
	if result := s.foreign(claim); result != nil {
		return result, nil
	}
	patched := claim.DeepCopy()
	asked := wanted.Spec.Resources.Requests[corev1.ResourceStorage]
	if has := claim.Spec.Resources.Requests[corev1.ResourceStorage]; asked.Cmp(has) > 0 {
		patched.Spec.Resources.Requests[corev1.ResourceStorage] = asked
	}
	patched.OwnerReferences = s.owners(claim, wanted)
	delete(patched.Labels, datav1alpha1.LabelOrphaned)
	if equality.Semantic.DeepEqual(claim, patched) || !claim.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	err := r.Patch(ctx, patched, client.MergeFrom(claim))
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		message := fmt.Sprintf("The PersistentVolumeClaim %s cannot be changed as asked: %v.", claim.Name, err)
		return outcome.Stall(datav1alpha1.ReasonVolumeUnusable, outcome.Sentence(message)), nil
	}
	if err != nil {
		return nil, fmt.Errorf("changing the claim: %w", err)
	}
	s.tally.wrote("patch", "PersistentVolumeClaim")
	return nil, nil
}

// foreign says whose a claim is that is not this mix's to change, nil if it is.
func (s *scope) foreign(claim *corev1.PersistentVolumeClaim) *outcome.Outcome {
	owner := metav1.GetControllerOf(claim)
	other := owner != nil && owner.UID != s.mix.UID && claim.DeletionTimestamp.IsZero()
	switch {
	case other && owner.Kind == datav1alpha1.Kind && owner.Name == s.mix.Name:
		message := fmt.Sprintf("The PersistentVolumeClaim %s belongs to a mix of this name that was deleted, and goes with it; the build starts when it is gone.", claim.Name)
		return outcome.Wait(datav1alpha1.ReasonWaitingForVolume, message)
	case other || claim.Labels[datav1alpha1.LabelName] != s.mix.Name:
		message := fmt.Sprintf("The PersistentVolumeClaim %s exists and was not made for this mix; rename the mix, or name the claim in spec.output.volume.claimName.", claim.Name)
		return outcome.Stall(datav1alpha1.ReasonNameConflict, message)
	}
	return nil
}

// owners are those that a claim is to have: the mix where it deletes the claim with itself; else, from the first result on, nobody.
func (s *scope) owners(claim, wanted *corev1.PersistentVolumeClaim) []metav1.OwnerReference {
	deleted := s.mix.Spec.Output.DeletionPolicy == datav1alpha1.DeletionDelete
	if !deleted && !s.fruitful(claim) {
		return claim.OwnerReferences
	}
	others := slices.DeleteFunc(slices.Clone(claim.OwnerReferences), func(of metav1.OwnerReference) bool { return of.Kind == datav1alpha1.Kind })
	if deleted {
		others = append(others, wanted.OwnerReferences...)
	}
	return others
}

// fruitful reports whether something that was built is on a claim.
func (s *scope) fruitful(claim *corev1.PersistentVolumeClaim) bool {
	at := render.Location{ClaimName: claim.Name, ClaimUID: string(claim.UID), Path: s.recipe.Output.Path, Again: s.asked.Again}
	return len(readRecord(s.results, at).results) > 0 || s.mix.Status.Published != nil
}

// orphan labels the claim that a mix has left which is gone, so that a person finds it. It is the manager's to make such claims, and
// nobody's but a person's to delete one.
func (r *DatasetMixReconciler) orphan(ctx context.Context, mix types.NamespacedName) error {
	claim := &corev1.PersistentVolumeClaim{}
	gone := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Name: mix.Name}}
	gone.Spec.Output.Volume.ClaimTemplate = &datav1alpha1.ClaimTemplate{}
	err := r.Get(ctx, types.NamespacedName{Namespace: mix.Namespace, Name: render.ClaimName(gone)}, claim)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	made := claim.Labels[datav1alpha1.LabelName] == mix.Name && claim.Labels["app.kubernetes.io/managed-by"] == datav1alpha1.LabelValueManagedBy
	if !made || metav1.GetControllerOf(claim) != nil || !claim.DeletionTimestamp.IsZero() || claim.Labels[datav1alpha1.LabelOrphaned] != "" {
		return nil
	}
	labelled := claim.DeepCopy()
	labelled.Labels[datav1alpha1.LabelOrphaned] = "true"
	return client.IgnoreNotFound(r.Patch(ctx, labelled, client.MergeFrom(claim)))
}

// capacity is a claim's, as text, "" while it has none.
func capacity(claim *corev1.PersistentVolumeClaim) string {
	if claim == nil {
		return ""
	}
	has, ok := claim.Status.Capacity[corev1.ResourceStorage]
	if !ok {
		return ""
	}
	return has.String()
}

// grown says whether a claim is larger than it was when a worker found it full.
func (s *scope) grown(job *batchv1.Job) bool {
	was, err := resource.ParseQuantity(s.record.failures[job.Name].Capacity)
	if err != nil || s.claim == nil {
		return false
	}
	has, ok := s.claim.Status.Capacity[corev1.ResourceStorage]
	return ok && has.Cmp(was) > 0
}

func usable(claim *corev1.PersistentVolumeClaim) *outcome.Outcome {
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
	return outcome.Stall(datav1alpha1.ReasonVolumeUnusable, fmt.Sprintf("The PersistentVolumeClaim %s %s.", claim.Name, problem))
}
