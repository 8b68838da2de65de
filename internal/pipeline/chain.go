package pipeline

import (
	"slices"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Bounds of a mix from whose balance stage on one pod builds everything: starting a pod takes longer than it works then. They are the
// same everywhere, so that the same mix is built by the same Jobs on every cluster.
const (
	chainBytes = 2 << 30 // of originals
	chainFiles = 8       // mixed ones and those of exports; all results together have to fit a termination message
)

// Follows reports whether a stage is another one, or comes after it.
func (s Stage) Follows(first Stage) bool {
	return slices.Index(Stages(), s) >= slices.Index(Stages(), first)
}

// Chain names what one pod builds from the next stage on, up to the publication: the units of all stages that are left. It is empty
// where the stages have Jobs of their own: before the balance stage, where each data set has pods of its own, and for a mix that is
// too large. A name follows from all that those units depend on.
func Chain(r recipe.Recipe, graph Graph, results map[string]Result) string {
	balance, reached := graph.Step(StageBalance)
	if !reached || len(r.Files()) > chainFiles {
		return ""
	}
	var bytes int64
	for _, unit := range graph.Steps[0].Nodes {
		if done := results[unit.Key].Download; done != nil {
			bytes += done.Bytes
		}
	}
	if bytes > chainBytes {
		return ""
	}
	return recipe.Digest(struct {
		Chain   string        `json:"chain"`
		Recipe  recipe.Recipe `json:"recipe"`
		Balance string        `json:"balance"`
	}{"chain/v1", r.Content(), balance.Nodes[0].Key})
}
