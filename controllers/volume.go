package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// reconcileClaim finds or creates the PersistentVolumeClaim. It does not wait until the claim is bound: most storage classes bind it for the first pod.
func (r *DatasetMixReconciler) reconcileClaim(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	mix := s.build.Mix
	name := render.ClaimName(mix)
	wanted := render.Claim(mix)
	claim := &corev1.PersistentVolumeClaim{}
	err := r.Get(ctx, types.NamespacedName{Namespace: mix.Namespace, Name: name}, claim)
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
		s.tally.wrote("create", kindOf(wanted))
		if claim = wanted; claim.UID == "" {
			return outcome.Progress("The PersistentVolumeClaim was created; the build starts once it is visible."), nil // the watch brings it
		}
	}
	if !claim.DeletionTimestamp.IsZero() { // if its namespace is deleted with it, the mix must not stall
		if err := r.objects(s).probe(ctx, mix); err != nil {
			return nil, err
		}
	}
	if result, err := r.objects(s).align(ctx, s, claim, wanted); result != nil || err != nil {
		return result, err
	}
	if result := outcome.Unusable(claim); result != nil {
		return result, nil
	}
	s.build.Claim, s.build.Target.Location = claim, s.locationOn(claim)
	return nil, nil
}

// locationOn returns the location of the mix on a claim.
func (s *scope) locationOn(claim *corev1.PersistentVolumeClaim) render.Location {
	b := &s.build
	return render.Location{ClaimName: claim.Name, ClaimUID: string(claim.UID), Path: b.Target.Recipe.Output.Path, Again: b.Ledger.Requests.Again}
}

// align updates the size and the owner of a claim that the operator created. It adopts a claim that a deleted mix of the same name has left, since
// deletionPolicy Retain keeps claims for that.
func (o objects) align(ctx context.Context, s *scope, claim, wanted *corev1.PersistentVolumeClaim) (*outcome.Outcome, error) {
	if wanted == nil || claim == wanted {
		return nil, nil
	}
	if result := outcome.Foreign(claim, s.build.Mix); result != nil {
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
	err := o.patch(ctx, patched, claim)
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		message := fmt.Sprintf("The PersistentVolumeClaim %s cannot be changed as asked: %v.", claim.Name, err)
		return outcome.Stall(datav1alpha1.ReasonVolumeUnusable, outcome.Sentence(message)), nil
	}
	if err != nil {
		return nil, fmt.Errorf("changing the claim: %w", err)
	}
	return nil, nil
}

// owners returns the owners that a claim should have: the mix if deletionPolicy is Delete, else none from the first result on.
func (s *scope) owners(claim, wanted *corev1.PersistentVolumeClaim) []metav1.OwnerReference {
	deleted := s.build.Mix.Spec.Output.DeletionPolicy == datav1alpha1.DeletionDelete
	if !deleted && !s.fruitful(claim) {
		return claim.OwnerReferences
	}
	others := slices.DeleteFunc(slices.Clone(claim.OwnerReferences), func(of metav1.OwnerReference) bool { return of.Kind == datav1alpha1.Kind })
	if deleted {
		others = append(others, wanted.OwnerReferences...)
	}
	return others
}

// fruitful reports whether a claim holds anything that was built.
func (s *scope) fruitful(claim *corev1.PersistentVolumeClaim) bool {
	return len(ledger.Read(s.results, s.locationOn(claim)).Results) > 0 || s.build.Mix.Status.Published != nil
}

// orphan labels the claim that a deleted mix has left, so that a person can find and delete it; the manager does not.
func orphan(ctx context.Context, c client.Client, mix types.NamespacedName) error {
	claim := &corev1.PersistentVolumeClaim{}
	gone := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Name: mix.Name}}
	gone.Spec.Output.Volume.ClaimTemplate = &datav1alpha1.ClaimTemplate{}
	err := c.Get(ctx, types.NamespacedName{Namespace: mix.Namespace, Name: render.ClaimName(gone)}, claim)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	made := claim.Labels[datav1alpha1.LabelName] == mix.Name && claim.Labels["app.kubernetes.io/managed-by"] == datav1alpha1.LabelValueManagedBy
	if !made || metav1.GetControllerOf(claim) != nil || !claim.DeletionTimestamp.IsZero() || claim.Labels[datav1alpha1.LabelOrphaned] != "" {
		return nil
	}
	labelled := claim.DeepCopy()
	labelled.Labels[datav1alpha1.LabelOrphaned] = "true"
	return client.IgnoreNotFound(c.Patch(ctx, labelled, client.MergeFrom(claim)))
}
