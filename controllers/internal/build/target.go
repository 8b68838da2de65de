package build

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// Target is the recipe to build, and the location to build it at.
type Target struct {
	Recipe   recipe.Recipe
	Location render.Location
	// Graph is the stage graph as far as the results lead, nil until it was walked; Err is the error that ends it.
	Graph *pipeline.Graph
	Err   error
	// Chain is the name of the chain that one pod builds from the next step on; empty if each unit has its own pod.
	Chain string
}

// ID returns the id of the build in log lines; empty while the location is not known.
func (t *Target) ID() string {
	if t.Location.ClaimName == "" {
		return ""
	}
	return render.Build(t.Recipe, t.Location)
}

// Walk walks the graph as far as results lead.
func (t *Target) Walk(results map[string]pipeline.Result) {
	graph, err := pipeline.Walk(t.Recipe, results)
	t.Graph, t.Err, t.Chain = &graph, err, pipeline.Chain(t.Recipe, graph, results)
}

// Next returns the step to build next, nil at the end of the graph, after an error, and before the graph was walked.
func (t *Target) Next() *pipeline.Step {
	if t.Graph == nil || t.Err != nil {
		return nil
	}
	return t.Graph.Next()
}

// IsHere reports whether a Job, or its task, is for the location.
func (t *Target) IsHere(made metav1.Object) bool {
	return made.GetAnnotations()[datav1alpha1.AnnotationLocation] == t.Location.String()
}

// chains reports whether a Job, or its task, is for a chain, and whether that is the current chain and has the step.
func (t *Target) chains(made metav1.Object, step pipeline.Step) (chained, wanted bool) {
	name := made.GetAnnotations()[datav1alpha1.AnnotationChain]
	first := pipeline.Stage(made.GetLabels()[datav1alpha1.LabelStage])
	return name != "", name != "" && name == render.ShortChain(t.Chain) && step.Stage.Follows(first)
}

// Covers reports whether a Job builds every missing unit of a step.
func (t *Target) Covers(job *batchv1.Job, step *pipeline.Step) bool {
	if !t.IsHere(job) {
		return false
	}
	chained, wanted := t.chains(job, *step)
	switch own := job.Labels[datav1alpha1.LabelStage] == string(step.Stage); {
	case chained && !wanted:
		return false
	case wanted && !own:
		return true
	case !own:
		return false
	}
	for _, unit := range step.Missing {
		if !render.Covers(job.Annotations[datav1alpha1.AnnotationUnits], unit) {
			return false
		}
	}
	return true
}

// Contributes reports whether a Job, or its task, is for any unit of a step, missing or not. A Job of a chain is for the revision of that chain
// alone, whatever else it built: its publication must not be mistaken for a later one.
func (t *Target) Contributes(made metav1.Object, step pipeline.Step) bool {
	if !t.IsHere(made) {
		return false
	}
	if chained, wanted := t.chains(made, step); chained {
		return wanted
	}
	if made.GetLabels()[datav1alpha1.LabelStage] != string(step.Stage) {
		return false
	}
	return slices.ContainsFunc(step.Nodes, func(unit pipeline.Node) bool {
		return render.Covers(made.GetAnnotations()[datav1alpha1.AnnotationUnits], unit)
	})
}
