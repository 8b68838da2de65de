package build

import (
	"maps"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// A worker that finds finished units of earlier stages to be damaged removes them, and fails with their keys. Their results are then forgotten, so
// that their stages run again, followed by another attempt of the Job that found the damage.

// pruneLimit is the size in bytes from which a ledger is pruned before the end of a build. It is far below the API server's limit; a ledger only reaches
// it by many edits of a large mix without a publication in between.
const pruneLimit = 512 << 10

// Harvest records the results in a Job's pods and, if the Job failed, its failure. The first time that it records the failure of a download, it returns
// the reason.
func (b *Build) Harvest(job *batchv1.Job) (fetchErrors []contract.Reason) {
	if !b.Target.IsHere(job) {
		return nil
	}
	own := jobs.PodsOf(job, b.Pods)
	for _, pod := range own {
		results, _ := jobs.Results(job, pod)
		for _, of := range results {
			if !b.isSuperseded(job, of.Node) {
				b.Ledger.Results[of.Node.Key] = of.Result
			}
		}
	}
	if _, known := b.Ledger.Failures[job.Name]; known || jobs.Finished(job) != batchv1.JobFailed {
		return nil
	}
	note := jobs.WorstFailure(own)
	if note == nil {
		return nil
	}
	if has, ok := b.Claim.Status.Capacity[corev1.ResourceStorage]; ok && note.Reason == contract.InsufficientStorage {
		note.Capacity = has.String()
	}
	b.Ledger.Fail(job.Name, *note)
	if job.Labels[datav1alpha1.LabelStage] != string(pipeline.StageDownload) {
		return nil
	}
	return []contract.Reason{note.Reason}
}

// isSuperseded reports whether a Job's result for a unit is obsolete: a later Job found the unit damaged.
func (b *Build) isSuperseded(job *batchv1.Job, unit pipeline.Node) bool {
	return slices.ContainsFunc(b.Jobs, func(other *batchv1.Job) bool {
		note, failed := b.Ledger.Failures[other.Name]
		return failed && note.Damages(unit.Key) && jobs.Older(job, other) <= 0
	})
}

// Unread returns the newest Job of the next step if it is complete but its results are not known, unless its pods were read from the API server already.
func (b *Build) Unread(asked map[types.UID]bool) *batchv1.Job {
	next := b.Target.Next()
	if next == nil {
		return nil
	}
	newest := b.Newest(next)
	if newest == nil || jobs.Finished(newest) != batchv1.JobComplete || asked[newest.UID] {
		return nil
	}
	return newest
}

// Prune removes the failures of deleted Jobs and, at the end of the graph or in a large ledger, the results of units that are not in the graph.
func (b *Build) Prune() {
	if b.Target.Err == nil && (b.Target.Graph.Next() == nil || b.Ledger.Size() > pruneLimit) {
		known := map[string]bool{}
		for _, step := range b.Target.Graph.Steps {
			for _, unit := range step.Nodes {
				known[unit.Key] = true
			}
		}
		maps.DeleteFunc(b.Ledger.Results, func(key string, _ pipeline.Result) bool { return !known[key] })
	}
	there := map[string]bool{}
	for _, job := range b.Jobs {
		there[job.Name] = true
	}
	maps.DeleteFunc(b.Ledger.Failures, func(job string, _ jobs.Failure) bool { return !there[job] })
}
