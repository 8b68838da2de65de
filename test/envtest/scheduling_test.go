package envtest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// onlyJob returns the Job of a namespace that is not finished.
func onlyJob(t *testing.T, namespace string) *batchv1.Job {
	t.Helper()
	var found *batchv1.Job
	eventually(t, "one unfinished Job", func() string {
		list := &batchv1.JobList{}
		if err := api.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		var open []*batchv1.Job
		for i := range list.Items {
			if len(list.Items[i].Status.Conditions) == 0 {
				open = append(open, &list.Items[i])
			}
		}
		if len(open) != 1 {
			return fmt.Sprintf("%d Jobs", len(open))
		}
		found = open[0]
		return ""
	})
	return found
}

// admit does to a Job what Kueue does: it puts its pods where the quota is, and lets them run; then it waits for their end.
func admit(t *testing.T, job *batchv1.Job) {
	t.Helper()
	before := job.DeepCopy()
	job.Spec.Template.Spec.NodeSelector = map[string]string{"flavor": "spot"}
	job.Spec.Template.Labels["kueue.x-k8s.io/podset"] = "main"
	job.Spec.Suspend = ptr.To(false)
	if err := api.Patch(t.Context(), job, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	eventually(t, job.Name+" ends", func() string {
		now := &batchv1.Job{}
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(job), now); err != nil {
			t.Fatal(err)
		}
		if len(now.Status.Conditions) == 0 {
			return "it runs"
		}
		return ""
	})
}

// TestQueued: whether the Jobs of a mix with a queue run is up to Kueue. What Kueue writes is left alone, waiting for it is no
// failure, and a suspended mix gives its place up.
func TestQueued(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) {
		mix.Labels = map[string]string{datav1alpha1.LabelQueue: "training", datav1alpha1.LabelQueuePriority: "low"}
	})
	message := progresses(t, mix, datav1alpha1.ReasonQueued)
	job := onlyJob(t, space)
	names(t, message, "download", job.Name, "training", "no Kueue")
	if !ptr.Deref(job.Spec.Suspend, false) || job.Labels[datav1alpha1.LabelQueuePriority] != "low" || podsRunning(t, space) != 0 {
		t.Errorf("Job %s: suspend %v, labels %v", job.Name, job.Spec.Suspend, job.Labels)
	}
	admit(t, job)
	progresses(t, mix, datav1alpha1.ReasonQueued) // of the next stage
	admitted, next := &batchv1.Job{}, onlyJob(t, space)
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(job), admitted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(job.Spec, admitted.Spec); diff != "" {
		t.Errorf("the Job after Kueue admitted it (-then +now):\n%s", diff)
	}

	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
	becomesSuspended(t, mix)
	eventually(t, "the Job gives its place up", func() string {
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(next), next); client.IgnoreNotFound(err) == nil && err != nil {
			return ""
		}
		return "it is there"
	})
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = nil })
	admit(t, onlyJob(t, space)) // of the splits and all the rest
	published(t, mix)
	if diff := cmp.Diff(all, d.ran(pipeline.StageSplit)); diff != "" {
		t.Errorf("split (-want +got):\n%s", diff)
	}
}

// TestRefusedPods: a quota that is used up is reported while it is, although the Job's status does not show it.
func TestRefusedPods(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	mix := create(t, space, nil) // no driver yet: no pod is made
	job := onlyJob(t, space)
	tell := func(message string) {
		event := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: space, GenerateName: job.Name + "."},
			InvolvedObject: corev1.ObjectReference{APIVersion: "batch/v1", Kind: "Job", Namespace: space, Name: job.Name, UID: job.UID},
			Reason:         "FailedCreate", Type: corev1.EventTypeWarning, Message: message,
			FirstTimestamp: metav1.Now(), LastTimestamp: metav1.Now(), Source: corev1.EventSource{Component: "job-controller"},
		}
		if err := api.Create(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	const quota = `Error creating: pods "x" is forbidden: exceeded quota: small, requested: requests.memory=512Mi, used: requests.memory=0, limited: requests.memory=100Mi`
	tell(quota)
	names(t, progresses(t, mix, datav1alpha1.ReasonWaitingForPods), "download: 0 of 6", quota)
	newDriver(t, space)
	published(t, mix)
}

// TestDeadline: the Job of a stage has the deadline, and one that the Job controller ended for it stalls.
func TestDeadline(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{ActiveDeadlineSeconds: 60} })
	job := onlyJob(t, space)
	if got := ptr.Deref(job.Spec.ActiveDeadlineSeconds, 0); got != 60 {
		t.Errorf("the Job's deadline: got %d, want 60", got)
	}
	now := metav1.Now()
	job.Status.StartTime = &now
	for _, kind := range []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobFailed} {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonDeadlineExceeded, LastProbeTime: now, LastTransitionTime: now,
		})
	}
	if err := api.Status().Update(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	names(t, stalls(t, mix, datav1alpha1.ReasonDeadlineExceeded), "download", " 60 ", "spec.worker.activeDeadlineSeconds")
}
