package controllers

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/controllers/internal/readers"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// watchAgain is the time between two searches for pods that read old revisions of a mix, while there are any.
const watchAgain = 10 * time.Minute

// keep adds to work that publishes the revisions that the publication must not remove, in addition to those that the recipe keeps: pods read them. A pod
// that starts after its check mounts the newest revision, which is kept for spec.output.keepSeconds after it was replaced.
func keep(ctx context.Context, live client.Reader, s *scope, work *render.Work) error {
	if work.Step.Stage != pipeline.StagePublish && work.Chain == "" {
		return nil
	}
	if err := findReaders(ctx, live, s); err != nil {
		return err
	}
	work.Keep = &contract.Keep{Seconds: cmp.Or(s.build.Mix.Spec.Output.KeepSeconds, render.DefaultKeepSeconds), Holds: s.readers.Holds()}
	return nil
}

// watch finds the pods that read old revisions of a published mix, for the status.
func (r *DatasetMixReconciler) watch(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	status, keep := s.build.Mix.Status, s.build.Target.Recipe.Output.KeepRevisions
	if len(status.History) <= keep && len(status.Held) == 0 {
		return nil, nil
	}
	if err := findReaders(ctx, r.Live, s); err != nil {
		return nil, err
	}
	if len(s.readers.Held(status.History, keep)) > 0 {
		s.askAgain = watchAgain
	}
	return nil, nil
}

// findReaders reads the pods of the namespace that have not ended. It asks the API server: the manager's cache has only the pods of mixes.
func findReaders(ctx context.Context, live client.Reader, s *scope) error {
	var pods []corev1.Pod
	for _, phase := range []corev1.PodPhase{corev1.PodPending, corev1.PodRunning} {
		list := &corev1.PodList{}
		if err := live.List(ctx, list, client.InNamespace(s.build.Mix.Namespace), client.MatchingFields{"status.phase": string(phase)}); err != nil {
			return fmt.Errorf("listing the pods that may read a revision: %w", err)
		}
		pods = append(pods, list.Items...)
	}
	s.readers = readers.Find(pods, s.build.Mix.UID, s.build.Target.Location)
	return nil
}
