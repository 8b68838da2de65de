package progress

import "github.com/datasetmix/datasetmix/internal/pipeline"

// weights are how much of a build each stage is taken to be, in percent: an estimate. Downloading is counted as a network has it; the other
// stages relate roughly as they do in a build of the six data sets on two processors.
var weights = map[pipeline.Stage]float64{
	pipeline.StageDownload: 30, pipeline.StageSplit: 40, pipeline.StageBalance: 3, pipeline.StageMix: 20, pipeline.StagePublish: 7,
}

// Overall returns how far a build is, in percent of its work, from the fraction of each stage that is done, 0 to 1.
func Overall(done map[pipeline.Stage]float64) float64 {
	sum := 0.0
	for _, stage := range pipeline.Stages() { // in their order: sums of fractions are as exact as that is the same
		sum += weights[stage] * min(max(done[stage], 0), 1)
	}
	return sum
}
