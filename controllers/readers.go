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

// watchAgain is how often a mix checks which pods read its old revisions, while any does.
const watchAgain = 10 * time.Minute

// keep adds to the work of a publication, or of a chain that ends with one, what it must leave on the volume besides what the recipe keeps. A pod
// that starts afterwards mounts the newest revision before this publication, which no publication removes before its time has passed.
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

// watch finds the readers of a published mix with old revisions, for the status.
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

// findReaders reads the pods of the namespace that have not ended from the API server: the manager's cache has only those of mixes, and a namespace
// may hold thousands that have ended.
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
