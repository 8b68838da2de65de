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

// Scheme knows the types that the controller reads and writes.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(datav1alpha1.AddToScheme(scheme))
	return scheme
}

// CacheByObject keeps foreign Jobs, pods and ConfigMaps out of the manager's memory, all Events but those of Jobs whose pods were refused, and
// every field that no pass reads. All PersistentVolumeClaims are kept: a mix can name any.
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

// trimmed keeps of an object what trim leaves, and the tombstone of one that was deleted unwatched as it is.
func trimmed[T client.Object](trim func(T)) toolscache.TransformFunc {
	return func(object any) (any, error) {
		if whole, ok := object.(T); ok {
			whole.SetManagedFields(nil)
			trim(whole)
		}
		return object, nil
	}
}

// endOfJob leaves of a Job its identity, its status and what a pass compares, which is nothing of its pods' template. A finished Job stays
// as long as its mix may need it, so a thousand mixes have five thousand.
func endOfJob(job *batchv1.Job) {
	job.Spec = batchv1.JobSpec{Suspend: job.Spec.Suspend, Parallelism: job.Spec.Parallelism, ActiveDeadlineSeconds: job.Spec.ActiveDeadlineSeconds}
}

// namesOfTasks leaves of a task only its existence: it never changes, and only the workers read it. The results stay whole.
func namesOfTasks(config *corev1.ConfigMap) {
	if config.Labels[datav1alpha1.LabelStage] != "" {
		config.Data = nil
	}
}

// endOfPod leaves of a pod its identity, its status and its containers' resources. A thousand mixes have 16,000 pods and more, and most of a pod is
// its spec.
func endOfPod(pod *corev1.Pod) {
	spec := corev1.PodSpec{NodeName: pod.Spec.NodeName}
	for _, container := range pod.Spec.Containers {
		spec.Containers = append(spec.Containers, corev1.Container{Name: container.Name, Resources: container.Resources})
	}
	pod.Spec = spec
}
