package pipeline

import (
	"slices"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Bounds of a mix that one pod builds from its balance stage on, and of one that it builds from its split stage on: starting a pod takes
// longer than it works then. They are the same everywhere, so that the same mix is built by the same Jobs on every cluster.
const (
	chainBytes    = 2 << 30   // of originals
	chainFiles    = 8         // mixed ones and those of exports; all results together have to fit a termination message
	splitBytes    = 512 << 20 // of originals
	splitDatasets = 8         // their results have to fit the same message
)

// Follows reports whether a stage is another one, or comes after it.
func (s Stage) Follows(first Stage) bool {
	return slices.Index(Stages(), s) >= slices.Index(Stages(), first)
}

// Chain names what one pod builds from the next stage on, up to the publication: the units of all stages that are left. It is empty
// where the units have pods of their own: before the split stage, for a mix that is too large, and before the balance stage of one whose
// data sets are better split at once. A name follows from all that those units depend on; that of a small mix is the same before its rows
// are split and after that.
func Chain(r recipe.Recipe, graph Graph, results map[string]Result) string {
	split, reached := graph.Step(StageSplit)
	if !reached || len(r.Files()) > chainFiles {
		return ""
	}
	var bytes int64
	for _, unit := range graph.Steps[0].Nodes {
		if done := results[unit.Key].Download; done != nil {
			bytes += done.Bytes
		}
	}
	if bytes <= splitBytes && splitsQuickly(r) {
		return recipe.Digest(struct {
			Chain  string        `json:"chain"`
			Recipe recipe.Recipe `json:"recipe"`
			Splits []Node        `json:"splits"`
		}{"chain/v2", r.Content(), split.Nodes})
	}
	balance, reached := graph.Step(StageBalance)
	if !reached || bytes > chainBytes {
		return ""
	}
	return recipe.Digest(struct {
		Chain   string        `json:"chain"`
		Recipe  recipe.Recipe `json:"recipe"`
		Balance string        `json:"balance"`
	}{"chain/v1", r.Content(), balance.Nodes[0].Key})
}

// splitsQuickly reports whether a data set is split as quickly as it is read. Counting tokens and comparing rows with probes is slower, so
// those data sets are worth a processor each. A bounded cache may have lost an original, which takes a pod with a network.
func splitsQuickly(r recipe.Recipe) bool {
	return len(r.DatasetNames()) <= splitDatasets && r.Unit != recipe.InTokens && r.Decontaminate == nil && r.Output.CacheSize == 0
}
