package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/revision"
)

const (
	historyLimit = 10
	// conditionLimit is far below what the schema allows, in characters; eventLimit is what the API server takes, in bytes.
	conditionLimit = 8192
	eventLimit     = 1024
	nothing        = "-"
)

// report writes the status, once, if it says anything new, and then tells of the transitions. A pass that failed reports
// too.
func (r *DatasetMixReconciler) report(ctx context.Context, s *scope, failure error) error {
	if failure != nil {
		if overtaken(failure) || s.ready() {
			return nil // somebody was quicker, or everything goes, or what is published stays published: the next pass tells
		}
		s.outcome = outcome.Wait(datav1alpha1.ReasonProgressingWithRetry, outcome.Sentence(failure.Error()))
	}
	before := s.mix
	after := before.DeepCopy()
	after.Status = s.status(metav1.NewTime(r.Clock.Now()).Rfc3339Copy())
	if equality.Semantic.DeepEqual(before.Status, after.Status) {
		r.Metrics.count(s.tally, before, before)
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Status().Patch(ctx, after, patch); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("writing the status: %w", err))
	}
	s.tally.wrote("patch", "DatasetMix")
	r.Metrics.count(s.tally, before, after)
	logger := log.FromContext(ctx)
	for _, event := range transitions(before, after) {
		r.Events.Eventf(after, nil, event.kind, event.reason, event.action, "%s", contract.Shorten(event.note, eventLimit))
		logger.Info(event.note, "build", s.build(), "reason", event.reason)
	}
	return nil
}

// build is the id that the log lines of a build have in common, "" while it is not known what is built where.
func (s *scope) build() string {
	if s.location.ClaimName == "" {
		return ""
	}
	return render.Build(s.recipe, s.location)
}

// ready says whether the status has the present generation as published.
func (s *scope) ready() bool {
	condition := apimeta.FindStatusCondition(s.mix.Status.Conditions, datav1alpha1.ConditionReady)
	return condition != nil && condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == s.mix.Generation
}

// status is a pure function of the scope and the time.
func (s *scope) status(now metav1.Time) datav1alpha1.DatasetMixStatus {
	before := s.mix.Status
	status := datav1alpha1.DatasetMixStatus{
		ObservedGeneration: ptr.To(ptr.Deref(before.ObservedGeneration, -1)),
		Published:          before.Published.DeepCopy(),
		History:            slices.Clone(before.History),
		Held:               slices.Clone(before.Held),
	}
	status.LastHandledRequestedAt, status.LastHandledForceAt, status.LastRefreshTime = s.handled()
	if s.outcome == nil || s.outcome.Verdict == outcome.Stalled {
		status.ObservedGeneration = ptr.To(s.mix.Generation)
	}
	if s.graph != nil {
		status.Stages = s.stages()
		summary := s.rows()
		status.Datasets = s.datasets(summary)
		status.Splits = splitsOf(summary)
		status.Domains = domainsOf(s.recipe, summary)
		s.publish(&status, now)
	}
	if s.mounts != nil {
		status.Held = s.held(status.History)
	}
	status.History = recent(status.History, status.Held)
	status.Summary = s.summary(status)
	estimate(s, &status, now)
	status.Conditions = s.conditions(status, now)
	return status
}

// conditions follow kstatus: Reconciling and Stalled exclude each other and are present only when True; Ready is False with
// Stalled, and True with neither.
func (s *scope) conditions(status datav1alpha1.DatasetMixStatus, now metav1.Time) []metav1.Condition {
	ready, abnormal := s.readyCondition(status), ""
	if s.outcome != nil {
		switch s.outcome.Verdict {
		case outcome.Progressing:
			abnormal = datav1alpha1.ConditionReconciling
		case outcome.Stalled:
			abnormal = datav1alpha1.ConditionStalled
		}
	}
	wanted := []metav1.Condition{ready}
	if abnormal != "" {
		wanted = append(wanted, metav1.Condition{
			Type: abnormal, Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message,
		})
	}
	for i := range wanted {
		wanted[i].Message = contract.Clean(wanted[i].Message, conditionLimit)
		wanted[i].ObservedGeneration = s.mix.Generation
		wanted[i].LastTransitionTime = now
		old := apimeta.FindStatusCondition(s.mix.Status.Conditions, wanted[i].Type)
		if old != nil && old.Status == wanted[i].Status {
			wanted[i].LastTransitionTime = old.LastTransitionTime
		}
	}
	return wanted
}

// readyCondition returns Ready as True, False or Unknown.
func (s *scope) readyCondition(status datav1alpha1.DatasetMixStatus) metav1.Condition {
	if s.outcome == nil {
		var rows []string
		for _, split := range status.Splits {
			rows = append(rows, fmt.Sprintf("%d rows of %s", *split.Rows, split.Name))
		}
		return metav1.Condition{
			Type: datav1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: datav1alpha1.ReasonPublished,
			Message: fmt.Sprintf("Revision %s is published, with %s.", status.Published.Revision, strings.Join(rows, ", ")),
		}
	}
	value := metav1.ConditionFalse
	if s.outcome.Verdict == outcome.Progressing {
		value = metav1.ConditionUnknown
	}
	return metav1.Condition{Type: datav1alpha1.ConditionReady, Status: value, Reason: s.outcome.Reason, Message: s.outcome.Message}
}

