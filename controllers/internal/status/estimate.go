package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// The progress of a build follows from its finished units, weighed by their bytes or rows, and its end from how long the stages took so far.
// Neither costs a write: both change only with what is in the status anyway, and do not depend on a clock.

// estimate adds the percentage, and the time at which the build is likely to end, to the summary of a status that is complete otherwise.
func estimate(o Observed, status *datav1alpha1.DatasetMixStatus, now metav1.Time) {
	summary, graph := status.Summary, o.Build.Target.Graph
	if graph == nil {
		return
	}
	if o.Outcome == nil {
		summary.Percent = 100
		return
	}
	done := map[pipeline.Stage]float64{}
	for _, step := range graph.Steps {
		done[step.Stage] = fractionOf(o.Build, step)
	}
	percent := min(99, int32(progress.Overall(done)))
	before := o.Build.Mix.Status.Summary
	if before != nil && sameBuild(o.Build.Mix, status) {
		percent = max(percent, before.Percent)
	}
	if percent == 0 {
		return
	}
	summary.Percent = percent
	if !works(status) {
		return
	}
	if before != nil && before.Percent == summary.Percent && sameUnits(o.Build.Mix.Status.Stages, status.Stages) {
		summary.EstimatedCompletionTime = before.EstimatedCompletionTime
		return
	}
	summary.EstimatedCompletionTime = endOf(status.Stages, done, percent, now)
}

// sameBuild reports whether the last status was of the same build: its percentage never falls, even where a unit is lost and made again.
func sameBuild(mix *datav1alpha1.DatasetMix, status *datav1alpha1.DatasetMixStatus) bool {
	before, ready := mix.Status, Condition(mix, datav1alpha1.ConditionReady)
	return ready.Type != "" && ready.Status != metav1.ConditionTrue && ready.ObservedGeneration == mix.Generation &&
		before.LastHandledRequestedAt == status.LastHandledRequestedAt && before.LastHandledForceAt == status.LastHandledForceAt &&
		equality.Semantic.DeepEqual(before.LastRefreshTime, status.LastRefreshTime)
}

// works reports whether a stage has a Job that may run.
func works(status *datav1alpha1.DatasetMixStatus) bool {
	for _, stage := range status.Stages {
		if stage.State == datav1alpha1.StageRunning || stage.State == datav1alpha1.StageRetrying {
			return true
		}
	}
	return false
}

// sameUnits reports whether two statuses have the same units done.
func sameUnits(before, after []datav1alpha1.StageStatus) bool {
	if len(before) != len(after) {
		return false
	}
	for i := range after {
		if before[i].Name != after[i].Name || before[i].State != after[i].State || !ptr.Equal(before[i].Done, after[i].Done) {
			return false
		}
	}
	return true
}

// fractionOf returns how much of a stage is done, 0 to 1.
func fractionOf(b *build.Build, step pipeline.Step) float64 {
	job := b.Latest(step)
	if job != nil && jobs.Finished(job) != "" {
		job = nil // what it left has been recorded
	}
	missing := map[string]bool{}
	for _, unit := range step.Missing {
		missing[unit.Key] = true
	}
	sum, done := 0.0, 0.0
	for _, unit := range step.Nodes {
		size := sizeOfUnit(b, step.Stage, unit)
		sum += size
		if !missing[unit.Key] || job != nil && jobs.Completed(job, unit) {
			done += size
		}
	}
	if job != nil && job.Status.CompletedIndexes == "" { // only their number is known
		n, _ := build.Progress(&step, job)
		return float64(n) / float64(len(step.Nodes))
	}
	return done / sum
}

// sizeOfUnit weighs a unit among those of its stage: by bytes of originals or rows of the mixed file, as far as they are known.
func sizeOfUnit(b *build.Build, stage pipeline.Stage, unit pipeline.Node) float64 {
	switch stage {
	case pipeline.StageSplit:
		if download := resultOf(b, pipeline.StageDownload, unit.Name).Download; download != nil {
			return max(1, float64(download.Bytes))
		}
	case pipeline.StageMix:
		shard, _ := b.Target.Recipe.Shard(unit.Name)
		return max(1, rowsOfShard(b.Target.Graph, shard))
	}
	return 1
}

// rowsOfShard returns the rows of a mixed file, to the row or so.
func rowsOfShard(graph *pipeline.Graph, shard recipe.Shard) float64 {
	if graph.Plan == nil || shard.Count == 0 {
		return 0
	}
	split, _ := graph.Plan.Split(shard.Split)
	return float64(split.Rows) / float64(shard.Count)
}

// shortest is how long stages must have worked before anything is concluded from it.
const shortest = 5 * time.Second

// endOf returns when a build is likely to end: the rest takes as long for each percent as the stages took for what they have done. It returns nil
// where they have done too little for an estimate.
func endOf(stages []datav1alpha1.StageStatus, done map[pipeline.Stage]float64, percent int32, now metav1.Time) *metav1.Time {
	measured := map[pipeline.Stage]float64{}
	var took time.Duration
	for _, stage := range stages {
		if stage.StartTime == nil {
			continue
		}
		end := now
		if stage.CompletionTime != nil {
			end = *stage.CompletionTime
		}
		took += max(0, end.Sub(stage.StartTime.Time))
		measured[pipeline.Stage(stage.Name)] = done[pipeline.Stage(stage.Name)]
	}
	work := progress.Overall(measured)
	if took < shortest || work < 1 {
		return nil
	}
	left := time.Duration(float64(took) / work * float64(100-percent))
	return ptr.To(metav1.NewTime(now.Add(left)).Rfc3339Copy())
}
