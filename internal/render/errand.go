package render

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// Errand is a pod that the command starts with the rights of its user, and that ends by itself. It mounts one PersistentVolumeClaim, and has no
// token, no Secret and no need of a network. A pod that looks at a source has the credentials of a download of that source instead, and mounts no
// claim except the source's.
type Errand struct {
	Namespace, Name string
	// Verb is the verb of the command, and the component in the pod's labels.
	Verb  string
	Image string
	Claim string
	// Source is the source that the pod looks at; nil for a pod that mounts Claim.
	Source *Source
	// HubEndpoint is the Hugging Face Hub of a source that names none; empty is the public one.
	HubEndpoint string
	// Writable reports whether the pod writes to the claim. If not, it is mounted read-only, so that the kubelet does not change the files' owners.
	Writable bool
	// Arguments are the arguments of the worker.
	Arguments []string
	// Worker has the settings of the mix's own pods; nil for none.
	Worker *datav1alpha1.Worker
	// Owner is the object whose deletion removes a pod that was left behind; nil for none.
	Owner *metav1.OwnerReference
	// Seconds is the time after which the pod is ended.
	Seconds int64
}

// Pod returns the pod. It satisfies the restricted Pod Security Standard.
func (e Errand) Pod() *corev1.Pod {
	worker := ptr.Deref(e.Worker.DeepCopy(), datav1alpha1.Worker{})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: e.Namespace, Name: e.Name,
			Labels: map[string]string{
				"app.kubernetes.io/name":       datav1alpha1.LabelValueName, // network policies select it like a worker
				"app.kubernetes.io/part-of":    datav1alpha1.LabelValuePartOf,
				"app.kubernetes.io/managed-by": "kubectl-datasetmix",
				"app.kubernetes.io/component":  e.Verb,
			},
		},
		Spec: corev1.PodSpec{
			Containers:                    []corev1.Container{e.container()},
			RestartPolicy:                 corev1.RestartPolicyNever,
			AutomountServiceAccountToken:  ptr.To(false),
			EnableServiceLinks:            ptr.To(false),
			PriorityClassName:             worker.PriorityClassName,
			RuntimeClassName:              unlessZero(worker.RuntimeClassName),
			NodeSelector:                  worker.NodeSelector,
			Tolerations:                   tolerations(worker),
			ImagePullSecrets:              pullSecrets(worker),
			SecurityContext:               podSecurity(),
			ActiveDeadlineSeconds:         &e.Seconds,
			TerminationGracePeriodSeconds: ptr.To[int64](10),
		},
	}
	if e.Owner != nil {
		pod.OwnerReferences = []metav1.OwnerReference{*e.Owner}
	}
	if e.Source != nil {
		pod.Spec.Containers[0].Resources = resources(ptr.Deref(worker.Resources, datav1alpha1.Resources{}))
	}
	switch {
	case e.Source == nil:
		e.mount(pod, e.Claim, path.Clean(contract.VolumeFolder))
	case e.Source.Source.Volume != nil:
		e.mount(pod, e.Source.Source.Volume.ClaimName, path.Join(contract.ClaimFolder, e.Source.Source.Volume.ClaimName))
	default:
		e.fetches(pod, worker)
	}
	return pod
}

// mount adds a claim to a pod, and prefers the node on which other pods use that claim.
func (e Errand) mount(pod *corev1.Pod, claim, at string) {
	label := claimLabel(claim)
	pod.Labels[datav1alpha1.LabelClaim] = label
	pod.Spec.Affinity = nextTo(label)
	pod.Spec.Volumes = []corev1.Volume{claimVolume(dataVolume, claim, !e.Writable)}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: dataVolume, MountPath: at, ReadOnly: !e.Writable}}
}

// fetches adds to a pod what a download of its source has: credentials, certificates, the proxy, the network and the service account.
func (e Errand) fetches(pod *corev1.Pod, worker datav1alpha1.Worker) {
	container := &pod.Spec.Containers[0]
	pod.Labels[datav1alpha1.LabelNetwork] = datav1alpha1.LabelValueFetch
	pod.Spec.ServiceAccountName = worker.ServiceAccountName
	if asksAzure(*e.Source) {
		pod.Labels[azureLabel] = "true"
	}
	if e.HubEndpoint != "" {
		container.Env = append(container.Env, corev1.EnvVar{Name: "HF_ENDPOINT", Value: e.HubEndpoint})
	}
	container.Env = append(container.Env, proxy(ptr.Deref(worker.Proxy, datav1alpha1.Proxy{}))...)
	if files := keys(*e.Source); len(files) > 0 {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: taskVolume, VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](0o440), Sources: files}}})
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: taskVolume, MountPath: path.Dir(contract.TaskFile), ReadOnly: true})
	}
	if secret := SecretOf(e.Source.Source); secret != nil {
		pod.Spec.Volumes = append(pod.Spec.Volumes, wholeSecret(secret.Name))
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{
			Name: secretVolume(secret.Name), MountPath: path.Join(contract.SecretFolder, e.Source.Name), ReadOnly: true})
	}
}

func (e Errand) container() corev1.Container {
	return corev1.Container{
		Name:                     contract.ContainerName,
		Image:                    e.Image,
		Command:                  append([]string{contract.WorkerProgram}, e.Arguments...),
		Resources:                resources(datav1alpha1.Resources{}),
		TerminationMessagePath:   contract.MessageFile,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		SecurityContext:          containerSecurity(),
	}
}

// OwnedBy returns an owner reference: the pod is deleted with the object, but does not block its deletion, and is not controlled by it. It returns
// nil for an object without a UID.
func OwnedBy(apiVersion, kind string, object metav1.Object) *metav1.OwnerReference {
	if object.GetUID() == "" {
		return nil
	}
	return &metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: object.GetName(), UID: object.GetUID()}
}

// nextTo returns an affinity that prefers the node on which other pods use the claim, since a volume may be attached to one node only.
func nextTo(claim string) *corev1.Affinity {
	terms := together(claim).PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	return &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: terms[0]}},
	}}
}

// EmptyClaim returns a new PersistentVolumeClaim for the verb put. An empty class means the cluster's default.
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
