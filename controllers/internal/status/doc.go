// Package status makes the status of a mix of what was observed: conditions, stages, counts, history, an estimate; and the Events between
// two statuses. All of it is a pure function, so a pass that finds nothing new writes nothing and records nothing.
package status
