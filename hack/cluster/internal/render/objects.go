package render

import (
	"fmt"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// VolumeDir holds one folder per volume, in the node's mount namespace.
	VolumeDir = spec.StateDir + "/volumes"
	// StaticVolumes is how many volumes of class LocalClass stand ready.
	StaticVolumes = 4

	DefaultClass = "standard"
	LocalClass   = "local"

	probeName = "cluster-probe"
)

// StorageClasses returns the default class, whose volumes are made on demand, and the class of the volumes that stand ready.
func StorageClasses() []*storagev1.StorageClass {
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	class := func(name, provisioner string, reclaim corev1.PersistentVolumeReclaimPolicy) *storagev1.StorageClass {
		return &storagev1.StorageClass{
			ObjectMeta:        metav1.ObjectMeta{Name: name},
			Provisioner:       provisioner,
			ReclaimPolicy:     &reclaim,
			VolumeBindingMode: &wait,
		}
	}
	standard := class(DefaultClass, spec.ProvisionerName, corev1.PersistentVolumeReclaimDelete)
	standard.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	return []*storagev1.StorageClass{
		standard,
		class(LocalClass, "kubernetes.io/no-provisioner", corev1.PersistentVolumeReclaimRetain),
	}
}

// LocalVolume returns a volume in the folder dir of one node. It is of type local, not hostPath: a kubelet applies a pod's
// fsGroup to the former only, and without that a pod that does not run as root cannot write.
func LocalVolume(name, class, dir, node string, size resource.Quantity, reclaim corev1.PersistentVolumeReclaimPolicy,
	modes []corev1.PersistentVolumeAccessMode,
) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:              class,
			PersistentVolumeReclaimPolicy: reclaim,
			AccessModes:                   modes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: size},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: dir}},
			// By label: the scheduler compares a volume's affinity with the node's labels only, never with its fields.
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
				}}}},
			}},
		},
	}
}

// VolumeNode returns the node of a volume that LocalVolume made, and "" of any other.
func VolumeNode(volume *corev1.PersistentVolume) string {
	affinity := volume.Spec.NodeAffinity
	if volume.Spec.Local == nil || affinity == nil || affinity.Required == nil {
		return ""
	}
	for _, term := range affinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Key == corev1.LabelHostname && len(e.Values) == 1 {
				return e.Values[0]
			}
		}
	}
	return ""
}

// StaticLocalVolumes returns the i-th node's volumes of class LocalClass.
func StaticLocalVolumes(c spec.Cluster, i int) []*corev1.PersistentVolume {
	volumes := make([]*corev1.PersistentVolume, 0, StaticVolumes)
	for v := range StaticVolumes {
		name := fmt.Sprintf("%s-local-%d", c.NodeName(i), v)
		volumes = append(volumes, LocalVolume(name, LocalClass, VolumeDir+"/"+name, c.NodeName(i),
			resource.MustParse("10Gi"), corev1.PersistentVolumeReclaimRetain,
			[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany},
		))
	}
	return volumes
}

// Probe returns a pod that runs only if image, sandbox, cgroups and pod network all work on the i-th node.
func Probe(c spec.Cluster, i int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: probeName + "-" + c.NodeName(i), Namespace: metav1.NamespaceSystem},
		Spec: corev1.PodSpec{
			NodeName:                      c.NodeName(i),
			AutomountServiceAccountToken:  new(bool),
			TerminationGracePeriodSeconds: new(int64),
			Containers: []corev1.Container{{
				Name: "pause", Image: spec.PauseImage, ImagePullPolicy: corev1.PullNever,
			}},
		},
	}
}
