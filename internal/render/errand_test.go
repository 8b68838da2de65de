package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestErrand: a pod of the command has one claim, read-only unless it fills it, no token and no environment, runs where the mix's own pods
// may, and goes with its owner.
func TestErrand(t *testing.T) {
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Name: "m", UID: "u"}}
	worker := &datav1alpha1.Worker{
		NodeSelector: map[string]string{"pool": "cpu"}, PriorityClassName: "low", RuntimeClassName: "gvisor", ServiceAccountName: "reader",
		Tolerations:      []datav1alpha1.Toleration{{Key: "k", Operator: "Exists"}},
		ImagePullSecrets: []datav1alpha1.LocalReference{{Name: "registry"}},
	}
	errand := Errand{
		Namespace: "n", Name: "datasetmix-get-x", Verb: "get", Image: "i", Claim: "c", Arguments: []string{"read", "{}"}, Worker: worker,
		Owner: OwnedBy("v1", "Kind", mix), Seconds: 3600,
	}
	pod := errand.Pod()
	for name, writable := range map[string]bool{"read": false, "fill": true} {
		errand.Writable = writable
		of := errand.Pod()
		if of.Spec.Volumes[0].PersistentVolumeClaim.ReadOnly == writable || of.Spec.Containers[0].VolumeMounts[0].ReadOnly == writable {
			t.Errorf("%s: %+v", name, of.Spec.Volumes)
		}
	}
	if diff := cmp.Diff([]string{"/worker", "read", "{}"}, pod.Spec.Containers[0].Command); diff != "" {
		t.Error(diff)
	}
	for what, holds := range map[string]bool{
		"one volume":             len(pod.Spec.Volumes) == 1,
		"one container":          len(pod.Spec.Containers) == 1,
		"no environment":         len(pod.Spec.Containers[0].Env) == 0,
		"no account":             pod.Spec.ServiceAccountName == "",
		"no token":               !ptr.Deref(pod.Spec.AutomountServiceAccountToken, true),
		"an end":                 ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) == 3600,
		"the mix's nodes":        pod.Spec.NodeSelector["pool"] == "cpu",
		"the mix's priority":     pod.Spec.PriorityClassName == "low",
		"the mix's runtime":      ptr.Deref(pod.Spec.RuntimeClassName, "") == "gvisor",
		"the mix's tolerations":  len(pod.Spec.Tolerations) == 1,
		"the mix's pull Secrets": len(pod.Spec.ImagePullSecrets) == 1,
		"no mix's pods":          pod.Labels[datav1alpha1.LabelUID] == "",
		"closed by policies":     pod.Labels["app.kubernetes.io/name"] == datav1alpha1.LabelValueName,
	} {
		if !holds {
			t.Errorf("the pod has not: %s", what)
		}
	}
	if diff := cmp.Diff([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Kind", Name: "m", UID: "u"}}, pod.OwnerReferences); diff != "" {
		t.Error(diff)
	}
	if OwnedBy("v1", "Kind", &corev1.Pod{}) != nil {
		t.Error("something that was not made owns a pod")
	}
	if claim := EmptyClaim("n", "c", "", corev1.ReadWriteOnce, nil); claim.Spec.StorageClassName != nil {
		t.Error("the cluster's own class is named")
	}
}
