package render

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// Errand is a pod that the command for people starts with the rights of its user: it mounts one claim, has no token, no Secret and no need of
// a network, and ends by itself.
type Errand struct {
	Namespace, Name string
	// Verb of the command, which is the component in the pod's labels.
	Verb  string
	Image string
	Claim string
	// Writable is for a pod that fills the claim. Any other mounts it read-only, so the kubelet leaves its files as they are.
	Writable bool
	// Arguments of the worker.
	Arguments []string
	// Worker says where the mix's own pods may run; nil says nothing.
	Worker *datav1alpha1.Worker
	// Owner is what the pod goes with, should it be left behind; nil is nothing.
	Owner *metav1.OwnerReference
	// Seconds is how long it may run, whatever it does.
	Seconds int64
}

// Pod returns the pod. It satisfies the restricted Pod Security Standard.
func (e Errand) Pod() *corev1.Pod {
	worker := ptr.Deref(e.Worker.DeepCopy(), datav1alpha1.Worker{})
	claim := claimLabel(e.Claim)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: e.Namespace, Name: e.Name,
			Labels: map[string]string{
				"app.kubernetes.io/name":       datav1alpha1.LabelValueName, // network policies close it as they do a worker
				"app.kubernetes.io/part-of":    datav1alpha1.LabelValuePartOf,
				"app.kubernetes.io/managed-by": "kubectl-datasetmix",
				"app.kubernetes.io/component":  e.Verb,
				datav1alpha1.LabelClaim:        claim,
			},
		},
		Spec: corev1.PodSpec{
			Containers:                    []corev1.Container{e.container()},
			Volumes:                       []corev1.Volume{claimVolume(dataVolume, e.Claim, !e.Writable)},
			RestartPolicy:                 corev1.RestartPolicyNever,
			AutomountServiceAccountToken:  ptr.To(false),
			EnableServiceLinks:            ptr.To(false),
			PriorityClassName:             worker.PriorityClassName,
			RuntimeClassName:              unlessZero(worker.RuntimeClassName),
			NodeSelector:                  worker.NodeSelector,
			Tolerations:                   tolerations(worker),
			ImagePullSecrets:              pullSecrets(worker),
			Affinity:                      nextTo(claim),
			SecurityContext:               podSecurity(),
			ActiveDeadlineSeconds:         &e.Seconds,
			TerminationGracePeriodSeconds: ptr.To[int64](10),
		},
	}
	if e.Owner != nil {
		pod.OwnerReferences = []metav1.OwnerReference{*e.Owner}
	}
	return pod
}

func (e Errand) container() corev1.Container {
	return corev1.Container{
		Name:                     contract.ContainerName,
		Image:                    e.Image,
		Command:                  append([]string{contract.WorkerProgram}, e.Arguments...),
		Resources:                resources(datav1alpha1.Resources{}),
		VolumeMounts:             []corev1.VolumeMount{{Name: dataVolume, MountPath: path.Clean(contract.VolumeFolder), ReadOnly: !e.Writable}},
		TerminationMessagePath:   contract.MessageFile,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		SecurityContext:          containerSecurity(),
	}
}

// OwnedBy is the reference by which a pod goes with an object, without holding it up or belonging to its controller.
func OwnedBy(apiVersion, kind string, object metav1.Object) *metav1.OwnerReference {
	if object.GetUID() == "" {
		return nil
	}
	return &metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: object.GetName(), UID: object.GetUID()}
}

// nextTo prefers the node where other pods use the claim, which may be attached to no other one.
func nextTo(claim string) *corev1.Affinity {
	terms := together(claim).PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	return &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: terms[0]}},
	}}
}

// EmptyClaim is a new claim that the command makes for files. An empty class is the cluster's own.
func EmptyClaim(namespace, name, class string, mode corev1.PersistentVolumeAccessMode, size corev1.ResourceList) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{mode},
			StorageClassName: unlessZero(class),
			Resources:        corev1.VolumeResourceRequirements{Requests: size},
		},
	}
}
