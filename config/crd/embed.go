// Package crd holds the CustomResourceDefinition of DatasetMix, generated from api/v1alpha1, and the API server's own
// validation of an object against it, for use without a cluster.
package crd

import _ "embed"

// DatasetMixes is the CustomResourceDefinition in YAML.
//
//go:embed data.datasetmix.io_datasetmixes.yaml
var DatasetMixes []byte
