package render

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// Errand is a pod that the command starts with the rights of its user, and that ends by itself: it mounts one PersistentVolumeClaim, and has no
// token, no Secret and no need of a network. One that looks at a source has what a download of that source has, and no claim but the source's.
type Errand struct {
	Namespace, Name string
	// Verb of the command, which is the component in the pod's labels.
	Verb  string
	Image string
	Claim string
	// Source is what the pod looks at, in place of a claim; nil means nothing.
	Source *Source
	// HubEndpoint is the Hugging Face Hub of a source that names none; empty is the public one.
	HubEndpoint string
	// Writable is for a pod that fills the claim. Any other mounts it read-only, so the kubelet leaves its files as they are.
	Writable bool
	// Arguments of the worker.
	Arguments []string
	// Worker has the scheduling of the mix's own pods; nil for none.
	Worker *datav1alpha1.Worker
	// Owner is the object whose deletion removes a pod that was left behind; nil for none.
	Owner *metav1.OwnerReference
	// Seconds is how long it may run, whatever it does.
	Seconds int64
}

// Pod returns the pod. It satisfies the restricted Pod Security Standard.
func (e Errand) Pod() *corev1.Pod {
	worker := ptr.Deref(e.Worker.DeepCopy(), datav1alpha1.Worker{})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: e.Namespace, Name: e.Name,
			Labels: map[string]string{
				"app.kubernetes.io/name":       datav1alpha1.LabelValueName, // network policies close it as they do a worker
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

// mount adds a claim to a pod, which then runs where other pods use that claim.
func (e Errand) mount(pod *corev1.Pod, claim, at string) {
	label := claimLabel(claim)
	pod.Labels[datav1alpha1.LabelClaim] = label
	pod.Spec.Affinity = nextTo(label)
	pod.Spec.Volumes = []corev1.Volume{claimVolume(dataVolume, claim, !e.Writable)}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: dataVolume, MountPath: at, ReadOnly: !e.Writable}}
}

// fetches adds to a pod what a download of its source has: credentials, certificates, the proxy, the network, and the account that a store knows.
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

// OwnedBy returns the reference by which a pod is deleted with an object, without blocking the deletion or being controlled by it.
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

// EmptyClaim returns a new claim that the command makes for files. An empty class means the cluster's default.
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
