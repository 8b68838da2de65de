package controllers

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// lostLimit is how many Jobs of one generation may complete without leaving a result.
const lostLimit = 3

// deleteStaleJobs ends the Jobs that an edit of the spec has overtaken, keeps what they have finished, and lets nothing new start while
// their pods still write. A Job whose workers are all done ends by itself.
func (r *DatasetMixReconciler) deleteStaleJobs(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	overtaken := false
	for _, job := range s.jobs {
		if s.overtaken(job) {
			overtaken = true
			s.harvest(job)
		}
	}
	if overtaken {
		if result, err := r.save(ctx, s); result != nil || err != nil {
			return result, err
		}
	}
	for _, job := range s.jobs {
		if s.overtaken(job) {
			if err := r.remove(ctx, s, job); err != nil {
				return nil, err
			}
		}
	}
	if next := s.graph.Next(); next != nil && (overtaken || s.writing()) {
		if ptr.Deref(s.mix.Spec.Suspend, false) {
			return rest(next), nil
		}
		return outcome.Progress("Waiting for the pods of an earlier build to end."), nil
	}
	return nil, nil
}

// overtaken says whether a Job does work that is not wanted any more.
func (s *scope) overtaken(job *batchv1.Job) bool {
	return jobs.Finished(job) == "" && !s.current(job) && !s.told(job)
}

// current says whether a Job builds what is missing now.
func (s *scope) current(job *batchv1.Job) bool {
	next := s.graph.Next()
	return next != nil && s.covers(job, next)
}

// writing says whether pods run that belong to no current Job.
func (s *scope) writing() bool {
	own := map[string]bool{}
	for _, job := range s.jobs {
		if jobs.Finished(job) == "" && s.current(job) {
			for _, pod := range s.podsOf(job) {
				own[pod.Name] = true
			}
		}
	}
	for _, pod := range s.pods {
		controller := metav1.GetControllerOf(pod)
		if s.writes(pod) && !own[pod.Name] && controller != nil && controller.Kind == "Job" {
			return true
		}
	}
	return false
}

// remove deletes an object as it was read: a Job that the cache still shows running may have ended since, and its results be
// recorded.
func (r *DatasetMixReconciler) remove(ctx context.Context, s *scope, object client.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := r.Delete(ctx, object,
		client.PropagationPolicy(metav1.DeletePropagationBackground),
		client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %s: %w", object.GetName(), err)
	}
	if err == nil {
		s.tally.wrote("delete", kindOf(object))
	}
	return nil
}

// reconcileJob makes the Job of the next stage, or judges the one that there is.
func (r *DatasetMixReconciler) reconcileJob(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	next := s.graph.Next()
	if next == nil {
		return nil, nil
	}
	newest := s.newest(next)
	switch {
	case newest == nil:
		return r.start(ctx, s, next, 1)
	case jobs.Finished(newest) == "":
		if err := r.look(ctx, s, newest); err != nil {
			return nil, err
		}
		return r.updateJob(ctx, s, next, newest)
	case s.stalledBy(newest):
		return s.failure(next, newest), nil
	case s.lost(next) >= lostLimit:
		message := fmt.Sprintf("Stage %s completed %d times without its results being readable; delete Job %s to try again.", next.Stage, lostLimit, newest.Name)
		return outcome.Stall(datav1alpha1.ReasonRetriesExhausted, message), nil
	default:
		return r.start(ctx, s, next, jobs.Attempt(newest)+1)
	}
}

// newest is the newest Job that covers what is missing, by attempt.
func (s *scope) newest(step *pipeline.Step) *batchv1.Job {
	var newest *batchv1.Job
	for _, job := range s.jobs {
		if s.covers(job, step) && (newest == nil || jobs.Attempt(job) >= jobs.Attempt(newest)) {
			newest = job
		}
	}
	return newest
}

// sameRequest: a Job that failed says nothing about a spec that was edited since, even if the edit changed no key (more
// memory, another token), nor about a request that was made since.
func (s *scope) sameRequest(job *batchv1.Job) bool {
	return job.Annotations[datav1alpha1.AnnotationGeneration] == strconv.FormatInt(s.mix.Generation, 10) &&
		job.Annotations[datav1alpha1.AnnotationRequest] == s.asked.Request
}