// publish puts a finished build into published and history.
func (s *scope) publish(status *datav1alpha1.DatasetMixStatus, now metav1.Time) {
	built := s.graph.Published
	if built == nil {
		return
	}
	published := &datav1alpha1.Published{
		Revision:  built.Revision,
		ClaimName: s.location.ClaimName,
		Path:      revision.Folder(s.location.Path).Revision(built.Revision),
		Digest:    built.Digest,
		Bytes:     &built.Bytes,
		Time:      now,
	}
	if old := status.Published; old != nil && old.Digest == published.Digest && old.Path == published.Path {
		published.Time = old.Time
	} else if last := s.graph.Steps[len(s.graph.Steps)-1]; s.latest(last) != nil {
		published.Time = ptr.Deref(s.ended(s.latest(last)), now)
	}
	status.Published = published
	entry := datav1alpha1.HistoryEntry{
		Revision: published.Revision, Generation: s.mix.Generation, Digest: published.Digest, Bytes: published.Bytes, Time: published.Time,
	}
	if len(status.History) > 0 && status.History[0].Revision == entry.Revision {
		return
	}
	same := func(old datav1alpha1.HistoryEntry) bool { return old.Revision == entry.Revision }
	status.History = slices.Insert(slices.DeleteFunc(status.History, same), 0, entry)
}

// recent is the history without what is neither held nor of the last publications.
func recent(history []datav1alpha1.HistoryEntry, held []datav1alpha1.HeldRevision) []datav1alpha1.HistoryEntry {
	newest := slices.Clone(history[:min(len(history), historyLimit)])
	for _, entry := range history[len(newest):] {
		if slices.ContainsFunc(held, func(of datav1alpha1.HeldRevision) bool { return of.Revision == entry.Revision }) {
			newest = append(newest, entry)
		}
	}
	return newest
}

// stages are all stages, those that were not reached as well: how many units each has is known from the start.
func (s *scope) stages() []datav1alpha1.StageStatus {
	var stages []datav1alpha1.StageStatus
	next := s.next()
	for _, stage := range pipeline.Stages() {
		status := datav1alpha1.StageStatus{Name: string(stage), State: datav1alpha1.StagePending, Done: ptr.To[int32](0), Total: ptr.To(s.units(stage))}
		if step, reached := s.graph.Step(stage); reached {
			s.describe(&status, step, next != nil && next.Stage == stage)
		}
		stages = append(stages, status)
	}
	return stages
}

// next is the step that is under way, nil when there is none or what comes is not known.
func (s *scope) next() *pipeline.Step {
	if s.graph == nil || s.graphErr != nil {
		return nil
	}
	return s.graph.Next()
}

func (s *scope) units(stage pipeline.Stage) int32 {
	switch stage {
	case pipeline.StageDownload:
		return int32(len(s.recipe.Sources()))
	case pipeline.StageSplit:
		return int32(len(s.recipe.DatasetNames()))
	case pipeline.StageMix:
		return int32(len(s.recipe.Files()))
	default:
		return 1
	}
}

func (s *scope) describe(status *datav1alpha1.StageStatus, step pipeline.Step, underWay bool) {
	newest := s.latest(step)
	done, _ := s.progress(&step, newest)
	status.Done = ptr.To(int32(done))
	status.State = datav1alpha1.StageSucceeded
	if underWay {
		status.State = s.state(newest)
	}
	if newest == nil {
		return
	}
	status.Attempt = int32(jobs.Attempt(newest))
	for _, job := range s.jobs { // oldest first
		if at := jobs.Started(job); at != nil && s.contributes(job, step) {
			status.StartTime = at
			break
		}
	}
	status.CompletionTime = s.ended(newest)
}

func (s *scope) state(job *batchv1.Job) datav1alpha1.StageState {
	switch {
	case s.outcome != nil && s.outcome.Verdict == outcome.Stalled:
		return datav1alpha1.StageFailed
	case s.outcome != nil && s.outcome.Verdict == outcome.Suspended:
		return datav1alpha1.StageSuspended
	case job == nil || jobs.Finished(job) != "":
		return datav1alpha1.StagePending
	case jobs.Held(job):
		return datav1alpha1.StageQueued
	case jobs.Attempt(job) > 1 || job.Status.Failed > 0:
		return datav1alpha1.StageRetrying
	default:
		return datav1alpha1.StageRunning
	}
}

// latest is the newest Job that had a part in a step.
func (s *scope) latest(step pipeline.Step) *batchv1.Job {
	for _, job := range slices.Backward(s.jobs) {
		if s.contributes(job, step) {
			return job
		}
	}
	return nil
}

// ended is when the work of a Job ended, nil while it has not: when its last worker did, as long as its pods are there.
func (s *scope) ended(job *batchv1.Job) *metav1.Time {
	if at := s.toldAt(job); at != nil && !at.IsZero() {
		return at
	}
	return jobs.EndedAt(job)
}

func (s *scope) summary(status datav1alpha1.DatasetMixStatus) *datav1alpha1.Summary {
	summary := &datav1alpha1.Summary{Stage: nothing, Progress: nothing}
	if next := s.next(); next != nil {
		summary.Stage = string(next.Stage)
		for _, stage := range status.Stages {
			if stage.Name == summary.Stage {
				summary.Progress = fmt.Sprintf("%d/%d", *stage.Done, *stage.Total)
			}
		}
	}
	summary.Domains = cmp.Or(shares(s.recipe, status.Domains), "")
	return summary
}
