package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestWorstFailure(t *testing.T) {
	good := fixture.NewPod("good").Ended(0, "Completed", "{}")
	tests := []struct {
		name string
		pods []*corev1.Pod
		want string
	}{
		{name: "no pod", want: "none"},
		{name: "no failure", pods: fixture.Pods(good), want: "none"},
		{name: "what the worker says", pods: fixture.Pods(good, fixture.NewPod("a").Failed(contract.FetchFailed, "no route to host")), want: "FetchFailed: no route to host"},
		{name: "a permanent one before a later one", pods: fixture.Pods(
			fixture.NewPod("a").Failed(contract.SourceNotFound, "no such revision"), fixture.NewPod("b").Created(9).Failed(contract.FetchFailed, "no route"),
		), want: "SourceNotFound: no such revision"},
		{name: "the latest of its kind", pods: fixture.Pods(
			fixture.NewPod("a").Failed(contract.FetchFailed, "early"), fixture.NewPod("b").Created(9).Failed(contract.RateLimited, "late"),
		), want: "RateLimited: late"},
		{name: "by name at the same time", pods: fixture.Pods(
			fixture.NewPod("b").Failed(contract.FetchFailed, "b"), fixture.NewPod("a").Failed(contract.FetchFailed, "a"),
		), want: "FetchFailed: a"},
		{name: "killed for its memory", pods: fixture.Pods(fixture.NewPod("a").Ended(137, "OOMKilled", "")),
			want: "OutOfMemory: the worker in pod a was killed for exceeding its memory limit; raise spec.worker.resources.limits.memory"},
		{name: "killed for its memory, which is known", pods: fixture.Pods(fixture.NewPod("a").Ended(137, "OOMKilled", "").Limited("512Mi")),
			want: "OutOfMemory: the worker in pod a was killed for exceeding its memory limit of 512Mi; raise spec.worker.resources.limits.memory"},
		{name: "drained, whatever the worker said of it", pods: fixture.Pods(fixture.NewPod("a").Failed(contract.InvalidData, "context canceled").Disrupted("the node is drained")),
			want: "Disrupted: pod a was ended from outside: the node is drained"},
		{name: "preempted, without words", pods: fixture.Pods(fixture.NewPod("a").Evicted("").Disrupted("")), want: "Disrupted: pod a was ended from outside: EvictionByEvictionAPI"},
		{name: "a disruption after any failure", pods: fixture.Pods(
			fixture.NewPod("a").Created(9).Evicted("").Disrupted("drained"), fixture.NewPod("b").Failed(contract.FetchFailed, "no route"),
		), want: "FetchFailed: no route"},
		{name: "a log instead of a message", pods: fixture.Pods(fixture.NewPod("a").Ended(2, "Error", "panic: oops\n\ngoroutine 1")),
			want: "WorkerFailed: the worker in pod a ended with exit code 2: panic: oops goroutine 1"},
		{name: "nothing at all", pods: fixture.Pods(fixture.NewPod("a").Ended(1, "Error", "")), want: "WorkerFailed: the worker in pod a ended with exit code 1: Error"},
		{name: "never ran", pods: fixture.Pods(fixture.NewPod("a").Evicted("the node was low on memory")),
			want: "WorkerFailed: pod a failed before its worker ended: the node was low on memory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := "none"
			if note := jobs.WorstFailure(test.pods); note != nil {
				got = fmt.Sprintf("%s: %s", note.Reason, note.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWaiting(t *testing.T) {
	tests := []struct {
		name string
		pods []*corev1.Pod
		want string
	}{
		{name: "no pod"},
		{name: "starting", pods: fixture.Pods(fixture.NewPod("a").Waits("ContainerCreating", ""), fixture.NewPod("b").Waits("PodInitializing", ""))},
		{name: "no image", pods: fixture.Pods(fixture.NewPod("a").Waits("ImagePullBackOff", "not found")), want: "the worker in pod a cannot start: ImagePullBackOff: not found"},
		{name: "no node", pods: fixture.Pods(fixture.NewPod("a").Unschedulable("0/3 nodes are available")), want: "pod a cannot be scheduled: 0/3 nodes are available"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, jobs.Waiting(test.pods)); diff != "" {
				t.Errorf("waiting (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzTerminationMessage: whatever a container leaves, a pass neither fails nor takes it for a result unless it is one.
//
//fuzz:brief FuzzParseMessage takes the same bytes, without the time that Kubernetes' packages take to start
func FuzzTerminationMessage(f *testing.F) {
	f.Add("", int32(0))
	f.Add(`{"version":"datasetmix.result/v1","stage":"split","unit":{"name":"a","key":"b"},"result":{}}`, int32(0))
	f.Add(`{"version":"datasetmix.result/v1","unit":{"name":"a","key":"b"},"results":[{"unit":{"name":"a","key":"b"},"result":{"balance":{"plan":"0a"}}}]}`, int32(0))
	f.Add(`{"version":"datasetmix.result/v1","failure":{"reason":"FetchFailed","message":"x"}}`, int32(20))
	f.Add(strings.Repeat("é", 3000), int32(1))
	f.Fuzz(func(t *testing.T, text string, code int32) {
		p := fixture.Pods(fixture.NewPod("a").Ended(code, "", text))
		for _, annotations := range []map[string]string{{datav1alpha1.AnnotationUnits: "b"}, {datav1alpha1.AnnotationChain: "c"}} {
			p[0].Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: "0"}
			results, whole := jobs.Results(&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}, p[0])
			if whole && (code != 0 || len(results) == 0) {
				t.Errorf("exit code %d with %q counts as a result", code, text)
			}
		}
		note := jobs.WorstFailure(p)
		if (note == nil) != (code == 0) {
			t.Errorf("exit code %d: failure %v", code, note)
		}
		if note != nil {
			if quoted := outcome.Sentence(note.Message); utf8.RuneCountInString(quoted) > 1025 || !utf8.ValidString(quoted) {
				t.Errorf("a sentence of %d bytes: %q", len(quoted), quoted)
			}
		}
	})
}

// TestDeletedPods: a pod that ends since it is deleted is no failure, one that had failed before is.
func TestDeletedPods(t *testing.T) {
	deleted := func(finished int64) *fixture.Pod {
		p := fixture.NewPod("a").Ended(143, "Error", "terminated signal received")
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = ptr.To(fixture.At(130)), ptr.To[int64](30)
		jobs.Worker(&p.Pod).State.Terminated.FinishedAt = fixture.At(finished)
		return p
	}
	if note := jobs.Failed(&deleted(101).Pod); note != nil {
		t.Errorf("a pod that was deleted at 100 and ended at 101: %v", note)
	}
	if note := jobs.Failed(&deleted(100).Pod); note != nil {
		t.Errorf("a pod that ended in the second of its deletion: %v", note)
	}
	if note := jobs.Failed(&deleted(99).Pod); note == nil {
		t.Error("a pod that failed before it was deleted is no failure")
	}
	confirmed := func(finished int64) *fixture.Pod {
		p := deleted(finished)
		p.DeletionGracePeriodSeconds = ptr.To[int64](0)
		return p
	}
	if note := jobs.Failed(&confirmed(101).Pod); note != nil {
		t.Errorf("a pod that was deleted at 100, ended at 101, and whose end was confirmed at 130: %v", note)
	}
	if note := jobs.Failed(&confirmed(99).Pod); note == nil {
		t.Error("a pod that failed before it can have been deleted is no failure")
	}
	unseen := fixture.NewPod("a").Ended(137, "ContainerStatusUnknown", "")
	unseen.DeletionTimestamp, unseen.DeletionGracePeriodSeconds = ptr.To(fixture.At(130)), ptr.To[int64](30)
	jobs.Worker(&unseen.Pod).State.Terminated.FinishedAt = metav1.Time{}
	if note := jobs.Failed(&unseen.Pod); note != nil {
		t.Errorf("a pod that was deleted while its worker was started: %v", note)
	}
	never := fixture.NewPod("a").Evicted("")
	never.DeletionTimestamp = ptr.To(fixture.At(1))
	if note := jobs.Failed(&never.Pod); note != nil {
		t.Errorf("a pod that was deleted before its worker ended: %v", note)
	}
	if note := jobs.Failed(&deleted(101).Disrupted("the node is drained").Pod); note == nil || note.Reason != datav1alpha1.ReasonDisrupted {
		t.Errorf("a pod that was evicted: %v, want its disruption", note)
	}
}