// stalledBy reports whether a Job failed for good: nothing that was edited, asked for, given more room or built again since says
// that another may end otherwise.
func (s *scope) stalledBy(job *batchv1.Job) bool {
	return jobs.Finished(job) == batchv1.JobFailed && s.sameRequest(job) && !s.grown(job) && !s.mended(job)
}

// lost counts the Jobs of this generation that completed and whose results are missing all the same.
func (s *scope) lost(step *pipeline.Step) int {
	count := 0
	for _, job := range s.jobs {
		if s.covers(job, step) && jobs.Finished(job) == batchv1.JobComplete && s.sameRequest(job) {
			count++
		}
	}
	return count
}

// start makes the Job of a stage, after its task.
func (r *DatasetMixReconciler) start(ctx context.Context, s *scope, step *pipeline.Step, number int) (*outcome.Outcome, error) {
	if ptr.Deref(s.mix.Spec.Suspend, false) {
		return rest(step), nil
	}
	work := s.work(*step, number, r.Settings)
	if err := r.keep(ctx, s, &work); err != nil {
		return nil, err
	}
	task, err := work.Task()
	if err != nil {
		return nil, err
	}
	job := work.Job()
	made := []client.Object{task, job}
	if slices.ContainsFunc(s.tasks, func(old *corev1.ConfigMap) bool { return old.Name == task.Name }) {
		made = made[1:] // of a Job that was given up
	}
	for _, object := range made {
		if result, err := r.own(ctx, s, object); result != nil || err != nil {
			return result, err
		}
	}
	log.FromContext(ctx).Info("made a Job", "build", s.build(), "stage", step.Stage, "job", job.Name, "units", len(step.Missing))
	s.tally.jobs = append(s.tally.jobs, step.Stage)
	if s.lost(step) > 0 {
		s.tally.readBack++
	}
	s.jobs = append(s.jobs, job)
	return s.running(step, job), nil
}

// updateJob tells how a Job goes that is not finished, and ends it when the mix is suspended. Whether a Job runs is never the
// manager's to say: it neither suspends nor resumes one, so it fights with nobody over that.
func (r *DatasetMixReconciler) updateJob(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	if err := r.namespaceTerminating(ctx, s, job); err != nil {
		return nil, err
	}
	switch going := !job.DeletionTimestamp.IsZero(); {
	case ptr.Deref(s.mix.Spec.Suspend, false) && going:
		return rest(step), nil
	case ptr.Deref(s.mix.Spec.Suspend, false):
		return r.giveUp(ctx, s, job, rest(step))
	case going:
		return outcome.Progress(fmt.Sprintf("Job %s is being deleted; stage %s starts again when it is gone.", job.Name, step.Stage)), nil
	}
	if result, err := r.restoreTask(ctx, s, step, job); result != nil || err != nil {
		return result, err
	}
	if jobs.Held(job) {
		return r.queued(ctx, s, step, job)
	}
	if err := r.widen(ctx, s, job); err != nil {
		return nil, err
	}
	return s.running(step, job), nil
}

// giveUp deletes a Job, and its place in a queue with it. What its workers have finished is kept.
func (r *DatasetMixReconciler) giveUp(ctx context.Context, s *scope, job *batchv1.Job, then *outcome.Outcome) (*outcome.Outcome, error) {
	s.harvest(job)
	if result, err := r.save(ctx, s); result != nil || err != nil {
		return result, err
	}
	return then, r.remove(ctx, s, job)
}

func rest(step *pipeline.Step) *outcome.Outcome {
	return outcome.Suspend(fmt.Sprintf("Stage %s comes next; set spec.suspend to false to go on.", step.Stage))
}

