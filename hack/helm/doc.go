// Package helm renders charts/datasetmix with Helm's own engine and compares it, object by object, with what kustomize makes of config. It is a
// module of its own, since nothing else of the project needs Helm; the program helm of the tests of installations is built from it.
package helm
