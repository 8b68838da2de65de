// Package v1alpha1 is the API of DatasetMix: a resource that says which data sets to take, how to split them, how to
// balance them within a domain and in what ratio to mix the domains.
//
// Two rules hold for every field of spec. The controller never writes to it. And there are no defaults in the schema:
// what a field means when it is unset is in its comment, so that a manifest in a repository and the object in the
// cluster never differ.
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
