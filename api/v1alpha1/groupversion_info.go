// Package v1alpha1 has the API of DatasetMix, a resource that defines a training-data mix: the data sets, how they are split and balanced
// within their domains, and the ratio in which the domains are mixed.
//
// Two rules hold for every field of spec, so that a manifest in a repository and the object in the cluster never differ: the controller
// never writes to spec, and the schema has no defaults. The meaning of an unset field is in its comment.
//
// +kubebuilder:object:generate=true
// +groupName=data.datasetmix.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types of this package.
var GroupVersion = schema.GroupVersion{Group: "data.datasetmix.io", Version: "v1alpha1"}

// AddToScheme adds the types of this package to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &DatasetMix{}, &DatasetMixList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
