// Package training names the modules whose CustomResourceDefinitions judge the samples of trainings.
package training

import (
	_ "github.com/kubeflow/trainer/v2/pkg/apis/trainer/v1alpha1" // manifests/base/crds
	_ "github.com/ray-project/kuberay/ray-operator/apis/ray/v1"  // config/crd/bases
	_ "sigs.k8s.io/jobset/api/jobset/v1alpha2"                   // config/components/crd/bases
)
