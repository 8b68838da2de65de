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

// observe reads what exists of the mix.
func (r *DatasetMixReconciler) observe(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	own := []client.ListOption{
		client.InNamespace(s.mix.Namespace),
		client.MatchingFields{uidIndex: string(s.mix.UID)},
	}
	owned, pods, maps := &batchv1.JobList{}, &corev1.PodList{}, &corev1.ConfigMapList{}
	for _, list := range []client.ObjectList{owned, pods, maps} {
		if err := r.List(ctx, list, own...); err != nil {
			return nil, fmt.Errorf("listing what exists: %w", err)
		}
	}
	for i := range owned.Items {
		if job := &owned.Items[i]; metav1.IsControlledBy(job, s.mix) {
			s.jobs = append(s.jobs, job)
		}
	}
	for i := range maps.Items {
		switch config := &maps.Items[i]; {
		case !metav1.IsControlledBy(config, s.mix):
		case config.Name == render.ResultsName(s.mix):
			s.results = config
		case config.Labels[datav1alpha1.LabelStage] != "":
			s.tasks = append(s.tasks, config)
		}
	}
	for i := range pods.Items {
		s.pods = append(s.pods, &pods.Items[i])
	}
	if err := r.observeRefusals(ctx, s); err != nil {
		return nil, err
	}
	slices.SortFunc(s.jobs, jobs.Older)
	slices.SortFunc(s.pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return nil, nil
}

// interpret finds what the spec means.
func (r *DatasetMixReconciler) interpret(_ context.Context, s *scope) (*outcome.Outcome, error) {
	meaning, err := render.Recipe(s.mix)
	if err != nil {
		return outcome.Stall(datav1alpha1.ReasonInvalidSpec, outcome.Sentence(err.Error())), nil
	}
	s.recipe = meaning
	return nil, nil
}
