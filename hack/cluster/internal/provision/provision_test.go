package provision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func provisionOptions() controller.ProvisionOptions {
	reclaim := corev1.PersistentVolumeReclaimDelete
	return controller.ProvisionOptions{
		StorageClass:     &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "standard"}, ReclaimPolicy: &reclaim},
		PVName:           "pvc-1",
		SelectedNodeName: "n",
		PVC: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("3Gi")},
			},
		}},
	}
}

func TestVolumeLivesAndGoes(t *testing.T) {
	f := &folders{dir: t.TempDir(), node: "n"}
	volume, _, err := f.Provision(t.Context(), provisionOptions())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(f.dir, "pvc-1")
	if volume.Spec.Local.Path != dir || volume.Spec.AccessModes[0] != corev1.ReadWriteOncePod || volume.Spec.Capacity.Storage().String() != "3Gi" {
		t.Errorf("the volume is %+v", volume.Spec)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	if !f.ShouldDelete(t.Context(), volume) || (&folders{node: "m"}).ShouldDelete(t.Context(), volume) {
		t.Error("a volume is deleted by another node than its own")
	}
	for range 2 { // deleting is repeated when the API server was not reached
		if err := f.Delete(t.Context(), volume); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left (%v)", err)
	}
}

func TestDeleteTouchesNothingElse(t *testing.T) {
	outside := t.TempDir()
	volume := render.LocalVolume("v", "c", outside, "n", resource.MustParse("1Gi"), corev1.PersistentVolumeReclaimDelete, nil)
	if err := (&folders{dir: t.TempDir(), node: "n"}).Delete(t.Context(), volume); err == nil {
		t.Error("no error for a folder of somebody else")
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("somebody else's folder is gone: %v", err)
	}
}

func TestEachNodeServesItsOwnClaims(t *testing.T) {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{selectedNode: "n"}}}
	for node, want := range map[string]bool{"n": true, "m": false} {
		if got := (&folders{node: node}).ShouldProvision(t.Context(), claim); got != want {
			t.Errorf("node %s: %t", node, got)
		}
	}
}

func TestNoBlockVolumes(t *testing.T) {
	o := provisionOptions()
	block := corev1.PersistentVolumeBlock
	o.PVC.Spec.VolumeMode = &block
	if _, _, err := (&folders{dir: t.TempDir(), node: "n"}).Provision(t.Context(), o); err == nil {
		t.Error("no error for a block volume")
	}
}
