// Package build computes how far the work on a mix has come. A Target is what to build at a location; a Build has the Jobs, the pods and the results, and
// finds the Jobs that build what is missing, that have failed for good, or that are stale. The package is pure.
package build
