// Package render turns a DatasetMix into the recipe that it means and into the Kubernetes objects that build it. Every
// function is pure and returns whole objects: no client, no context, no clock, no log.
package render
