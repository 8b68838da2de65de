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

// again returns the work of an existing Job, with the same units and attempt, as it would be rendered for the mix now.
func (r runner) again(b *build.Build, step *pipeline.Step, job *batchv1.Job) render.Work {
	same := *step
	same.Missing = jobs.Units(job, step)
	return r.work(b, same, jobs.Attempt(job))
}

// start creates the task of a step and then its Job.
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
		made = made[1:] // the task of a deleted Job
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

// task returns the task of work, with the revisions that a publication must not remove.
func (r runner) task(ctx context.Context, s *scope, work render.Work) (*corev1.ConfigMap, error) {
	if err := keep(ctx, r.objects.live, s, &work); err != nil {
		return nil, err
	}
	return work.Task()
}

func hasTask(s *scope, name string) bool {
	return slices.ContainsFunc(s.tasks, func(task *corev1.ConfigMap) bool { return task.Name == name })
}

// follow reports on an unfinished Job, and deletes it if the mix is suspended. The manager never changes whether a Job is suspended: that is Kueue's to
// decide.
func (r runner) follow(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	b := &s.build
	var err error
	if s.hindrance, err = (inquiry{r.objects, r.clock.Now()}).hindrance(ctx, b, job); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(jobs.PodsOf(job, b.Pods), isDeleted) { // perhaps its namespace is being deleted
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

// giveUp records the results of a Job and deletes it, which gives up its place in a queue.
func (r runner) giveUp(ctx context.Context, s *scope, job *batchv1.Job, then *outcome.Outcome) (*outcome.Outcome, error) {
	s.harvest(job)
	if result, err := r.objects.save(ctx, s); result != nil || err != nil {
		return result, err
	}
	return then, r.objects.remove(ctx, job)
}

// restoreTask recreates the task of a running Job if it was deleted: pods that have not mounted it would wait forever. If the mix was edited since, so
// that the same task cannot be recreated, it deletes the Job.
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

// widen sets the parallelism of a running Job to that of the spec, unless the Job is in a queue, which decides it.
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

// The bounds of the time after which a waiting Job's Workload is read again: as long as the Job has waited so far. Workloads are not watched.
const (
	askSoonest = time.Second
	askLatest  = time.Minute
)

// workloadGrace is the time that Kueue may take to create the Workload of a Job before a missing one is reported.
const workloadGrace = 10 * time.Second

// queued reports what a suspended Job waits for. If the mix now asks for other pods or another queue, it deletes the Job, to be created again.
func (r runner) queued(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	wanted := r.again(&s.build, step, job).Job()
	if wanted.Annotations[datav1alpha1.AnnotationTemplate] != job.Annotations[datav1alpha1.AnnotationTemplate] {
		message := fmt.Sprintf("Stage %s: the spec was edited while Job %s waited; it is created again.", step.Stage, job.Name)
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

// admission returns, in sentences, why Kueue does not admit a Job or, if the manager may not read Workloads, the command that shows it.
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
