// Package status computes the status of a mix from what was observed: conditions, stages, counts, history, an estimate; and the Events between two
// statuses. All of it is pure, so a pass that finds nothing new writes nothing and records nothing.
package status
