// Package helm renders charts/datasetmix with Helm's own engine and compares it, object by object, with what kustomize makes of config. It is a
// module of its own, since nothing else of the project needs Helm.
package helm
