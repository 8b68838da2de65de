// Package provision makes volumes on demand: one folder each, on the node that the scheduler chose.
//
// Kubernetes' own --enable-hostpath-provisioner is not used: its volumes are of type hostPath, to which fsGroup does not apply, in
// folders that only root may write to, below the host's /tmp, where they remain.
package provision

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Run provisions until the context ends.
func Run(ctx context.Context, client kubernetes.Interface, node string) {
	controller.NewProvisionController(ctx, client, spec.ProvisionerName, &folders{dir: render.VolumeDir, node: node},
		controller.LeaderElection(false),
	).Run(ctx)
}

type folders struct{ dir, node string }

// selectedNode is where the scheduler notes the node of a claim whose class waits for its first consumer.
const selectedNode = "volume.kubernetes.io/selected-node"

// ShouldProvision leaves a claim to the provisioner of the claim's node: every node runs one.
func (f *folders) ShouldProvision(_ context.Context, claim *corev1.PersistentVolumeClaim) bool {
	return claim.Annotations[selectedNode] == f.node
}

// ShouldDelete leaves a volume to the provisioner of the volume's node.
func (f *folders) ShouldDelete(_ context.Context, volume *corev1.PersistentVolume) bool {
	return render.VolumeNode(volume) == f.node
}

// Provision makes a folder and describes it as a volume.
func (f *folders) Provision(_ context.Context, o controller.ProvisionOptions) (
	*corev1.PersistentVolume, controller.ProvisioningState, error,
) {
	if mode := o.PVC.Spec.VolumeMode; mode != nil && *mode == corev1.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, fmt.Errorf("class %s has no block volumes; ask for volumeMode Filesystem",
			o.StorageClass.Name)
	}
	dir := filepath.Join(f.dir, o.PVName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	volume := render.LocalVolume(o.PVName, o.StorageClass.Name, dir, f.node,
		o.PVC.Spec.Resources.Requests[corev1.ResourceStorage], *o.StorageClass.ReclaimPolicy, o.PVC.Spec.AccessModes)
	return volume, controller.ProvisioningFinished, nil
}

// Delete removes the folder of a volume.
func (f *folders) Delete(_ context.Context, volume *corev1.PersistentVolume) error {
	if volume.Spec.Local == nil || filepath.Dir(volume.Spec.Local.Path) != f.dir {
		return &controller.IgnoredError{Reason: "the volume is not a folder of " + f.dir}
	}
	return os.RemoveAll(volume.Spec.Local.Path)
}
