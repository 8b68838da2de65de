package envtest

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

func becomesSuspended(t *testing.T, mix *datav1alpha1.DatasetMix) {
	t.Helper()
	becomes(t, mix, metav1.ConditionFalse, datav1alpha1.ReasonSuspended, status.InProgressStatus)
}

// claim makes a claim as a user would.
func claim(t *testing.T, namespace, name string, edit func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	t.Helper()
	object := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	if edit != nil {
		edit(object)
	}
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// hasCapacity writes what a storage driver writes into a claim.
func hasCapacity(t *testing.T, claim *corev1.PersistentVolumeClaim, size string) {
	t.Helper()
	before := claim.DeepCopy()
	claim.Status.Phase = corev1.ClaimBound
	claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
	if err := api.Status().Patch(t.Context(), claim, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

func on(name, path string) func(*datav1alpha1.DatasetMix) {
	return func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Output.Volume, mix.Spec.Output.Path = datav1alpha1.OutputVolume{ClaimName: name}, path
	}
}

// TestOneFolder: of two mixes that want one folder, the one that has built there keeps it, whatever the other does; it is told,
// and starts when the folder is free.
func TestOneFolder(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	newDriver(t, space)
	claim(t, space, "shared", nil)
	first := create(t, space, on("shared", "six"))
	before := published(t, first)
	second := create(t, space, func(mix *datav1alpha1.DatasetMix) {
		mix.Name = "another"
		on("shared", "six/inside")(mix)
	})
	names(t, stalls(t, second, datav1alpha1.ReasonPathConflict), "DatasetMix grpo-six", " six ", "shared", "spec.output.path", "six/inside")
	update(t, second, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.Path = "beside" })
	published(t, second)

	// the older one moves to where the younger one has built
	update(t, first, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.Path = "beside" })
	stalls(t, first, datav1alpha1.ReasonPathConflict)
	if first.Status.Published.Digest != before.Digest {
		t.Errorf("published %v, before %v", first.Status.Published, before)
	}
	published(t, second)
	if err := api.Delete(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	published(t, first)
}

// TestFullVolume: a full volume stalls a mix at once; the build continues when the claim was enlarged.
func TestFullVolume(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	volume := claim(t, space, "small", nil)
	hasCapacity(t, volume, "1Gi")
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if task.Stage == pipeline.StageSplit {
			return fails(task, unit, contract.InsufficientStorage, "the volume is full")
		}
		return worker(task, unit)
	})
	mix := create(t, space, on("small", "six"))
	stalls(t, mix, datav1alpha1.ReasonInsufficientStorage)
	jobs := len(d.jobs())
	hasCapacity(t, volume, "1025Mi")
	eventually(t, "another attempt", func() string {
		if len(d.jobs()) == jobs {
			return "none"
		}
		return ""
	})
	stalls(t, mix, datav1alpha1.ReasonInsufficientStorage)
	d.does(worker)
	hasCapacity(t, volume, "2Gi")
	published(t, mix)
	if got := mix.Status.Stages[1].Attempt; got != 3 {
		t.Errorf("attempt of split: got %d, want 3", got)
	}
}

// TestUnusableClaims: a claim that nothing can be built on stalls the mix, in words; one that is lost and made again starts
// the build anew.
func TestUnusableClaims(t *testing.T) {
	needAPI(t)
	tests := []struct {
		name string
		edit func(*corev1.PersistentVolumeClaim)
		want string
	}{
		{name: "read-only", edit: func(c *corev1.PersistentVolumeClaim) {
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}
		}, want: "access mode"},
		{name: "block", edit: func(c *corev1.PersistentVolumeClaim) {
			mode := corev1.PersistentVolumeBlock
			c.Spec.VolumeMode = &mode
		}, want: "volumeMode Filesystem"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			space := namespace(t)
			newDriver(t, space)
			claim(t, space, "c", test.edit)
			mix := create(t, space, on("c", "six"))
			names(t, stalls(t, mix, datav1alpha1.ReasonVolumeUnusable), "PersistentVolumeClaim c", test.want)
		})
	}
	t.Run("deleted", func(t *testing.T) {
		space := namespace(t)
		d := newDriver(t, space)
		volume := claim(t, space, "c", nil)
		mix := create(t, space, on("c", "six"))
		before := published(t, mix)
		volume.Finalizers = nil
		if err := api.Update(t.Context(), volume); err != nil && client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
		if err := api.Delete(t.Context(), volume); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
		progresses(t, mix, datav1alpha1.ReasonWaitingForVolume)
		d.forget()
		claim(t, space, "c", nil)
		after := published(t, mix)
		if before.Revision != after.Revision || len(d.ran(pipeline.StageDownload)) != len(all) {
			t.Errorf("revision %s, then %s; downloaded again: %v", before.Revision, after.Revision, d.ran(pipeline.StageDownload))
		}
	})
}
