package build

import (
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// repairLimit is the number of Jobs of one step that may find damage: a volume that damages files again and again needs a person.
const repairLimit = 4

// Build is the work on a mix, as it was observed.
type Build struct {
	// Mix is the mix as it was read; it is not changed.
	Mix    *datav1alpha1.DatasetMix
	Target Target
	// Claim is the claim that the mix is built on.
	Claim *corev1.PersistentVolumeClaim
	// Jobs of the mix, oldest first.
	Jobs []*batchv1.Job
	// Pods with the mix's label, sorted by name.
	Pods []*corev1.Pod
	// Ledger of the results at the target's location, and of the requests that were handled.
	Ledger ledger.Ledger
}

// Walk walks the graph as far as the recorded results lead.
func (b *Build) Walk() { b.Target.Walk(b.Ledger.Results) }

// ReportedAt returns when the last worker of a Job at the location ended, nil while results are missing, whether or not the Job is Complete.
func (b *Build) ReportedAt(job *batchv1.Job) *metav1.Time {
	if !b.Target.IsHere(job) {
		return nil
	}
	return jobs.ReportedAt(job, b.Pods, render.SharingOf(b.Claim))
}

// EndedAt returns when the work of a Job ended, nil while it has not. It is the end of its last worker if its pods still exist, else the end of the Job.
func (b *Build) EndedAt(job *batchv1.Job) *metav1.Time {
	if at := b.ReportedAt(job); at != nil && !at.IsZero() {
		return at
	}
	return jobs.EndedAt(job)
}

// IsStale reports whether a Job does work that is no longer wanted.
func (b *Build) IsStale(job *batchv1.Job) bool {
	return jobs.Finished(job) == "" && !b.isCurrent(job) && b.ReportedAt(job) == nil
}

// isCurrent reports whether a Job builds what is missing now.
func (b *Build) isCurrent(job *batchv1.Job) bool {
	next := b.Target.Graph.Next()
	return next != nil && b.Target.Covers(job, next)
}

// HasStaleWriters reports whether pods run that belong to no current Job.
func (b *Build) HasStaleWriters() bool {
	own := map[string]bool{}
	for _, job := range b.Jobs {
		if jobs.Finished(job) == "" && b.isCurrent(job) {
			for _, pod := range jobs.PodsOf(job, b.Pods) {
				own[pod.Name] = true
			}
		}
	}
	return slices.ContainsFunc(b.Pods, func(pod *corev1.Pod) bool {
		controller := metav1.GetControllerOf(pod)
		return jobs.Writes(pod, render.SharingOf(b.Claim)) && !own[pod.Name] && controller != nil && controller.Kind == "Job"
	})
}

// Newest returns the newest Job that covers what a step lacks, by attempt.
func (b *Build) Newest(step *pipeline.Step) *batchv1.Job {
	var newest *batchv1.Job
	for _, job := range b.Jobs {
		if b.Target.Covers(job, step) && (newest == nil || jobs.Attempt(job) >= jobs.Attempt(newest)) {
			newest = job
		}
	}
	return newest
}

// Latest returns the newest Job that had a part in a step.
func (b *Build) Latest(step pipeline.Step) *batchv1.Job {
	for _, job := range slices.Backward(b.Jobs) {
		if b.Target.Contributes(job, step) {
			return job
		}
	}
	return nil
}

// Progress counts the units of a step that are done: those with a result, and those that the running Job has finished.
func Progress(step *pipeline.Step, job *batchv1.Job) (done, total int) {
	total = len(step.Nodes)
	done = total - len(step.Missing)
	if job != nil && jobs.Finished(job) == "" {
		done += min(len(step.Missing), max(0, int(job.Status.Succeeded)))
	}
	return done, total
}

// HasFailed reports whether a Job failed for good: nothing was edited, requested, enlarged or rebuilt since that could make another attempt succeed.
func (b *Build) HasFailed(job *batchv1.Job) bool {
	note := b.Ledger.Failures[job.Name]
	return jobs.Finished(job) == batchv1.JobFailed && b.isRequested(job) && !hasGrown(b.Claim, note) && !isMended(job, note)
}

// isRequested reports whether a Job was made for what the mix asks for now: a failed one means nothing for a spec that was edited since, even if
// the edit changed no key (more memory, another token), nor for a later request.
func (b *Build) isRequested(job *batchv1.Job) bool {
	return job.Annotations[datav1alpha1.AnnotationGeneration] == strconv.FormatInt(b.Mix.Generation, 10) &&
		job.Annotations[datav1alpha1.AnnotationRequest] == b.Ledger.Requests.Request
}

// hasGrown reports whether a PersistentVolumeClaim is larger than it was when a worker found it full.
func hasGrown(claim *corev1.PersistentVolumeClaim, note jobs.Failure) bool {
	was, err := resource.ParseQuantity(note.Capacity)
	if err != nil {
		return false
	}
	has, ok := claim.Status.Capacity[corev1.ResourceStorage]
	return ok && has.Cmp(was) > 0
}

// isMended reports whether a Job failed because of damage that has been rebuilt by now. Another attempt may follow, up to repairLimit.
func isMended(job *batchv1.Job, note jobs.Failure) bool {
	return len(note.Damaged) > 0 && jobs.Attempt(job) < repairLimit
}

// Lost counts the Jobs of this generation that completed although their results are missing.
func (b *Build) Lost(step *pipeline.Step) int {
	count := 0
	for _, job := range b.Jobs {
		if b.Target.Covers(job, step) && jobs.Finished(job) == batchv1.JobComplete && b.isRequested(job) {
			count++
		}
	}
	return count
}

// IsRepairing reports whether what a step lacks was found damaged.
func (b *Build) IsRepairing(step *pipeline.Step) bool {
	for _, note := range b.Ledger.Failures {
		if slices.ContainsFunc(step.Missing, func(unit pipeline.Node) bool { return note.Damages(unit.Key) }) {
			return true
		}
	}
	return false
}

// isResting reports whether there is nothing to do before the spec, a source or a request changes: the mix is published, or stalled.
func (b *Build) isResting() bool {
	switch {
	case b.Target.Graph == nil:
		return false
	case b.Target.Next() == nil:
		return true
	default:
		newest := b.Newest(b.Target.Next())
		return newest != nil && b.HasFailed(newest)
	}
}

// RefreshInterval returns how often floating sources are resolved. Zero means never; it is also returned when no source floats.
func RefreshInterval(mix *datav1alpha1.DatasetMix, r recipe.Recipe) time.Duration {
	floating := slices.ContainsFunc(r.Sources(), func(of recipe.NamedSource) bool { return of.Source.Floating() })
	if mix.Spec.Refresh == nil || !floating {
		return 0
	}
	return time.Duration(mix.Spec.Refresh.EverySeconds) * time.Second
}

// NextRefresh returns the time until floating sources are resolved again; ok is false while that is not planned, or something else has to happen
// first.
func (b *Build) NextRefresh(now time.Time) (wait time.Duration, ok bool) {
	interval, last := RefreshInterval(b.Mix, b.Target.Recipe), b.Ledger.Requests.At
	if interval == 0 || last.IsZero() || ptr.Deref(b.Mix.Spec.Suspend, false) || !b.isResting() {
		return 0, false
	}
	return max(0, last.Add(interval).Sub(now)), true
}
