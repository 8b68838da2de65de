package readers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// reader returns a pod that was made at second 10 and mounts a claim.
func reader(name, claim string, mounted corev1.VolumeMount, state corev1.ContainerState) *corev1.Pod {
	mounted.Name = "v"
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: fixture.At(10)}}
	p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
	}}}
	p.Spec.Containers = []corev1.Container{{Name: "train", VolumeMounts: []corev1.VolumeMount{mounted}}}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "train", State: state}}}
	return p
}

// runs returns the state of a container that runs since second 20.
func runs() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: fixture.At(20)}}
}

// TestHoldsOf: how a pod came to what it reads of the mix at m on the claim c.
func TestHoldsOf(t *testing.T) {
	sub := func(path string) corev1.VolumeMount { return corev1.VolumeMount{SubPath: path} }
	open := []contract.Hold{{From: fixture.At(10).UTC()}}
	looked := []contract.Hold{{From: fixture.At(10).UTC(), Until: fixture.At(20).UTC()}}
	waits := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}
	tests := []struct {
		name  string
		claim string
		mount corev1.VolumeMount
		state corev1.ContainerState
		edit  func(*corev1.Pod)
		want  []contract.Hold
	}{
		{name: "the newest", mount: sub("m/current"), state: runs(), want: looked},
		{name: "a folder of the newest", mount: sub("m/current/mixed"), state: runs(), want: looked},
		{name: "not started", mount: sub("m/current"), state: waits, want: open},
		{name: "by name", mount: sub("m/revisions/r1"), state: runs(), want: []contract.Hold{{Revision: "r1"}}},
		{name: "a folder by name", mount: sub("m/revisions/r1/raw/"), state: runs(), want: []contract.Hold{{Revision: "r1"}}},
		{name: "all revisions", mount: sub("m/revisions"), state: runs(), want: open},
		{name: "the folder of the mix", mount: sub("./m/"), state: runs(), want: open},
		{name: "the whole volume", mount: sub(""), state: runs(), want: open},
		{name: "the whole volume by another name", mount: sub("."), state: runs(), want: open},
		{name: "by an expression", mount: corev1.VolumeMount{SubPathExpr: "$(X)"}, state: runs(), want: open},
		{name: "another mix", mount: sub("m2/current"), state: runs()},
		{name: "another claim", claim: "d", mount: sub("m/current"), state: runs()},
		{name: "ended", mount: sub("m/current"), state: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
		{name: "a pod that has ended", mount: sub("m/current"), state: runs(), edit: func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }},
		{name: "started again", mount: sub("m/current"), state: runs(), edit: func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{FinishedAt: fixture.At(15)}
		}, want: []contract.Hold{{From: fixture.At(15).UTC(), Until: fixture.At(20).UTC()}}},
		{name: "before its first container", mount: sub("m/current"), state: runs(), edit: func(p *corev1.Pod) {
			p.Spec.InitContainers, p.Spec.Containers = p.Spec.Containers, nil
			p.Status.InitContainerStatuses, p.Status.ContainerStatuses = p.Status.ContainerStatuses, nil
		}, want: looked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			claim := "c"
			if test.claim != "" {
				claim = test.claim
			}
			p := reader("p", claim, test.mount, test.state)
			if test.edit != nil {
				test.edit(p)
			}
			if diff := cmp.Diff(test.want, holdsOf(p, "c", "m")); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}
