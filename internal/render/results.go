package render

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// Results returns the ConfigMap that records the results of the workers.
func Results(mix *datav1alpha1.DatasetMix, location Location, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       mix.Namespace,
			Name:            ResultsName(mix),
			Labels:          Labels(mix),
			Annotations:     map[string]string{datav1alpha1.AnnotationLocation: location.String()},
			OwnerReferences: owner(mix),
		},
		Data: data,
	}
}
