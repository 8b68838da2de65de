package controllers

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// checkPathOwner finds out whose a folder is that two mixes want: it belongs to the one that has built there, and before either has,
// to the older one. The other is told, and starts when the folder is free.
func (r *DatasetMixReconciler) checkPathOwner(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	mixes := &datav1alpha1.DatasetMixList{}
	err := r.List(ctx, mixes, client.InNamespace(s.mix.Namespace), client.MatchingFields{claimIndex: s.location.ClaimName})
	if err != nil {
		return nil, fmt.Errorf("listing the mixes on the claim: %w", err)
	}
	for i := range mixes.Items {
		other := &mixes.Items[i]
		path := cmp.Or(other.Spec.Output.Path, other.Name)
		if other.UID == s.mix.UID || !other.DeletionTimestamp.IsZero() || !within(path, s.location.Path) {
			continue
		}
		first, err := r.first(ctx, s, other)
		if err != nil {
			return nil, err
		}
		if first {
			message := fmt.Sprintf("DatasetMix %s builds at %s on claim %s, and was there first; choose another spec.output.path than %s.", other.Name, path, s.location.ClaimName, s.location.Path)
			return outcome.Stall(datav1alpha1.ReasonPathConflict, message), nil
		}
	}
	return nil, nil
}

// within says whether one of two folders is, or lies in, the other.
func within(a, b string) bool {
	a, b = a+"/", b+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// first says whether a folder is another mix's rather than the scope's.
func (r *DatasetMixReconciler) first(ctx context.Context, s *scope, other *datav1alpha1.DatasetMix) (bool, error) {
	theirs, err := r.hasBuilt(ctx, other, s.location)
	if err != nil {
		return false, err
	}
	if ours := s.hasBuilt(); ours != theirs {
		return theirs, nil
	}
	return cmp.Or(
		other.CreationTimestamp.Compare(s.mix.CreationTimestamp.Time),
		cmp.Compare(other.Name, s.mix.Name),
	) < 0, nil
}

// hasBuilt says whether the scope's mix has results or Jobs at its location.
func (s *scope) hasBuilt() bool {
	if s.results != nil && s.results.Annotations[datav1alpha1.AnnotationLocation] == s.location.String() {
		return true
	}
	for _, job := range s.jobs {
		if s.here(job) {
			return true
		}
	}
	return false
}

// hasBuilt says the same of another mix on the same claim, at its own path.
func (r *DatasetMixReconciler) hasBuilt(ctx context.Context, mix *datav1alpha1.DatasetMix, location render.Location) (bool, error) {
	location.Path = cmp.Or(mix.Spec.Output.Path, mix.Name)
	other := &scope{mix: mix, location: location}
	results := &corev1.ConfigMap{}
	err := r.Get(ctx, types.NamespacedName{Namespace: mix.Namespace, Name: render.ResultsName(mix)}, results)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return false, fmt.Errorf("reading the results of DatasetMix %s: %w", mix.Name, err)
	case jobs.OwnedBy(results, mix):
		other.results = results
	}
	list := &batchv1.JobList{}
	err = r.List(ctx, list, client.InNamespace(mix.Namespace), client.MatchingLabels{datav1alpha1.LabelUID: string(mix.UID)})
	if err != nil {
		return false, fmt.Errorf("listing the Jobs of DatasetMix %s: %w", mix.Name, err)
	}
	for i := range list.Items {
		if jobs.OwnedBy(&list.Items[i], mix) {
			other.jobs = append(other.jobs, &list.Items[i])
		}
	}
	return other.hasBuilt(), nil
}

// neighbours are the other mixes on a mix's claim: one that goes, or moves, may leave its folder to them.
func (r *DatasetMixReconciler) neighbours(ctx context.Context, mix client.Object) []ctrl.Request {
	claim := &corev1.PersistentVolumeClaim{}
	claim.Namespace, claim.Name = mix.GetNamespace(), render.ClaimName(mix.(*datav1alpha1.DatasetMix))
	return r.mixesOnClaim(ctx, claim)
}