// running tells how a Job goes: what keeps it waiting, what made it try again, how far it is.
func (s *scope) running(step *pipeline.Step, job *batchv1.Job) *outcome.Outcome {
	done, total := s.progress(step, job)
	message := fmt.Sprintf("Stage %s: %d of %d done.", step.Stage, done, total)
	pods := s.podsOf(job)
	if held := s.hold(job, pods, message); held != nil {
		return held
	}
	note := jobs.WorstFailure(pods)
	if note != nil && note.Reason.Permanent() { // the Job ends as soon as its other pods have
		return outcome.Progress(message + fmt.Sprintf(" Ending after %s: %s", note.Reason, outcome.Sentence(note.Message)))
	}
	if note != nil {
		message += fmt.Sprintf(" Trying again after %s: %s", note.Reason, outcome.Sentence(note.Message))
		return outcome.Wait(datav1alpha1.ReasonProgressingWithRetry, message)
	}
	if s.repairing(step) {
		return outcome.Wait(datav1alpha1.ReasonProgressingWithRetry, message+" What is missing was found damaged on the volume, and is built again.")
	}
	if s.lost(step) > 0 {
		message += fmt.Sprintf(" Trying again after %s: The results are gone with their pods; attempt %d reads them back.", datav1alpha1.ReasonResultLost, jobs.Attempt(job))
		return outcome.Wait(datav1alpha1.ReasonProgressingWithRetry, message)
	}
	if jobs.Attempt(job) > 1 {
		message += fmt.Sprintf(" This is attempt %d.", jobs.Attempt(job))
		return outcome.Wait(datav1alpha1.ReasonProgressingWithRetry, message)
	}
	return outcome.Progress(message)
}

// failure is the outcome of a Job that failed for good. A failure that might have passed, but did not, has used up its
// retries; which one it was stands in the message.
func (s *scope) failure(step *pipeline.Step, job *batchv1.Job) *outcome.Outcome {
	ended := jobs.Terminal(job)
	note, known := s.record.failures[job.Name]
	if !known {
		note.Reason, note.Message = datav1alpha1.ReasonWorkerFailed, ended.Message
	}
	hint := fmt.Sprintf(" Edit the mix, or delete Job %s, to try again.", job.Name)
	if note.Pod != "" {
		hint += fmt.Sprintf(" The log is in pod %s.", note.Pod)
	}
	switch ended.Reason {
	case batchv1.JobReasonPodFailurePolicy:
		return outcome.Stall(string(note.Reason), outcome.Sentence(note.Message)+hint)
	case batchv1.JobReasonDeadlineExceeded:
		message := fmt.Sprintf("Stage %s ran for longer than the %d seconds of spec.worker.activeDeadlineSeconds.", step.Stage, ptr.Deref(job.Spec.ActiveDeadlineSeconds, 0))
		return outcome.Stall(datav1alpha1.ReasonDeadlineExceeded, message+hint)
	}
	reason := datav1alpha1.ReasonRetriesExhausted
	if note.Reason == datav1alpha1.ReasonOutOfMemory { // a person can do something about it, and knows what
		reason = datav1alpha1.ReasonOutOfMemory
	}
	message := fmt.Sprintf("Stage %s failed too often, the last time with %s: %s", step.Stage, note.Reason, outcome.Sentence(note.Message))
	return outcome.Stall(reason, message+hint)
}

// progress counts the units of a step that are done: those with a result, and those that the running Job has finished.
func (s *scope) progress(step *pipeline.Step, job *batchv1.Job) (done, total int) {
	total = len(step.Nodes)
	done = total - len(step.Missing)
	if job != nil && jobs.Finished(job) == "" {
		done += min(len(step.Missing), max(0, int(job.Status.Succeeded)))
	}
	return done, total
}

// collectGarbage removes the Jobs and the tasks that have no part in the published revision. Each is judged by itself: that no Job of a
// task's name is seen may only mean that it is not seen yet.
func (r *DatasetMixReconciler) collectGarbage(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	var made []client.Object
	for _, job := range s.jobs {
		made = append(made, job)
	}
	for _, task := range s.tasks {
		made = append(made, task)
	}
	for _, object := range made {
		contributes := func(step pipeline.Step) bool { return s.contributes(object, step) }
		if slices.ContainsFunc(s.graph.Steps, contributes) {
			continue
		}
		if err := r.remove(ctx, s, object); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
