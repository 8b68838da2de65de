// Package samples has the manifest that the command writes for a first look.
package samples

import _ "embed"

// GRPOSix is the mix of six data sets.
//
//go:embed data_v1alpha1_datasetmix_grpo_six.yaml
var GRPOSix []byte
