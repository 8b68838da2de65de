package outcome

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// TestRunning: what a person reads while a Job runs.
func TestRunning(t *testing.T) {
	tests := []struct {
		name    string
		attempt int
		pods    []*fixture.Pod
		want    *Outcome
	}{
		{name: "well", attempt: 1, want: Wait("Progressing", "Stage download: 1 of 2 done.")},
		{name: "again", attempt: 2, want: Wait("ProgressingWithRetry", "Stage download: 1 of 2 done. This is attempt 2.")},
		{name: "after a failure that may pass", attempt: 1, pods: []*fixture.Pod{fixture.NewPod("a").Failed(contract.FetchFailed, "no route")},
			want: Wait("ProgressingWithRetry", "Stage download: 1 of 2 done. Trying again after FetchFailed: No route.")},
		{name: "after an eviction", attempt: 1, pods: []*fixture.Pod{fixture.NewPod("a").Failed(contract.FetchFailed, "cut off").Disrupted("the node is drained")},
			want: Wait("ProgressingWithRetry", "Stage download: 1 of 2 done. Trying again after Disrupted: Pod a was ended from outside: the node is drained.")},
		{name: "about to fail for good", attempt: 1, pods: []*fixture.Pod{fixture.NewPod("a").Failed(contract.SourceNotFound, "no such revision")},
			want: Wait("Progressing", "Stage download: 1 of 2 done. Ending after SourceNotFound: No such revision.")},
		{name: "without a node", attempt: 1, pods: []*fixture.Pod{fixture.NewPod("a").Unschedulable("0/3 nodes are available.")},
			want: Wait("WaitingForPods", "Stage download: 1 of 2 done. Pod a cannot be scheduled: 0/3 nodes are available.")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := fixture.Small().Job(test.attempt, batchv1.JobStatus{Succeeded: 1})
			job := b.Jobs[0]
			for _, p := range test.pods {
				b.Adopts(job, p)
			}
			// a pod that only claims to be of the mix says nothing
			b.Pods = append(b.Pods, &fixture.NewPod("forged").Failed(contract.LeakageDetected, "boo").Pod)
			if diff := cmp.Diff(test.want, Running(b.Build, b.Target.Graph.Next(), job, nil, "")); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFailure: a Job that the failure policy ended stalls with the worker's reason, any other with RetriesExhausted.
func TestFailure(t *testing.T) {
	because := func(reason contract.Reason, message string) *jobs.Failure {
		return &jobs.Failure{FailureNote: contract.FailureNote{Reason: reason, Message: message}, Pod: "P"}
	}
	note := because(contract.ChecksumMismatch, "data set a: file b has another digest")
	tests := []struct {
		name   string
		status batchv1.JobStatus
		note   *jobs.Failure
		want   *Outcome
	}{
		{name: "permanent", status: fixture.JobFailed(batchv1.JobReasonPodFailurePolicy), note: note,
			want: Stall("ChecksumMismatch", "Data set a: file b has another digest. Edit the mix, or delete Job J, to try again. The log is in pod P.")},
		{name: "permanent, words lost", status: fixture.JobFailed(batchv1.JobReasonPodFailurePolicy),
			want: Stall("WorkerFailed", "The Job's words. Edit the mix, or delete Job J, to try again.")},
		{name: "retried in vain", status: fixture.JobFailed(batchv1.JobReasonFailedIndexes), note: because(contract.FetchFailed, "no route"),
			want: Stall("RetriesExhausted", "Stage download failed too often, the last time with FetchFailed: No route. Edit the mix, or delete Job J, to try again. The log is in pod P.")},
		{name: "killed for its memory again and again", status: fixture.JobFailed(batchv1.JobReasonFailedIndexes), note: because(datav1alpha1.ReasonOutOfMemory, "raise it"),
			want: Stall("OutOfMemory", "Stage download failed too often, the last time with OutOfMemory: Raise it. Edit the mix, or delete Job J, to try again. The log is in pod P.")},
		{name: "too slow", status: fixture.JobFailed(batchv1.JobReasonDeadlineExceeded),
			want: Stall("DeadlineExceeded", "Stage download ran for longer than the 90 seconds of spec.worker.activeDeadlineSeconds. Edit the mix, or delete Job J, to try again.")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := fixture.Small().Job(1, test.status)
			b.Jobs[0].Name, b.Jobs[0].Spec.ActiveDeadlineSeconds = "J", ptr.To[int64](90)
			if test.note != nil {
				b.Ledger.Failures["J"] = *test.note
			}
			if diff := cmp.Diff(test.want, Failed(b.Build, b.Target.Graph.Next(), b.Jobs[0])); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
