package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// record is what is known of the work at one location, kept in a ConfigMap: results by content key, and why Jobs failed by
// the Jobs' names. Both are facts that outlive the pods that told them.
type record struct {
	results  map[string]pipeline.Result
	failures map[string]jobs.Failure
	// asked is kept wherever the results are.
	asked requests
}

const (
	failurePrefix = "failed."
	// recordLimit is far below what an API server takes; a record only comes near it by many edits of a big mix without a
	// published revision in between.
	recordLimit = 512 << 10
	// recordMost is what an API server takes, with room for the object's other fields.
	recordMost = 1<<20 - 64<<10
)

// readRecord reads the ConfigMap. An entry that cannot be read, of another release say, counts as missing, and so does
// everything of another location.
func readRecord(config *corev1.ConfigMap, location render.Location) record {
	rec := record{results: map[string]pipeline.Result{}, failures: map[string]jobs.Failure{}}
	if config == nil || config.Annotations[datav1alpha1.AnnotationLocation] != location.String() {
		return rec
	}
	for key, value := range config.Data {
		if key == askedKey {
			continue
		}
		if job, ok := strings.CutPrefix(key, failurePrefix); ok {
			var note jobs.Failure
			if json.Unmarshal([]byte(value), &note) == nil {
				note.FailureNote = note.Judged()
				rec.failures[job] = note
			}
			continue
		}
		var result pipeline.Result
		if json.Unmarshal([]byte(value), &result) != nil {
			continue
		}
		if judged, err := contract.Judge(result); err == nil {
			rec.results[key] = judged
		}
	}
	return rec
}

func (rec record) data() (map[string]string, error) {
	data := map[string]string{}
	for key, result := range rec.results {
		encoded, err := json.Marshal(result)
		if err != nil {
			return nil, fmt.Errorf("encoding a result: %w", err)
		}
		data[key] = string(encoded)
	}
	for job, note := range rec.failures {
		encoded, err := json.Marshal(note)
		if err != nil {
			return nil, fmt.Errorf("encoding a failure: %w", err)
		}
		data[failurePrefix+job] = string(encoded)
	}
	if encoded, ok := rec.asked.encode(); ok {
		data[askedKey] = encoded
	}
	return data, nil
}

func (rec record) size() int {
	data, _ := rec.data() // what cannot be encoded takes no room
	return sizeOf(data)
}

func sizeOf(data map[string]string) int {
	size := 0
	for key, value := range data {
		size += len(key) + len(value)
	}
	return size
}

// recordResults takes the results out of the pods of the Jobs that are finished, or of which every worker is, follows the graph as far as
// they go, and records what is new.
func (r *DatasetMixReconciler) recordResults(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	s.record = readRecord(s.results, s.location)
	s.record.asked = s.asked
	for _, job := range s.jobs {
		if jobs.Finished(job) != "" || s.told(job) {
			s.harvest(job)
		}
	}
	asked := map[types.UID]bool{}
	for {
		graph, err := pipeline.Walk(s.recipe, s.record.results)
		s.graph, s.graphErr = &graph, err
		job := s.unread(asked)
		if job == nil {
			break
		}
		// The cache of Jobs can be ahead of the cache of pods: before a result counts as lost, the API server is asked.
		asked[job.UID] = true
		if err := r.readPods(ctx, s, job); err != nil {
			return nil, err
		}
		s.harvest(job)
	}
	s.prune()
	return r.save(ctx, s)
}

// unread is the newest Job of the next step if it is complete: then its results should be known, and are not.
func (s *scope) unread(asked map[types.UID]bool) *batchv1.Job {
	if s.graphErr != nil || s.graph.Next() == nil {
		return nil
	}
	newest := s.newest(s.graph.Next())
	if newest == nil || jobs.Finished(newest) != batchv1.JobComplete || asked[newest.UID] {
		return nil
	}
	return newest
}

func (r *DatasetMixReconciler) readPods(ctx context.Context, s *scope, job *batchv1.Job) error {
	list := &corev1.PodList{}
	err := r.Live.List(ctx, list, client.InNamespace(job.Namespace), client.MatchingLabels{batchv1.JobNameLabel: job.Name})
	if err != nil {
		return fmt.Errorf("reading the pods of Job %s: %w", job.Name, err)
	}
	for i := range list.Items {
		s.pods = append(s.pods, &list.Items[i])
	}
	return nil
}

