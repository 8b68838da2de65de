package jobs

import (
	"cmp"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// Finished returns how a Job ended, "" while it has not.
func Finished(job *batchv1.Job) batchv1.JobConditionType {
	if condition := Terminal(job); condition != nil {
		return condition.Type
	}
	return ""
}

// Terminal returns the condition of a Job that has ended, nil while it runs. The conditions FailureTarget and SuccessCriteriaMet only announce the end.
func Terminal(job *batchv1.Job) *batchv1.JobCondition {
	for i, condition := range job.Status.Conditions {
		ended := condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed
		if ended && condition.Status == corev1.ConditionTrue {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}

// Started returns when a Job was created or, if it was suspended, when it was last resumed; nil while it is suspended.
func Started(job *batchv1.Job) *metav1.Time {
	at := job.CreationTimestamp.DeepCopy()
	waits := Held(job)
	for _, condition := range job.Status.Conditions { // a Job that was never suspended has no such condition
		if condition.Type == batchv1.JobSuspended && condition.Status == corev1.ConditionFalse {
			at = condition.LastTransitionTime.DeepCopy()
		} else if condition.Type == batchv1.JobSuspended {
			waits = true // perhaps it was resumed a moment ago
		}
	}
	if waits && Finished(job) == "" {
		return nil
	}
	return at
}

// EndedAt returns when a Job ended by its conditions, nil while it has not. For a condition without a time it returns nil: the API server would
// drop a zero time in the status, and every pass would write it again.
func EndedAt(job *batchv1.Job) *metav1.Time {
	if job.Status.CompletionTime != nil {
		return job.Status.CompletionTime.DeepCopy()
	}
	if condition := Terminal(job); condition != nil && !condition.LastTransitionTime.IsZero() {
		return condition.LastTransitionTime.DeepCopy()
	}
	return nil
}

// Queue returns the queue of Kueue that a Job is in, "" if there is none. The Job's own label counts, not the mix's: a webhook may have set it, and
// the mix's may have changed since.
func Queue(job *batchv1.Job) string { return job.Labels[datav1alpha1.LabelQueue] }

// Held reports whether Kueue, or a person, keeps a Job suspended. The manager creates Jobs with a queue suspended, and does not write the field
// afterwards.
func Held(job *batchv1.Job) bool { return ptr.Deref(job.Spec.Suspend, false) }

// Attempt returns the number of a Job's attempt, from 1.
func Attempt(job *batchv1.Job) int {
	number, err := strconv.Atoi(job.Annotations[datav1alpha1.AnnotationAttempt])
	if err != nil || number < 1 {
		return 1
	}
	return number
}

// Older compares Jobs by their time of creation, then by attempt and by name, so that nothing depends on the order of a list.
func Older(a, b *batchv1.Job) int {
	return cmp.Or(
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(Attempt(a), Attempt(b)),
		cmp.Compare(a.Name, b.Name),
	)
}

// Pods returns the number of pods that must succeed for a Job to complete.
func Pods(job *batchv1.Job) int {
	if job.Annotations[datav1alpha1.AnnotationChain] != "" {
		return 1
	}
	return render.CountUnits(job.Annotations[datav1alpha1.AnnotationUnits])
}

// Units returns the units of a step that a Job builds, in the order of its completion indices.
func Units(job *batchv1.Job, step *pipeline.Step) []pipeline.Node {
	var units []pipeline.Node
	for short := range strings.SplitSeq(job.Annotations[datav1alpha1.AnnotationUnits], ",") {
		for _, unit := range step.Nodes {
			if render.Covers(short, unit) {
				units = append(units, unit)
			}
		}
	}
	return units
}

// Completed reports whether the pod of a unit has succeeded.
func Completed(job *batchv1.Job, unit pipeline.Node) bool {
	index := render.Index(job.Annotations[datav1alpha1.AnnotationUnits], unit)
	if index < 0 || job.Annotations[datav1alpha1.AnnotationChain] != "" {
		return false
	}
	for _, span := range strings.Split(job.Status.CompletedIndexes, ",") {
		first, last, is := strings.Cut(span, "-")
		if !is {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, also := strconv.Atoi(last)
		if err == nil && also == nil && from <= index && index <= to {
			return true
		}
	}
	return false
}

// OwnedBy reports whether an object owns another one. A label alone proves nothing: any user of the namespace can set it.
func OwnedBy(object, owner metav1.Object) bool {
	controller := metav1.GetControllerOf(object)
	return controller != nil && controller.UID == owner.GetUID()
}
