package controllers

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// reader is a pod that was made at second 10 and mounts a claim.
func reader(name, claim string, mounted corev1.VolumeMount, state corev1.ContainerState) *corev1.Pod {
	mounted.Name = "v"
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: worldKey.Namespace, Name: name, CreationTimestamp: fixture.At(10)}}
	p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
	}}}
	p.Spec.Containers = []corev1.Container{{Name: "train", VolumeMounts: []corev1.VolumeMount{mounted}}}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "train", State: state}}}
	return p
}

// ends makes a pod one that has ended.
func ends(p *corev1.Pod) *corev1.Pod {
	p.Status.Phase = corev1.PodFailed
	return p
}

// runs is the state of a container that runs since second 20.
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

// TestHeldRevisions: the status names the old revisions that pods read and who reads them, and the history keeps them.
func TestHeldRevisions(t *testing.T) {
	b := small().finish(5)
	b.recipe.Output.KeepRevisions = 1
	for i := range 14 { // published an hour apart, each a hundred bytes larger
		b.mix.Status.History = append(b.mix.Status.History, datav1alpha1.HistoryEntry{
			Revision: fmt.Sprint("r", 14-i), Generation: 1, Bytes: ptr.To(int64(100 * (14 - i))), Time: fixture.At(int64(3600 * (14 - i))),
		})
	}
	b.mounts = &mounts{of: []mount{
		{"early", contract.Hold{From: fixture.At(3600).UTC(), Until: fixture.At(3700).UTC()}},
		{"late", contract.Hold{From: fixture.At(9 * 3600).UTC(), Until: fixture.At(9*3600 + 100).UTC()}},
		{"late-too", contract.Hold{Revision: "r9"}},
	}}
	status := b.status(fixture.At(20 * 3600))
	var got []string
	for _, held := range status.Held {
		got = append(got, fmt.Sprintf("%s %d by %v", held.Revision, *held.Bytes, held.Pods))
	}
	want := []string{"r9 900 by [late late-too]", "r8 800 by [late]", "r1 100 by [early]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	if n := len(status.History); n != historyLimit+1 || status.History[n-1].Revision != "r1" {
		t.Errorf("%d revisions in the history, the last is %s, want r1 behind the last %d", n, status.History[n-1].Revision, historyLimit)
	}
	b.mounts = &mounts{}
	if held := b.status(fixture.At(20 * 3600)).Held; held != nil {
		t.Errorf("held by nobody: %v", held)
	}
	b.mix.Status.Held, b.mounts = status.Held, nil
	if diff := cmp.Diff(status.Held, b.status(fixture.At(20*3600)).Held); diff != "" {
		t.Errorf("held, where it was not asked (-before +after):\n%s", diff)
	}
}

// TestPublicationKnowsItsReaders: the task of a publication, or of a chain that ends with one, has the holds of the pods that there are, and no other task has any.
func TestPublicationKnowsItsReaders(t *testing.T) {
	w := newWorld(t)
	for _, p := range []*corev1.Pod{
		reader("train", "c", corev1.VolumeMount{SubPath: "m/revisions/r1"}, runs()),
		reader("other", "d", corev1.VolumeMount{}, runs()),
		ends(reader("ended", "c", corev1.VolumeMount{SubPath: "m/revisions/r2"}, runs())),
	} {
		if err := w.client.Create(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.KeepSeconds = 60 })
	seen := 0
	for range 6 {
		w.reconcileAll()
		for _, job := range w.jobs() {
			config := &corev1.ConfigMap{}
			if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(&job), config); err != nil {
				continue
			}
			task, err := contract.ParseTask([]byte(config.Data["task.json"]))
			if err != nil {
				t.Fatal(err)
			}
			var want *contract.Keep
			if task.Chain || task.Stage == pipeline.StagePublish {
				want = &contract.Keep{Seconds: 60, Holds: []contract.Hold{{Revision: "r1"}}}
				seen++
			}
			if diff := cmp.Diff(want, task.Keep); diff != "" {
				t.Errorf("stage %s keeps (-want +got):\n%s", task.Stage, diff)
			}
		}
		w.work(0, false)
	}
	if seen == 0 {
		t.Error("there was no publication")
	}
}

// TestClaimsThatOutliveTheirMix: a claim that nothing was built on goes with its mix, one with a result stays, and is labelled when its
// mix is gone; a mix of the same name takes it over.
func TestClaimsThatOutliveTheirMix(t *testing.T) {
	w := newWorld(t)
	w.edit(func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Output.Volume = datav1alpha1.OutputVolume{ClaimTemplate: &datav1alpha1.ClaimTemplate{
			AccessModes: []datav1alpha1.AccessMode{"ReadWriteMany"}, Size: resource.MustParse("1Gi"),
		}}
	})
	key := client.ObjectKey{Namespace: worldKey.Namespace, Name: "m-data"}
	claim := func() *corev1.PersistentVolumeClaim {
		c := &corev1.PersistentVolumeClaim{}
		w.get(key, c)
		return c
	}
	w.reconcileAll()
	mix := w.mix()
	if owner := metav1.GetControllerOf(claim()); owner == nil || owner.UID != mix.UID {
		t.Fatalf("a claim with nothing on it is owned by %v, and would outlive its mix", owner)
	}
	w.work(0, false)
	w.reconcileAll()
	if owner := metav1.GetControllerOf(claim()); owner != nil {
		t.Fatalf("a claim with a result on it is owned by %v, and would go with its mix", owner)
	}
	if label := claim().Labels[datav1alpha1.LabelOrphaned]; label != "" {
		t.Errorf("a claim in use is labelled %q", label)
	}
	if err := w.client.Delete(t.Context(), mix); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: worldKey}); err != nil {
		t.Fatal(err)
	}
	if label := claim().Labels[datav1alpha1.LabelOrphaned]; label != "true" {
		t.Errorf("a claim without a mix is labelled %q", label)
	}
	again := mix.DeepCopy()
	again.UID, again.ResourceVersion, again.Status = "u2", "", datav1alpha1.DatasetMixStatus{ObservedGeneration: ptr.To[int64](-1)}
	if err := w.client.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	w.reconcileAll()
	if c := claim(); c.Labels[datav1alpha1.LabelOrphaned] != "" || metav1.GetControllerOf(c) != nil {
		t.Errorf("a claim that was taken over: labels %v, owner %v", c.Labels, metav1.GetControllerOf(c))
	}
}
