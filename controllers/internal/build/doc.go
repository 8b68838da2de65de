// Package build says how far the work on a mix has come: what it is to come to at a location (Target), and which of its Jobs build what is
// missing, which have failed for good, and what they have left (Build). It is pure: what was observed in, an answer out.
package build
