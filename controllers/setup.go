package controllers

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// Scheme returns a scheme with the types that the controller reads and writes.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(datav1alpha1.AddToScheme(scheme))
	return scheme
}

// CacheByObject returns the options of the manager's cache, which keep it small: it has only the Jobs, pods and ConfigMaps of mixes, only the Events
// about refused pods, and no fields that no pass reads. It has all PersistentVolumeClaims, since a mix can name any.
func CacheByObject() map[client.Object]cache.ByObject {
	own := labels.SelectorFromSet(labels.Set{"app.kubernetes.io/managed-by": datav1alpha1.LabelValueManagedBy})
	bare := cache.TransformStripManagedFields()
	return map[client.Object]cache.ByObject{
		&datav1alpha1.DatasetMix{}:      {Transform: bare},
		&batchv1.Job{}:                  {Label: own, Transform: trimmed(endOfJob)},
		&corev1.Pod{}:                   {Label: own, Transform: trimmed(endOfPod)},
		&corev1.ConfigMap{}:             {Label: own, Transform: trimmed(namesOfTasks)},
		&corev1.PersistentVolumeClaim{}: {Transform: bare},
		&corev1.Event{}:                 {Field: refusals(), Transform: bare},
	}
}

// trimmed returns a function that removes fields from an object by trim. It leaves the tombstones of objects alone whose deletion the watch missed.
func trimmed[T client.Object](trim func(T)) toolscache.TransformFunc {
	return func(object any) (any, error) {
		if whole, ok := object.(T); ok {
			whole.SetManagedFields(nil)
			trim(whole)
		}
		return object, nil
	}
}

// endOfJob removes the fields of a Job's spec that no pass reads, such as the pod template. Finished Jobs remain, so a thousand mixes have five thousand
// Jobs.
func endOfJob(job *batchv1.Job) {
	job.Spec = batchv1.JobSpec{Suspend: job.Spec.Suspend, Parallelism: job.Spec.Parallelism, ActiveDeadlineSeconds: job.Spec.ActiveDeadlineSeconds}
}

// namesOfTasks removes the content of a task: it never changes, and only workers read it. The ConfigMap of results keeps its content.
func namesOfTasks(config *corev1.ConfigMap) {
	if config.Labels[datav1alpha1.LabelStage] != "" {
		config.Data = nil
	}
}

// endOfPod removes the fields of a pod's spec that no pass reads. The spec is most of a pod, and a thousand mixes have 16,000 pods and more.
func endOfPod(pod *corev1.Pod) {
	spec := corev1.PodSpec{NodeName: pod.Spec.NodeName}
	for _, container := range pod.Spec.Containers {
		spec.Containers = append(spec.Containers, corev1.Container{Name: container.Name, Resources: container.Resources})
	}
	pod.Spec = spec
}
