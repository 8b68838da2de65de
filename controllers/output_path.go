package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// checkPathOwner stalls a mix whose output path another mix owns: the one that has built there or, if none or both have, the older one.
func (r *DatasetMixReconciler) checkPathOwner(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	mixes := &datav1alpha1.DatasetMixList{}
	err := r.List(ctx, mixes, client.InNamespace(s.build.Mix.Namespace), client.MatchingFields{claimIndex: s.build.Target.Location.ClaimName})
	if err != nil {
		return nil, fmt.Errorf("listing the mixes on the claim: %w", err)
	}
	ours := s.build.Target.Location
	for _, other := range pointers(mixes.Items) {
		theirs := ours
		theirs.Path = render.OutputPath(other)
		if other.UID == s.build.Mix.UID || !other.DeletionTimestamp.IsZero() || !render.Overlap(theirs.Path, ours.Path) {
			continue
		}
		first, err := isFirst(ctx, r.Client, s, other, theirs)
		if err != nil {
			return nil, err
		}
		if first {
			message := fmt.Sprintf("DatasetMix %s builds at %s on claim %s, and was there first; choose another spec.output.path than %s.", other.Name, theirs.Path, ours.ClaimName, ours.Path)
			return outcome.Stall(datav1alpha1.ReasonPathConflict, message), nil
		}
	}
	return nil, nil
}

// isFirst reports whether another mix owns the output path, and not the mix of the scope.
func isFirst(ctx context.Context, cache client.Reader, s *scope, other *datav1alpha1.DatasetMix, theirs render.Location) (bool, error) {
	built, err := othersHaveBuilt(ctx, cache, other, theirs)
	if err != nil || built != hasBuilt(s.build.Target.Location, s.results, s.build.Jobs) {
		return built, err
	}
	mix := s.build.Mix
	return cmp.Or(
		other.CreationTimestamp.Compare(mix.CreationTimestamp.Time),
		cmp.Compare(other.Name, mix.Name),
	) < 0, nil
}

// hasBuilt reports whether a mix has results or Jobs at a location.
func hasBuilt(at render.Location, results *corev1.ConfigMap, all []*batchv1.Job) bool {
	target := build.Target{Location: at}
	return ledger.IsAt(results, at) || slices.ContainsFunc(all, func(job *batchv1.Job) bool { return target.IsHere(job) })
}

// othersHaveBuilt reports whether another mix has results or Jobs at a location.
func othersHaveBuilt(ctx context.Context, cache client.Reader, mix *datav1alpha1.DatasetMix, at render.Location) (bool, error) {
	results := &corev1.ConfigMap{}
	err := cache.Get(ctx, types.NamespacedName{Namespace: mix.Namespace, Name: render.ResultsName(mix)}, results)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading the results of DatasetMix %s: %w", mix.Name, err)
	}
	if err != nil || !jobs.OwnedBy(results, mix) {
		results = nil
	}
	list := &batchv1.JobList{}
	err = cache.List(ctx, list, client.InNamespace(mix.Namespace), client.MatchingLabels{datav1alpha1.LabelUID: string(mix.UID)})
	if err != nil {
		return false, fmt.Errorf("listing the Jobs of DatasetMix %s: %w", mix.Name, err)
	}
	return hasBuilt(at, results, ownJobs(list, mix)), nil
}

// neighbors returns the mixes on the claim of a mix: if the mix is deleted or its path is edited, another one may own the folder.
func (r *DatasetMixReconciler) neighbors(ctx context.Context, mix client.Object) []ctrl.Request {
	return mixesOn(ctx, r.Client, mix.GetNamespace(), render.ClaimName(mix.(*datav1alpha1.DatasetMix)))
}
