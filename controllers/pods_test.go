package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// podBuilder makes pods as they are after a worker.
type podBuilder struct{ corev1.Pod }

func pod(name string) *podBuilder {
	return &podBuilder{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: at(0)}}}
}

func at(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(1_700_000_000+seconds, 0)) }

func (b *podBuilder) created(seconds int64) *podBuilder {
	b.CreationTimestamp = at(seconds)
	return b
}

// ended adds a sidecar before the worker: a state is read by the container's name.
func (b *podBuilder) ended(code int32, reason, message string) *podBuilder {
	b.Status.Phase = corev1.PodSucceeded
	if code != 0 {
		b.Status.Phase = corev1.PodFailed
	}
	terminated := &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message, FinishedAt: at(900)}
	b.Status.ContainerStatuses = []corev1.ContainerStatus{
		{Name: "sidecar", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: "bye"}}},
		{Name: contract.ContainerName, State: corev1.ContainerState{Terminated: terminated}},
	}
	return b
}

func (b *podBuilder) failed(reason contract.Reason, text string) *podBuilder {
	message := contract.Message{Stage: pipeline.StageDownload, Failure: &contract.FailureNote{Reason: reason, Message: text}}
	encoded, err := message.Encode()
	if err != nil {
		panic(err)
	}
	return b.ended(int32(reason.ExitCode()), "Error", string(encoded))
}

func (b *podBuilder) waits(reason, message string) *podBuilder {
	b.Status.Phase = corev1.PodPending
	b.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: contract.ContainerName, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}
	return b
}

func (b *podBuilder) unschedulable(message string) *podBuilder {
	b.Status.Phase = corev1.PodPending
	b.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
	}}
	return b
}

func (b *podBuilder) evicted(message string) *podBuilder {
	b.Status.Phase, b.Status.Reason, b.Status.Message = corev1.PodFailed, "Evicted", message
	return b
}

func (b *podBuilder) disrupted(message string) *podBuilder {
	b.Status.Conditions = append(b.Status.Conditions, corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI", Message: message,
	})
	return b
}

// limited gives the worker a memory limit, and the sidecar another.
func (b *podBuilder) limited(memory string) *podBuilder {
	container := func(name, memory string) corev1.Container {
		limits := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
		return corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Limits: limits}}
	}
	b.Spec.Containers = []corev1.Container{container("sidecar", "1Mi"), container(contract.ContainerName, memory)}
	return b
}

func pods(builders ...*podBuilder) []*corev1.Pod {
	var list []*corev1.Pod
	for _, b := range builders {
		list = append(list, &b.Pod)
	}
	return list
}

func TestWorstFailure(t *testing.T) {
	good := pod("good").ended(0, "Completed", "{}")
	tests := []struct {
		name string
		pods []*corev1.Pod
		want string
	}{
		{name: "no pod", want: "none"},
		{name: "no failure", pods: pods(good), want: "none"},
		{name: "what the worker says", pods: pods(good, pod("a").failed(contract.FetchFailed, "no route to host")), want: "FetchFailed: no route to host"},
		{name: "a permanent one before a later one", pods: pods(
			pod("a").failed(contract.SourceNotFound, "no such revision"), pod("b").created(9).failed(contract.FetchFailed, "no route"),
		), want: "SourceNotFound: no such revision"},
		{name: "the latest of its kind", pods: pods(
			pod("a").failed(contract.FetchFailed, "early"), pod("b").created(9).failed(contract.RateLimited, "late"),
		), want: "RateLimited: late"},
		{name: "by name at the same time", pods: pods(
			pod("b").failed(contract.FetchFailed, "b"), pod("a").failed(contract.FetchFailed, "a"),
		), want: "FetchFailed: a"},
		{name: "killed for its memory", pods: pods(pod("a").ended(137, "OOMKilled", "")),
			want: "OutOfMemory: the worker in pod a was killed for exceeding its memory limit; raise spec.worker.resources.limits.memory"},
		{name: "killed for its memory, which is known", pods: pods(pod("a").ended(137, "OOMKilled", "").limited("512Mi")),
			want: "OutOfMemory: the worker in pod a was killed for exceeding its memory limit of 512Mi; raise spec.worker.resources.limits.memory"},
		{name: "drained, whatever the worker said of it", pods: pods(pod("a").failed(contract.InvalidData, "context canceled").disrupted("the node is drained")),
			want: "Disrupted: pod a was ended from outside: the node is drained"},
		{name: "preempted, without words", pods: pods(pod("a").evicted("").disrupted("")), want: "Disrupted: pod a was ended from outside: EvictionByEvictionAPI"},
		{name: "a disruption after any failure", pods: pods(
			pod("a").created(9).evicted("").disrupted("drained"), pod("b").failed(contract.FetchFailed, "no route"),
		), want: "FetchFailed: no route"},
		{name: "a log instead of a message", pods: pods(pod("a").ended(2, "Error", "panic: oops\n\ngoroutine 1")),
			want: "WorkerFailed: the worker in pod a ended with exit code 2: panic: oops goroutine 1"},
		{name: "nothing at all", pods: pods(pod("a").ended(1, "Error", "")), want: "WorkerFailed: the worker in pod a ended with exit code 1: Error"},
		{name: "never ran", pods: pods(pod("a").evicted("the node was low on memory")),
			want: "WorkerFailed: pod a failed before its worker ended: the node was low on memory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := "none"
			if note := worstFailure(test.pods); note != nil {
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
		{name: "starting", pods: pods(pod("a").waits("ContainerCreating", ""), pod("b").waits("PodInitializing", ""))},
		{name: "no image", pods: pods(pod("a").waits("ImagePullBackOff", "not found")), want: "the worker in pod a cannot start: ImagePullBackOff: not found"},
		{name: "no node", pods: pods(pod("a").unschedulable("0/3 nodes are available")), want: "pod a cannot be scheduled: 0/3 nodes are available"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, waiting(test.pods)); diff != "" {
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
		p := pods(pod("a").ended(code, "", text))
		for _, annotations := range []map[string]string{{datav1alpha1.AnnotationUnits: "b"}, {datav1alpha1.AnnotationChain: "c"}} {
			p[0].Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: "0"}
			results, whole := resultsOf(&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}, p[0])
			if whole && (code != 0 || len(results) == 0) {
				t.Errorf("exit code %d with %q counts as a result", code, text)
			}
		}
		note := worstFailure(p)
		if (note == nil) != (code == 0) {
			t.Errorf("exit code %d: failure %v", code, note)
		}
		if note != nil {
			if quoted := sentence(note.Message); utf8.RuneCountInString(quoted) > messageLimit+len(".") || !utf8.ValidString(quoted) {
				t.Errorf("a sentence of %d bytes: %q", len(quoted), quoted)
			}
		}
	})
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                        ".",
		"no such file":            "No such file.",
		"Done.":                   "Done.",
		"écrit":                   "Écrit.",
		strings.Repeat("a", 2000): "A" + strings.Repeat("a", messageLimit-2) + "….",
		"first\nsecond\x1b[2J":    "First second\ufffd[2J.",
	} {
		if diff := cmp.Diff(want, sentence(text)); diff != "" {
			t.Errorf("sentence (-want +got):\n%s", diff)
		}
	}
}
