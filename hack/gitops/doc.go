// Package gitops tests, with Flux's own code, what config/samples/gitops and docs/gitops.md say of Flux. It is a module of its own, since the
// operator needs none of that.
package gitops
