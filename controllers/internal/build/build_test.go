package build_test

import (
	"strconv"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// TestReported: a Job is done when a worker of its own has ended well with the result of the unit of its index, for each index.
func TestReported(t *testing.T) {
	onePod := func(b fixture.Build) {
		b.Claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	}
	for _, test := range []struct {
		name   string
		change func(b fixture.Build, job *batchv1.Job)
		want   bool
	}{
		{"all have reported", func(fixture.Build, *batchv1.Job) {}, true},
		{"the pods are not at their end yet", func(b fixture.Build, _ *batchv1.Job) {
			for _, pod := range b.Pods {
				pod.Status.Phase = corev1.PodRunning
			}
		}, true},
		{"nor are they, and the claim is for one pod at a time", func(b fixture.Build, _ *batchv1.Job) {
			onePod(b)
			b.Pods[1].Status.Phase = corev1.PodRunning
		}, false},
		{"they are, and the claim is for one pod at a time", func(b fixture.Build, _ *batchv1.Job) { onePod(b) }, true},
		{"one runs", func(b fixture.Build, _ *batchv1.Job) {
			b.Pods[1].Status.Phase = corev1.PodRunning
			jobs.Worker(b.Pods[1]).State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		}, false},
		{"one failed and says it did not", func(b fixture.Build, _ *batchv1.Job) { jobs.Worker(b.Pods[1]).State.Terminated.ExitCode = 1 }, false},
		{"half a message", func(b fixture.Build, _ *batchv1.Job) { jobs.Worker(b.Pods[1]).State.Terminated.Message = "{" }, false},
		{"a pod of another Job of the name", func(b fixture.Build, _ *batchv1.Job) { b.Pods[1].OwnerReferences[0].UID = "earlier" }, false},
		{"another index", func(b fixture.Build, _ *batchv1.Job) {
			b.Pods[1].Annotations[batchv1.JobCompletionIndexAnnotation] = "0"
		}, false},
		{"no index", func(b fixture.Build, _ *batchv1.Job) { b.Pods[1].Annotations = nil }, false},
		{"a Job of other units", func(_ fixture.Build, job *batchv1.Job) {
			job.Annotations[datav1alpha1.AnnotationUnits] = "0123456789abcdef,fedcba9876543210"
		}, false},
		{"a Job of another folder", func(b fixture.Build, _ *batchv1.Job) { b.Target.Location.Path = "elsewhere" }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := fixture.Small().Job(1, batchv1.JobStatus{})
			job := b.Jobs[0]
			for i, unit := range b.Target.Graph.Next().Missing {
				result, err := fixture.Result(b.Target.Recipe, pipeline.StageDownload, i, unit)
				if err != nil {
					t.Fatal(err)
				}
				b.Leaves(job, strconv.Itoa(i), contract.Message{Stage: pipeline.StageDownload, Node: unit, Result: &result})
				jobs.Worker(b.Pods[i]).State.Terminated.FinishedAt = fixture.At(int64(10 * (i + 1)))
			}
			b.Claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
			test.change(b, job)
			if got := b.ReportedAt(job) != nil; got != test.want {
				t.Errorf("reported: %v", got)
			}
			if want := fixture.At(20); test.want && !b.EndedAt(job).Equal(&want) {
				t.Errorf("the last worker ended at %s", b.EndedAt(job))
			}
		})
	}
}

// TestGrown: a claim that was full and is larger now is worth another try, and only that.
func TestGrown(t *testing.T) {
	for _, test := range []struct {
		name, was, has string
		grown          bool
	}{
		{name: "as large as it was", was: "1Gi", has: "1024Mi"},
		{name: "larger", was: "1Gi", has: "1025Mi", grown: true},
		{name: "smaller, another one", was: "2Gi", has: "1Gi"},
		{name: "not full", was: "", has: "1Gi"},
		{name: "not bound", was: "1Gi", has: ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := failed()
			if test.has != "" {
				b.Claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(test.has)}
			}
			b.Ledger.Failures[b.Jobs[0].Name] = jobs.Failure{FailureNote: contract.FailureNote{Reason: contract.InsufficientStorage}, Capacity: test.was}
			if got := b.HasFailed(b.Jobs[0]); got == test.grown {
				t.Errorf("failed for good: %v", got)
			}
		})
	}
}

// failed returns a build whose only Job has failed.
func failed() fixture.Build {
	return fixture.Small().Job(1, fixture.JobFailed(batchv1.JobReasonPodFailurePolicy))
}

// TestARequestTriesAgain: what failed before a request, or before an edit of the spec, says nothing after it.
func TestARequestTriesAgain(t *testing.T) {
	b := failed()
	if !b.HasFailed(b.Jobs[0]) {
		t.Error("a Job of this generation and of no request is another's")
	}
	b.Ledger.Requests.Request = "r"
	if b.HasFailed(b.Jobs[0]) {
		t.Error("a Job from before the request counts")
	}
	b.Jobs[0].Annotations[datav1alpha1.AnnotationRequest] = "r"
	if !b.HasFailed(b.Jobs[0]) {
		t.Error("a Job of the request does not count")
	}
	b.Mix.Generation++
	if b.HasFailed(b.Jobs[0]) {
		t.Error("a Job from before the edit counts")
	}
}
