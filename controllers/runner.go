package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// runner creates the Job of a step, and keeps it up to date.
type runner struct {
	objects  objects
	clock    clock.PassiveClock
	settings render.Settings
}

// work returns an attempt at the missing units of a step.
func (r runner) work(b *build.Build, step pipeline.Step, attempt int) render.Work {
	return render.Work{
		Mix: b.Mix, Recipe: b.Target.Recipe, Graph: *b.Target.Graph, Results: b.Ledger.Results, Step: step, Attempt: attempt,
		Chain: b.Target.Chain, Request: b.Ledger.Requests.Request, Location: b.Target.Location, Sharing: render.SharingOf(b.Claim), Settings: r.settings,
	}
}

// again returns the work that a Job does as the mix asks for it now: the same units, in the same attempt.
func (r runner) again(b *build.Build, step *pipeline.Step, job *batchv1.Job) render.Work {
	same := *step
	same.Missing = jobs.Units(job, step)
	return r.work(b, same, jobs.Attempt(job))
}

// start makes the Job of a step, after its task.
func (r runner) start(ctx context.Context, s *scope, step *pipeline.Step, attempt int) (*outcome.Outcome, error) {
	b := &s.build
	if ptr.Deref(b.Mix.Spec.Suspend, false) {
		return outcome.Suspend(step), nil
	}
	work := r.work(b, *step, attempt)
	task, err := r.task(ctx, s, work)
	if err != nil {
		return nil, err
	}
	job := work.Job()
	made := []client.Object{task, job}
	if hasTask(s, task.Name) {
		made = made[1:] // of a deleted Job
	}
	for _, object := range made {
		if result, err := r.objects.create(ctx, b.Mix, object); result != nil || err != nil {
			return result, err
		}
	}
	log.FromContext(ctx).Info("made a Job", "build", b.Target.ID(), "stage", step.Stage, "job", job.Name, "units", len(step.Missing))
	s.tally.jobs = append(s.tally.jobs, step.Stage)
	if b.Lost(step) > 0 {
		s.tally.readBack++
	}
	b.Jobs = append(b.Jobs, job)
	return outcome.Running(b, step, job, s.refusals, s.hindrance.cause), nil
}

// task returns the task of work, with what a publication must leave on the volume.
func (r runner) task(ctx context.Context, s *scope, work render.Work) (*corev1.ConfigMap, error) {
	if err := keep(ctx, r.objects.live, s, &work); err != nil {
		return nil, err
	}
	return work.Task()
}

func hasTask(s *scope, name string) bool {
	return slices.ContainsFunc(s.tasks, func(task *corev1.ConfigMap) bool { return task.Name == name })
}

