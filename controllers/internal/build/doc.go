// Package build knows how far the work on a mix has come: what is to be built at a location (Target), which of its Jobs build what is missing,
// which have failed for good, and what they have left (Build). It is pure: observations in, answers out.
package build
