package errand

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// endedWith returns a pod whose worker ended with a code and a message.
func endedWith(code int, message string) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Status.Phase = corev1.PodFailed
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: contract.ContainerName, Image: "worker:v1", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: int32(code), Message: message}},
	}}
	return pod
}

// TestFailed: the error of a pod has the reason of its worker's exit code, and the worker's message.
func TestFailed(t *testing.T) {
	evicted := &corev1.Pod{}
	evicted.Status.Phase, evicted.Status.Reason = corev1.PodFailed, "Evicted"
	for _, test := range []struct {
		name   string
		pod    *corev1.Pod
		reason contract.Reason
		names  string // what the error must name
	}{
		{"a reason with a message", endedWith(contract.FileNotFound.ExitCode(), "no rows.jsonl"), contract.FileNotFound, "no rows.jsonl"},
		{"no message", endedWith(contract.SourceNotFound.ExitCode(), ""), contract.SourceNotFound, "code"},
		{"an unknown code", endedWith(77, ""), contract.WorkerFailed, "77"},
		{"an older worker", endedWith(contract.InvalidTask.ExitCode(), `there is no command "look"`), contract.InvalidTask, "worker:v1"},
		{"no worker ended", evicted, contract.WorkerFailed, "Evicted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := failed(test.pod); contract.ReasonOf(err) != test.reason || !strings.Contains(err.Error(), test.names) {
				t.Errorf("got %v with %s, want %s and %q", err, contract.ReasonOf(err), test.reason, test.names)
			}
		})
	}
	if err := failed(&corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning}}); err != nil {
		t.Errorf("a running pod: %v", err)
	}
}

// TestFolder: a revision is named or the current one, its digest is that of the status, and a name cannot be a path.
func TestFolder(t *testing.T) {
	mix := &datav1alpha1.DatasetMix{}
	if _, _, err := Folder(mix, ""); contract.ReasonOf(err) != contract.RevisionNotFound {
		t.Errorf("nothing is published: %v", err)
	}
	mix.Status.Published = &datav1alpha1.Published{Revision: "bbbbbbbbbb", Path: "m/revisions/bbbbbbbbbb", Digest: "second"}
	mix.Status.History = []datav1alpha1.HistoryEntry{{Revision: "bbbbbbbbbb", Digest: "second"}, {Revision: "aaaaaaaaaa", Digest: "first"}}
	for name, want := range map[string][2]string{
		"":           {"m/revisions/bbbbbbbbbb", "second"},
		"bbbbbbbbbb": {"m/revisions/bbbbbbbbbb", "second"},
		"aaaaaaaaaa": {"m/revisions/aaaaaaaaaa", "first"},
		"cccccccccc": {"m/revisions/cccccccccc", ""},
	} {
		folder, digest, err := Folder(mix, name)
		if got := [2]string{folder, digest}; got != want || err != nil {
			t.Errorf("%q: got %v and %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"../other", "a/b", "."} {
		if _, _, err := Folder(mix, name); contract.ReasonOf(err) != contract.RevisionNotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
}
