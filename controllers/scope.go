package controllers

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// scope is everything that one pass knows. Each field is set by the sub-reconciler that is named with it, and the status is a
// function of the whole.
type scope struct {
	// mix as it was read; nothing changes it.
	mix *datav1alpha1.DatasetMix

	// jobs of the mix, oldest first; reconcileJob adds the one that it makes (observe).
	jobs []*batchv1.Job
	// pods with the mix's label, sorted by name (observe).
	pods []*corev1.Pod
	// tasks are the task ConfigMaps of the mix (observe).
	tasks []*corev1.ConfigMap
	// refusals are the Events that tell of pods which were refused, oldest first (observe).
	refusals []*corev1.Event
	// results is the ConfigMap with the recorded results, nil while there is none (observe).
	results *corev1.ConfigMap

	// recipe is what the mix means (interpret).
	recipe recipe.Recipe

	// asked is the refresh and rebuild requests (observeRequests, scheduleRefresh).
	asked requests

	// claim that the mix is built on, and where on it (reconcileClaim).
	claim    *corev1.PersistentVolumeClaim
	location render.Location

	// record of the results at the location (recordResults).
	record record
	// graph as far as the results go, nil until it is known, and why it ends where it does (recordResults).
	graph    *pipeline.Graph
	graphErr error

	// hindrance is what keeps the pods of the running Job from starting (advance).
	hindrance hindrance
	// mounts are the pods that read the claim, nil where it was not asked (keep).
	mounts *mounts
	// askAgain is after what time something is to be asked again that nothing tells of; 0 is never (reconcileJob, watch).
	askAgain time.Duration

	// outcome of the pass; nil when the mix is published.
	outcome *outcome.Outcome

	// tally of what the pass did, for the metrics.
	tally tally
}

// here says whether a Job worked, or works, at the scope's location; a task has the same annotations.
func (s *scope) here(made metav1.Object) bool {
	return made.GetAnnotations()[datav1alpha1.AnnotationLocation] == s.location.String()
}

// chain names what one pod builds from the next step on, "" where each unit has a pod of its own.
func (s *scope) chain() string { return pipeline.Chain(s.recipe, *s.graph, s.record.results) }

// chains reports whether a Job, or its task, is for a chain: whether for the one that the mix asks for now, and for a step of it.
func (s *scope) chains(made metav1.Object, step pipeline.Step) (chained, wanted bool) {
	name := made.GetAnnotations()[datav1alpha1.AnnotationChain]
	first := pipeline.Stage(made.GetLabels()[datav1alpha1.LabelStage])
	return name != "", name != "" && name == render.ShortChain(s.chain()) && step.Stage.Follows(first)
}

// covers says whether a Job builds every missing unit of a step.
func (s *scope) covers(job *batchv1.Job, step *pipeline.Step) bool {
	if !s.here(job) {
		return false
	}
	chained, wanted := s.chains(job, *step)
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

// contributes says whether a Job, or its task, is for any unit of a step, missing or not. One of a chain is for the revision of that chain
// alone, whatever else it built: what it told of its publication must not be taken for that of a later one.
func (s *scope) contributes(made metav1.Object, step pipeline.Step) bool {
	if !s.here(made) {
		return false
	}
	if chained, wanted := s.chains(made, step); chained {
		return wanted
	}
	if made.GetLabels()[datav1alpha1.LabelStage] != string(step.Stage) {
		return false
	}
	for _, unit := range step.Nodes {
		if render.Covers(made.GetAnnotations()[datav1alpha1.AnnotationUnits], unit) {
			return true
		}
	}
	return false
}

// podsOf returns the pods of a Job.
func (s *scope) podsOf(job *batchv1.Job) []*corev1.Pod { return jobs.PodsOf(job, s.pods) }
