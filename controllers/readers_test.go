package controllers

import (
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

// reader returns a pod that was made at second 10 and mounts a claim.
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

// ends marks a pod as ended.
func ends(p *corev1.Pod) *corev1.Pod {
	p.Status.Phase = corev1.PodFailed
	return p
}

// runs returns the state of a container that runs since second 20.
func runs() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: fixture.At(20)}}
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
