package controllers

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// Nothing tells the manager when Kueue changes its mind about a Workload, so it asks again: after the time that the Job has waited
// so far, between these bounds.
const (
	askSoonest = time.Second
	askLatest  = time.Minute
)

// workloadGrace is how long Kueue may take to make the Workload of a Job before that is worth a word.
const workloadGrace = 10 * time.Second

// queued tells of a Job that is held what it waits for, and makes it again when the mix asks for other pods or another queue than
// it was made with.
func (r *DatasetMixReconciler) queued(ctx context.Context, s *scope, step *pipeline.Step, job *batchv1.Job) (*outcome.Outcome, error) {
	again := *step
	again.Missing = jobs.Units(job, step)
	wanted := s.work(again, jobs.Attempt(job), r.Settings).Job()
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

// admission is what Kueue says of a Job that it does not let run, as sentences. Where the manager may not ask, it is where a person
// can.
func (r *DatasetMixReconciler) admission(ctx context.Context, s *scope, job *batchv1.Job) string {
	mapping, err := r.RESTMapper().RESTMapping(schema.GroupKind{Group: "kueue.x-k8s.io", Kind: "Workload"})
	if apimeta.IsNoMatchError(err) {
		if jobs.Queue(job) == "" {
			return "It goes on when it is resumed."
		}
		return "This cluster has no Kueue, which would admit it."
	}
	workloads := &unstructured.UnstructuredList{}
	if err == nil {
		workloads.SetGroupVersionKind(mapping.GroupVersionKind)
		err = r.Live.List(ctx, workloads, client.InNamespace(job.Namespace), client.MatchingLabels{datav1alpha1.LabelJobUID: string(job.UID)})
	}
	if apierrors.IsForbidden(err) {
		return fmt.Sprintf("Its Workload says why: kubectl describe workloads -n %s -l %s=%s", job.Namespace, datav1alpha1.LabelJobUID, job.UID)
	}
	waited := r.Clock.Now().Sub(job.CreationTimestamp.Time)
	s.askAgain = min(max(waited, askSoonest), askLatest)
	switch {
	case err != nil:
		return "Kueue cannot be asked why: " + outcome.Sentence(err.Error())
	case len(workloads.Items) > 0:
		return reasonOf(&workloads.Items[0])
	case waited < workloadGrace:
		return ""
	case job.Labels[datav1alpha1.LabelQueuePriority] != "":
		return fmt.Sprintf("Kueue has made no Workload for it: see that the WorkloadPriorityClass %s exists, and that Kueue runs.", job.Labels[datav1alpha1.LabelQueuePriority])
	default:
		return "Kueue has made no Workload for it: see that Kueue runs, and that it looks after this namespace."
	}
}

// reasonOf is why a Workload is not admitted, in Kueue's own words, with what a person can do where Kueue does not say it.
func reasonOf(workload *unstructured.Unstructured) string {
	name := workload.GetName()
	if active, found, _ := unstructured.NestedBool(workload.Object, "spec", "active"); found && !active {
		return fmt.Sprintf("Its Workload %s is deactivated%s: set spec.active of it to true to go on.", name, because(conditionOf(workload, "Evicted", "True")))
	}
	if message := conditionOf(workload, "QuotaReserved", "False"); message != "" {
		reason := fmt.Sprintf("Workload %s: %s", name, outcome.Sentence(message))
		if of, _, _ := unstructured.NestedString(workload.Object, "spec", "queueName"); of == "" {
			reason += fmt.Sprintf(" The Job is in no queue: label the mix with %s.", datav1alpha1.LabelQueue)
		}
		return reason
	}
	checks, _, _ := unstructured.NestedSlice(workload.Object, "status", "admissionChecks")
	for _, check := range checks {
		fields, ok := check.(map[string]any)
		if !ok {
			continue
		}
		if state, _, _ := unstructured.NestedString(fields, "state"); state != "Ready" {
			of, _, _ := unstructured.NestedString(fields, "name")
			message, _, _ := unstructured.NestedString(fields, "message")
			return fmt.Sprintf("Workload %s: admission check %s is %s%s.", name, of, state, because(message))
		}
	}
	return ""
}

// because joins a cause to what it explains.
func because(cause string) string {
	if cause == "" {
		return ""
	}
	return " (" + cause + ")"
}

// conditionOf is the message of a Workload's condition if it has a status.
func conditionOf(workload *unstructured.Unstructured, kind, status string) string {
	conditions, _, _ := unstructured.NestedSlice(workload.Object, "status", "conditions")
	for _, condition := range conditions {
		fields, ok := condition.(map[string]any)
		if ok && fields["type"] == kind && fields["status"] == status {
			message, _, _ := unstructured.NestedString(fields, "message")
			return message
		}
	}
	return ""
}
