package controllers

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// A worker that finds finished units of earlier stages to be damaged removes them, and fails with their keys. What is known of them is
// forgotten then, so that their stages are run again, and the Job that found it follows with another attempt.

// repairLimit is how many Jobs of one step may find damage: a volume that goes on breaking what was written needs a person.
const repairLimit = 4

// forget drops the results of the units that a failure says were damaged. It is called when the failure is first recorded.
func (s *scope) forget(note jobs.Failure) {
	for key := range s.record.results {
		if note.Damages(key) {
			delete(s.record.results, key)
		}
	}
}

// superseded reports whether a Job's result for a unit is of no use: a later Job found the unit damaged.
func (s *scope) superseded(job *batchv1.Job, unit pipeline.Node) bool {
	return slices.ContainsFunc(s.jobs, func(other *batchv1.Job) bool {
		note, failed := s.record.failures[other.Name]
		return failed && note.Damages(unit.Key) && jobs.Older(job, other) <= 0
	})
}

// mended reports whether a Job failed because of damage, which is built again by now: its step is the next one once more.
func (s *scope) mended(job *batchv1.Job) bool {
	return len(s.record.failures[job.Name].Damaged) > 0 && jobs.Attempt(job) < repairLimit
}

// repairing reports whether what a step lacks was found damaged.
func (s *scope) repairing(step *pipeline.Step) bool {
	for _, note := range s.record.failures {
		if slices.ContainsFunc(step.Missing, func(unit pipeline.Node) bool { return note.Damages(unit.Key) }) {
			return true
		}
	}
	return false
}
