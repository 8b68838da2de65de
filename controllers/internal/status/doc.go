// Package status computes the status of a mix from what was observed: conditions, stages, counts, history and an estimate of the end. It also computes
// the Events to record between two statuses. It is pure: a pass that observes nothing new writes nothing and records nothing.
package status
