package controllers

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
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

// CacheByObject keeps other people's Jobs, pods and ConfigMaps out of the manager's memory, and all Events but those of Jobs
// whose pods were refused. Claims are all kept: a mix can name any.
func CacheByObject() map[client.Object]cache.ByObject {
	own := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{
		"app.kubernetes.io/managed-by": datav1alpha1.LabelValueManagedBy,
	})}
	return map[client.Object]cache.ByObject{
		&batchv1.Job{}:      own,
		&corev1.Pod{}:       own,
		&corev1.ConfigMap{}: own,
		&corev1.Event{}:     {Field: refusals()},
	}
}