// follow reports on an unfinished Job, and deletes it when the mix is suspended. The manager never suspends or resumes a Job, so it does not fight
// with Kueue over that.
func (r runner) follow(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	b := &s.build
	var err error
	if s.hindrance, err = (inquiry{r.objects, r.clock.Now()}).hindrance(ctx, b, job); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(jobs.PodsOf(job, b.Pods), isDeleted) { // perhaps because the namespace is
		if err := r.objects.probe(ctx, b.Mix); err != nil {
			return nil, err
		}
	}
	suspended := ptr.Deref(b.Mix.Spec.Suspend, false)
	switch going := !job.DeletionTimestamp.IsZero(); {
	case suspended && going:
		return outcome.Suspend(step), nil
	case suspended:
		return r.giveUp(ctx, s, job, outcome.Suspend(step))
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
	return outcome.Running(b, step, job, s.refusals, s.hindrance.cause), nil
}

func isDeleted(pod *corev1.Pod) bool { return !pod.DeletionTimestamp.IsZero() }

// giveUp deletes a Job and gives up its place in a queue. What its workers have finished is kept.
func (r runner) giveUp(ctx context.Context, s *scope, job *batchv1.Job, then *outcome.Outcome) (*outcome.Outcome, error) {
	s.harvest(job)
	if result, err := r.objects.save(ctx, s); result != nil || err != nil {
		return result, err
	}
	return then, r.objects.remove(ctx, job)
}

// restoreTask recreates the task of a running Job if it was deleted: pods that have not mounted it would wait for it for ever. A Job whose task
// cannot be recreated as it was starts over.
func (r runner) restoreTask(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	if hasTask(s, job.Name) {
		return nil, nil
	}
	work := r.again(&s.build, step, job)
	if work.Name() != job.Name {
		return outcome.Progress(fmt.Sprintf("Job %s has lost its task; stage %s starts again.", job.Name, step.Stage)), r.objects.remove(ctx, job)
	}
	task, err := r.task(ctx, s, work)
	if err != nil {
		return nil, err
	}
	return r.objects.create(ctx, s.build.Mix, task)
}

// widen sets the parallelism of a running Job to what the mix asks for now. For a Job in a queue, the queue decides.
func (r runner) widen(ctx context.Context, s *scope, job *batchv1.Job) error {
	if jobs.Queue(job) != "" || job.Spec.Parallelism == nil {
		return nil
	}
	wanted := render.Parallelism(s.build.Mix, jobs.Pods(job), render.SharingOf(s.build.Claim))
	if *job.Spec.Parallelism == wanted {
		return nil
	}
	patched := job.DeepCopy()
	patched.Spec.Parallelism = &wanted
	if err := r.objects.patch(ctx, patched, job); err != nil {
		return fmt.Errorf("changing the parallelism of Job %s: %w", job.Name, err)
	}
	return nil
}

// The manager does not watch Workloads, so it asks again: after the time that the Job has waited so far, between these bounds.
const (
	askSoonest = time.Second
	askLatest  = time.Minute
)

// workloadGrace is how long Kueue may take to create the Workload of a Job before that is reported.
const workloadGrace = 10 * time.Second

// queued returns what a suspended Job waits for, and recreates it when the mix asks for other pods or another queue than
// it was made with.
func (r runner) queued(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	wanted := r.again(&s.build, step, job).Job()
	if wanted.Annotations[datav1alpha1.AnnotationTemplate] != job.Annotations[datav1alpha1.AnnotationTemplate] {
		message := fmt.Sprintf("Stage %s: Job %s waited, and is made again as the mix asks for it now.", step.Stage, job.Name)
		return r.giveUp(ctx, s, job, outcome.Wait(datav1alpha1.ReasonQueued, message))
	}
	message := fmt.Sprintf("Stage %s: Job %s is suspended, and not by the operator.", step.Stage, job.Name)
	if jobs.Queue(job) != "" {
		message = fmt.Sprintf("Stage %s: Job %s waits to be admitted to queue %s.", step.Stage, job.Name, jobs.Queue(job))
	}
	if cause := r.admission(ctx, s, job); cause != "" {
		message += " " + cause
	}
	return outcome.Wait(datav1alpha1.ReasonQueued, message), nil
}

// admission returns why Kueue does not let a Job run, as sentences, or where to find out if the manager may not read Workloads.
func (r runner) admission(ctx context.Context, s *scope, job *batchv1.Job) string {
	mapping, err := r.objects.cache.RESTMapper().RESTMapping(schema.GroupKind{Group: "kueue.x-k8s.io", Kind: "Workload"})
	if apimeta.IsNoMatchError(err) {
		if jobs.Queue(job) == "" {
			return "It goes on when it is resumed."
		}
		return "This cluster has no Kueue, which would admit it."
	}
	workloads := &unstructured.UnstructuredList{}
	if err == nil {
		workloads.SetGroupVersionKind(mapping.GroupVersionKind)
		err = r.objects.live.List(ctx, workloads, client.InNamespace(job.Namespace), client.MatchingLabels{datav1alpha1.LabelJobUID: string(job.UID)})
	}
	if apierrors.IsForbidden(err) {
		return fmt.Sprintf("Its Workload says why: kubectl describe workloads -n %s -l %s=%s", job.Namespace, datav1alpha1.LabelJobUID, job.UID)
	}
	waited := r.clock.Now().Sub(job.CreationTimestamp.Time)
	s.askAgain = min(max(waited, askSoonest), askLatest)
	switch {
	case err != nil:
		return "Kueue cannot be asked why: " + outcome.Sentence(err.Error())
	case len(workloads.Items) > 0:
		return outcome.OfWorkload(&workloads.Items[0])
	case waited < workloadGrace:
		return ""
	case job.Labels[datav1alpha1.LabelQueuePriority] != "":
		return fmt.Sprintf("Kueue has made no Workload for it: see that the WorkloadPriorityClass %s exists, and that Kueue runs.", job.Labels[datav1alpha1.LabelQueuePriority])
	default:
		return "Kueue has made no Workload for it: see that Kueue runs, and that it looks after this namespace."
	}
}
