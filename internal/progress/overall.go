package progress

import (
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// weights has an estimate of each stage's part of a build, in percent. The part of downloading depends on the network; the others are in about the ratio
// of a build of the six data sets on two processors.
var weights = map[pipeline.Stage]float64{
	pipeline.StageDownload: 30, pipeline.StageSplit: 40, pipeline.StageBalance: 3, pipeline.StageMix: 20, pipeline.StagePublish: 7,
}

// Overall returns the percentage of a build that is done, from the fraction of each stage that is done, 0 to 1.
func Overall(done map[pipeline.Stage]float64) float64 {
	sum := 0.0
	for _, stage := range pipeline.Stages() { // in a fixed order, since a sum of fractions depends on it
		sum += weights[stage] * min(max(done[stage], 0), 1)
	}
	return sum
}

// Units returns the names of a stage's units, which are known before any of them has a key.
func Units(r recipe.Recipe, stage pipeline.Stage) []string {
	var names []string
	switch stage {
	case pipeline.StageDownload:
		for _, source := range r.Sources() {
			names = append(names, source.Name)
		}
	case pipeline.StageSplit:
		names = r.DatasetNames()
	case pipeline.StageMix:
		for _, shard := range r.Files() {
			names = append(names, shard.Name())
		}
	default:
		names = []string{r.Name}
	}
	return names
}