// harvest takes the results, and of a failed Job the failure, out of a Job's pods.
func (s *scope) harvest(job *batchv1.Job) {
	if !s.here(job) {
		return
	}
	for _, pod := range s.podsOf(job) {
		results, _ := jobs.Results(job, pod)
		for _, of := range results {
			if !s.superseded(job, of.Node) {
				s.record.results[of.Node.Key] = of.Result
			}
		}
	}
	if _, known := s.record.failures[job.Name]; known || jobs.Finished(job) != batchv1.JobFailed {
		return
	}
	if note := jobs.WorstFailure(s.podsOf(job)); note != nil {
		if note.Reason == contract.InsufficientStorage {
			note.Capacity = capacity(s.claim)
		}
		s.record.failures[job.Name] = *note
		s.forget(*note)
		if job.Labels[datav1alpha1.LabelStage] == string(pipeline.StageDownload) {
			s.tally.fetchErrors = append(s.tally.fetchErrors, note.Reason)
		}
	}
}

// prune forgets what nothing refers to any more: once the graph is walked to its end, all results but its own, and the
// failures of Jobs that are gone.
func (s *scope) prune() {
	if s.graphErr == nil && (s.graph.Next() == nil || s.record.size() > recordLimit) {
		known := map[string]bool{}
		for _, step := range s.graph.Steps {
			for _, unit := range step.Nodes {
				known[unit.Key] = true
			}
		}
		maps.DeleteFunc(s.record.results, func(key string, _ pipeline.Result) bool { return !known[key] })
	}
	there := map[string]bool{}
	for _, job := range s.jobs {
		there[job.Name] = true
	}
	maps.DeleteFunc(s.record.failures, func(job string, _ jobs.Failure) bool { return !there[job] })
}

// save writes the record if it says anything new.
func (r *DatasetMixReconciler) save(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	data, err := s.record.data()
	if err != nil {
		return nil, err
	}
	if s.results == nil && len(data) == 0 {
		return nil, nil
	}
	if size := sizeOf(data); size > recordMost {
		message := fmt.Sprintf("The results of the stages take %d bytes, and a ConfigMap holds 1 MiB: make fewer files, or mixes of fewer data sets.", size)
		return outcome.Stall(datav1alpha1.ReasonWorkerFailed, message), nil
	}
	wanted := render.Results(s.mix, s.location, data)
	if s.results == nil {
		s.results = wanted
		return r.own(ctx, s, wanted)
	}
	if maps.Equal(s.results.Data, wanted.Data) && s.results.Annotations[datav1alpha1.AnnotationLocation] == s.location.String() {
		return nil, nil
	}
	wanted.ResourceVersion = s.results.ResourceVersion // somebody else's newer record is not overwritten
	if err := r.Update(ctx, wanted); err != nil {
		return nil, fmt.Errorf("recording results: %w", err)
	}
	s.tally.wrote("update", "ConfigMap")
	s.results = wanted
	return nil, nil
}

// kindOf is the kind of an object that a mix owns: they are all of a version 1.
func kindOf(object client.Object) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", object), "*v1.")
}

// own creates an object of the mix. That it exists already is no error if it is the mix's own: the cache is late.
func (r *DatasetMixReconciler) own(ctx context.Context, s *scope, object client.Object) (*outcome.Outcome, error) {
	kind := kindOf(object)
	err := r.Create(ctx, object)
	if err == nil {
		s.tally.wrote("create", kind)
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	s.tally.duplicates++
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return nil, fmt.Errorf("reading what stands in the way: %w", err)
	}
	if jobs.OwnedBy(object, s.mix) {
		return nil, nil
	}
	message := fmt.Sprintf("The %s %s exists and belongs to somebody else; delete it, or rename the mix.", kind, object.GetName())
	return outcome.Stall(datav1alpha1.ReasonNameConflict, message), nil
}

// checkGraph judges where the graph ended.
func (r *DatasetMixReconciler) checkGraph(_ context.Context, s *scope) (*outcome.Outcome, error) {
	if s.graphErr == nil {
		return nil, nil
	}
	var infeasible *plan.InfeasibleError
	if errors.As(s.graphErr, &infeasible) {
		return outcome.Stall(datav1alpha1.ReasonInfeasibleMix, outcome.Sentence(s.graphErr.Error())), nil
	}
	var drift *pipeline.DriftError
	if errors.As(s.graphErr, &drift) {
		return outcome.Stall(datav1alpha1.ReasonSourceDrifted, outcome.Sentence(s.graphErr.Error())), nil
	}
	var license *recipe.LicenseError
	if errors.As(s.graphErr, &license) {
		return outcome.Stall(datav1alpha1.ReasonLicenseRefused, outcome.Sentence(s.graphErr.Error())), nil
	}
	return outcome.Stall(datav1alpha1.ReasonPlanMismatch, outcome.Sentence(s.graphErr.Error())), nil
}
