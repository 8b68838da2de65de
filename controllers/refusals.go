package controllers

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
)

// refusals select the Events of Jobs whose pods could not be made: a ResourceQuota is used up, a LimitRange or a Pod Security
// Standard forbids them, an admission webhook is down. The Job itself says nothing of it.
func refusals() fields.Selector {
	return fields.SelectorFromSet(fields.Set{"involvedObject.kind": "Job", "reason": "FailedCreate"})
}

// observeRefusals reads those of the namespace; refused takes the ones of a Job.
func (r *DatasetMixReconciler) observeRefusals(ctx context.Context, s *scope) error {
	list := &corev1.EventList{}
	if err := r.List(ctx, list, client.InNamespace(s.mix.Namespace)); err != nil {
		return fmt.Errorf("listing refusals: %w", err)
	}
	for i := range list.Items {
		s.refusals = append(s.refusals, &list.Items[i])
	}
	slices.SortFunc(s.refusals, func(a, b *corev1.Event) int { return jobs.RecordedAt(a).Compare(jobs.RecordedAt(b).Time) })
	return nil
}

// mixOfRefusal finds the mix of the Job that an Event is about.
func (r *DatasetMixReconciler) mixOfRefusal(ctx context.Context, object client.Object) []ctrl.Request {
	about := object.(*corev1.Event).InvolvedObject
	job := &batchv1.Job{}
	if err := r.Get(ctx, types.NamespacedName{Namespace: about.Namespace, Name: about.Name}, job); err != nil {
		return nil // somebody else's, or gone
	}
	name := job.Labels[datav1alpha1.LabelName]
	if name == "" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: job.Namespace, Name: name}}}
}
