package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// observe reads the Jobs, pods and ConfigMaps of the mix, and the refusals of its namespace.
func (r *DatasetMixReconciler) observe(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	own := []client.ListOption{
		client.InNamespace(s.build.Mix.Namespace),
		client.MatchingFields{uidIndex: string(s.build.Mix.UID)},
	}
	owned, pods, maps := &batchv1.JobList{}, &corev1.PodList{}, &corev1.ConfigMapList{}
	for _, list := range []client.ObjectList{owned, pods, maps} {
		if err := r.List(ctx, list, own...); err != nil {
			return nil, fmt.Errorf("listing what exists: %w", err)
		}
	}
	s.build.Jobs = ownJobs(owned, s.build.Mix)
	for _, config := range pointers(maps.Items) {
		switch {
		case !metav1.IsControlledBy(config, s.build.Mix):
		case config.Name == render.ResultsName(s.build.Mix):
			s.results = config
		case config.Labels[datav1alpha1.LabelStage] != "":
			s.tasks = append(s.tasks, config)
		}
	}
	s.build.Pods = pointers(pods.Items)
	list := &corev1.EventList{}
	if err := r.List(ctx, list, client.InNamespace(s.build.Mix.Namespace)); err != nil {
		return nil, fmt.Errorf("listing refusals: %w", err)
	}
	s.refusals = pointers(list.Items)
	slices.SortFunc(s.refusals, func(a, b *corev1.Event) int { return jobs.RecordedAt(a).Compare(jobs.RecordedAt(b).Time) })
	slices.SortFunc(s.build.Jobs, jobs.Older)
	slices.SortFunc(s.build.Pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return nil, nil
}

// pointers returns the objects of a list.
func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

// ownJobs returns the Jobs of a list that a mix owns.
func ownJobs(list *batchv1.JobList, mix *datav1alpha1.DatasetMix) []*batchv1.Job {
	return slices.DeleteFunc(pointers(list.Items), func(job *batchv1.Job) bool { return !jobs.OwnedBy(job, mix) })
}

// interpret makes the recipe of the spec.
func (r *DatasetMixReconciler) interpret(_ context.Context, s *scope) (*outcome.Outcome, error) {
	meaning, err := render.Recipe(s.build.Mix)
	if err == nil {
		s.build.Target.Recipe = meaning
	}
	return outcome.OfMistake(err, datav1alpha1.ReasonInvalidSpec), nil
}
