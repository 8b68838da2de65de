package status

import (
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
)

// stagesOf returns all stages, including those that are not reached yet: their numbers of units are known from the start.
func stagesOf(b *build.Build, end *outcome.Outcome) []datav1alpha1.StageStatus {
	var stages []datav1alpha1.StageStatus
	next := b.Target.Next()
	for _, stage := range pipeline.Stages() {
		status := datav1alpha1.StageStatus{Name: string(stage), State: datav1alpha1.StagePending, Done: ptr.To[int32](0), Total: ptr.To(int32(len(progress.Units(b.Target.Recipe, stage))))}
		if step, reached := b.Target.Graph.Step(stage); reached {
			describe(&status, b, step)
			if next != nil && next.Stage == stage {
				status.State = stateOf(b.Latest(step), end)
			}
		}
		stages = append(stages, status)
	}
	return stages
}

// describe fills in a stage that was reached, as a stage that is done.
func describe(status *datav1alpha1.StageStatus, b *build.Build, step pipeline.Step) {
	newest := b.Latest(step)
	done, _ := build.Progress(&step, newest)
	status.Done = ptr.To(int32(done))
	status.State = datav1alpha1.StageSucceeded
	if newest == nil {
		return
	}
	status.Attempt = int32(jobs.Attempt(newest))
	for _, job := range b.Jobs { // oldest first
		if at := jobs.Started(job); at != nil && b.Target.Contributes(job, step) {
			status.StartTime = at
			break
		}
	}
	status.CompletionTime = b.EndedAt(newest)
}

// stateOf returns the state of the stage that is under way, by its newest Job and the outcome of the pass.
func stateOf(job *batchv1.Job, end *outcome.Outcome) datav1alpha1.StageState {
	switch {
	case end != nil && end.Verdict == outcome.Stalled:
		return datav1alpha1.StageFailed
	case end != nil && end.Verdict == outcome.Suspended:
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
