package outcome

import (
	"cmp"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// Running returns the outcome of a running Job: how many units are done, and what it waits for or why it was retried. Refusals are Events about pods
// that could not be created, oldest first; hindrance is what other Events say about pods that do not start, empty for nothing.
func Running(b *build.Build, step *pipeline.Step, job *batchv1.Job, refusals []*corev1.Event, hindrance string) *Outcome {
	done, total := build.Progress(step, job)
	message := fmt.Sprintf("Stage %s: %d of %d done.", step.Stage, done, total)
	pods := jobs.PodsOf(job, b.Pods)
	cause := cmp.Or(jobs.Refused(job, pods, refusals), jobs.Waiting(pods))
	if cause != "" && hindrance != "" {
		cause += "; "
	}
	if cause += hindrance; cause != "" {
		return Wait(datav1alpha1.ReasonWaitingForPods, message+" "+Sentence(cause))
	}
	retry := func(why string) *Outcome { return Wait(datav1alpha1.ReasonProgressingWithRetry, message+why) }
	switch note := jobs.WorstFailure(pods); {
	case note != nil && note.Reason.Permanent(): // the Job ends as soon as its other pods have
		return Progress(message + fmt.Sprintf(" Ending after %s: %s", note.Reason, Sentence(note.Message)))
	case note != nil:
		return retry(fmt.Sprintf(" Trying again after %s: %s", note.Reason, Sentence(note.Message)))
	case b.IsRepairing(step):
		return retry(" What is missing was found damaged on the volume, and is built again.")
	case b.Lost(step) > 0:
		return retry(fmt.Sprintf(" Trying again after %s: The results are gone with their pods; attempt %d reads them back.", datav1alpha1.ReasonResultLost, jobs.Attempt(job)))
	case jobs.Attempt(job) > 1:
		return retry(fmt.Sprintf(" This is attempt %d.", jobs.Attempt(job)))
	}
	return Progress(message)
}

// Failed returns the outcome of a Job that failed for good. A transient failure has used up its retries; the message names it.
func Failed(b *build.Build, step *pipeline.Step, job *batchv1.Job) *Outcome {
	ended := jobs.Terminal(job)
	note, known := b.Ledger.Failures[job.Name]
	if !known {
		note.Reason, note.Message = datav1alpha1.ReasonWorkerFailed, ended.Message
	}
	hint := fmt.Sprintf(" Edit the mix, or delete Job %s, to try again.", job.Name)
	if note.Pod != "" {
		hint += fmt.Sprintf(" The log is in pod %s.", note.Pod)
	}
	switch ended.Reason {
	case batchv1.JobReasonPodFailurePolicy:
		return Stall(string(note.Reason), Sentence(note.Message)+hint)
	case batchv1.JobReasonDeadlineExceeded:
		message := fmt.Sprintf("Stage %s ran for longer than the %d seconds of spec.worker.activeDeadlineSeconds.", step.Stage, ptr.Deref(job.Spec.ActiveDeadlineSeconds, 0))
		return Stall(datav1alpha1.ReasonDeadlineExceeded, message+hint)
	}
	reason := datav1alpha1.ReasonRetriesExhausted
	if note.Reason == datav1alpha1.ReasonOutOfMemory { // the message says what a person can do
		reason = datav1alpha1.ReasonOutOfMemory
	}
	message := fmt.Sprintf("Stage %s failed too often, the last time with %s: %s", step.Stage, note.Reason, Sentence(note.Message))
	return Stall(reason, message+hint)
}

// Lost returns the outcome of a step whose Jobs completed several times without leaving results.
func Lost(step *pipeline.Step, job *batchv1.Job, times int) *Outcome {
	message := fmt.Sprintf("Stage %s completed %d times without its results being readable; delete Job %s to try again.", step.Stage, times, job.Name)
	return Stall(datav1alpha1.ReasonRetriesExhausted, message)
}

// OfWorkload returns why a Workload is not admitted, in Kueue's words, and the remedy if Kueue does not name it; empty if no reason is known.
func OfWorkload(workload *unstructured.Unstructured) string {
	name := workload.GetName()
	if active, found, _ := unstructured.NestedBool(workload.Object, "spec", "active"); found && !active {
		return fmt.Sprintf("Its Workload %s is deactivated%s: set spec.active of it to true to go on.", name, because(conditionOf(workload, "Evicted", "True")))
	}
	if message := conditionOf(workload, "QuotaReserved", "False"); message != "" {
		reason := fmt.Sprintf("Workload %s: %s", name, Sentence(message))
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

// because returns a cause in parentheses; empty for none.
func because(cause string) string {
	if cause == "" {
		return ""
	}
	return " (" + cause + ")"
}

// conditionOf returns the message of a Workload's condition with a status; empty without one.
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
