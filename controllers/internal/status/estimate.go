package status

import (
	"slices"
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

// The percentage of a build that is done is computed from its finished units, weighted by their bytes or rows. The estimate of its end is computed from
// the time that the stages took so far. Neither costs an additional write: both change only when something else in the status does.

// estimate adds the percentage and the estimated end to the summary of a status, which is complete otherwise.
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

// sameBuild reports whether the last status was of the same build, whose percentage never falls, even if a unit is lost and built again.
func sameBuild(mix *datav1alpha1.DatasetMix, status *datav1alpha1.DatasetMixStatus) bool {
	before, ready := mix.Status, Condition(mix, datav1alpha1.ConditionReady)
	return ready.Type != "" && ready.Status != metav1.ConditionTrue && ready.ObservedGeneration == mix.Generation &&
		before.LastHandledRequestedAt == status.LastHandledRequestedAt && before.LastHandledForceAt == status.LastHandledForceAt &&
		equality.Semantic.DeepEqual(before.LastRefreshTime, status.LastRefreshTime)
}

// works reports whether a stage has a Job that may run.
func works(status *datav1alpha1.DatasetMixStatus) bool {
	return slices.ContainsFunc(status.Stages, func(stage datav1alpha1.StageStatus) bool {
		return stage.State == datav1alpha1.StageRunning || stage.State == datav1alpha1.StageRetrying
	})
}

// sameUnits reports whether two statuses have the same units done.
func sameUnits(before, after []datav1alpha1.StageStatus) bool {
	return slices.EqualFunc(before, after, func(a, b datav1alpha1.StageStatus) bool {
		return a.Name == b.Name && a.State == b.State && ptr.Equal(a.Done, b.Done)
	})
}

// fractionOf returns how much of a stage is done, 0 to 1.
func fractionOf(b *build.Build, step pipeline.Step) float64 {
	job := b.Latest(step)
	if job != nil && jobs.Finished(job) != "" {
		job = nil // its results have been recorded
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
	if job != nil && job.Status.CompletedIndexes == "" { // only the number of finished units is known
		n, _ := build.Progress(&step, job)
		return float64(n) / float64(len(step.Nodes))
	}
	return done / sum
}

// sizeOfUnit returns the weight of a unit within its stage: the bytes of the originals, or the rows of the mixed file, if they are known, else 1.
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

// rowsOfShard returns about how many rows a mixed file has; 0 if it is not known.
func rowsOfShard(graph *pipeline.Graph, shard recipe.Shard) float64 {
	if graph.Plan == nil || shard.Count == 0 {
		return 0
	}
	split, _ := graph.Plan.Split(shard.Split)
	return float64(split.Rows) / float64(shard.Count)
}

// shortest is the time that stages must have taken before an end is estimated from it.
const shortest = 5 * time.Second

// endOf returns when a build is likely to end, if each further percent takes as long as the percents so far took on average. It returns nil if too little
// was done for an estimate.
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
