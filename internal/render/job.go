package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

const (
	// retriesPerUnit is how often a unit is retried after a transient failure. The Job controller waits 10 s, 20 s and 40 s before the retries; the
	// worker itself retries short outages.
	retriesPerUnit = 3
	// defaultParallelism is the number of pods of a stage that run at once by default. They share one volume, and mostly one node; the requests of
	// six pods fit a node with two processors. The Job controller starts a further pod about two seconds after another one has ended.
	defaultParallelism int32 = 6
)

// Settings are the operator's flags.
type Settings struct {
	// WorkerImage is the image of the worker pods.
	WorkerImage string
	// HubEndpoint is the Hugging Face Hub of sources that name none; empty is the public one.
	HubEndpoint string
}

// Work is one attempt at the missing units of one stage.
type Work struct {
	Mix     *datav1alpha1.DatasetMix
	Recipe  recipe.Recipe
	Graph   pipeline.Graph
	Results map[string]pipeline.Result
	Step    pipeline.Step
	Attempt int
	// Chain is the name of the chain that one pod builds from the step on, see pipeline.Chain; empty if each unit has its own pod.
	Chain string
	// Request is the name of the refresh request that the Job is created for; empty before the first request.
	Request string
	// Location is where the mix is built, Sharing how many pods can use its claim at once.
	Location Location
	Sharing  Sharing
	Settings Settings
	// Keep has the revisions that a publication must not remove, in addition to those that the recipe keeps; nil for none.
	Keep *contract.Keep
}

// Name returns the name of the Job and of the ConfigMap with its task.
func (w Work) Name() string {
	return JobName(w.Mix.Name, w.Location, w.Step.Stage, w.Step.Missing, w.Attempt, w.Chain, w.place())
}

// place returns the queue, the priority and the pod settings of the mix, empty if none is set. A waiting Job that is recreated for another place
// has another name: Kueue finds the Jobs of its Workloads by name, and would give the new Job the pod settings of the old one.
func (w Work) place() string {
	queue, priority := w.Mix.Labels[datav1alpha1.LabelQueue], w.Mix.Labels[datav1alpha1.LabelQueuePriority]
	if queue == "" && priority == "" && w.Mix.Spec.Worker == nil {
		return ""
	}
	place, _ := json.Marshal([]any{queue, priority, w.Mix.Spec.Worker}) // plain data, which always encodes
	return string(place)
}

func (w Work) meta() metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Namespace: w.Mix.Namespace,
		Name:      w.Name(),
		Labels:    stageLabels(w.Mix, w.Step.Stage),
		Annotations: map[string]string{
			datav1alpha1.AnnotationUnits:      Units(w.Step.Missing),
			datav1alpha1.AnnotationAttempt:    strconv.Itoa(w.Attempt),
			datav1alpha1.AnnotationGeneration: strconv.FormatInt(w.Mix.Generation, 10),
			datav1alpha1.AnnotationLocation:   w.Location.String(),
			datav1alpha1.AnnotationBuild:      Build(w.Recipe, w.Location),
		},
		OwnerReferences: owner(w.Mix),
	}
	if w.Chain != "" {
		meta.Annotations[datav1alpha1.AnnotationChain] = ShortChain(w.Chain)
	}
	if w.Request != "" {
		meta.Annotations[datav1alpha1.AnnotationRequest] = w.Request
	}
	return meta
}

// Task returns the immutable ConfigMap with the workers' task. It holds the results of the earlier stages and, for a chain, those of its own stages as
// well. It holds no credentials.
func (w Work) Task() (*corev1.ConfigMap, error) {
	task := contract.Task{
		Version: contract.TaskVersion,
		Stage:   w.Step.Stage,
		Nodes:   w.Step.Missing,
		Recipe:  w.Recipe,
		Results: map[string]pipeline.Result{},
		Chain:   w.Chain != "",
		Again:   w.Location.Again,
		Keep:    w.Keep,
	}
	for _, step := range w.Graph.Steps {
		for _, unit := range step.Nodes {
			if result, ok := w.Results[unit.Key]; ok && (w.Chain != "" || step.Stage != w.Step.Stage) {
				task.Results[unit.Key] = result
			}
		}
	}
	for key, result := range w.Results {
		if w.Chain != "" && result.Mix != nil { // a mixed file that an edit does not change
			task.Results[key] = result
		}
	}
	encoded, err := json.Marshal(task)
	if err != nil {
		return nil, fmt.Errorf("encoding the task of stage %s: %w", w.Step.Stage, err)
	}
	return &corev1.ConfigMap{
		ObjectMeta: w.meta(),
		Immutable:  ptr.To(true),
		Data:       map[string]string{taskKey: string(encoded)},
	}, nil
}

// pods returns the number of completion indices of the Job.
func (w Work) pods() int {
	if w.Chain != "" {
		return 1
	}
	return len(w.Step.Missing) // at most 80 sources or 2048 mixed files
}

// Job returns the Job that builds the missing units, one per completion index. The Job of a chain has one pod, which builds them all, and all later
// stages.
func (w Work) Job() *batchv1.Job {
	units := int32(w.pods())
	worker := ptr.Deref(w.Mix.Spec.Worker, datav1alpha1.Worker{})
	parallelism := Parallelism(w.Mix, w.pods(), w.Sharing)
	meta, suspend := w.queue()
	if worker.MinParallelism > 0 && worker.MinParallelism < parallelism {
		meta.Annotations[datav1alpha1.AnnotationMinParallelism] = strconv.Itoa(int(worker.MinParallelism))
	}
	job := &batchv1.Job{
		ObjectMeta: meta,
		Spec: batchv1.JobSpec{
			Completions:          &units,
			Parallelism:          &parallelism,
			CompletionMode:       ptr.To(batchv1.IndexedCompletion),
			BackoffLimitPerIndex: ptr.To[int32](retriesPerUnit),
			// a pod that is being terminated may still write: its successor starts when it has ended
			PodReplacementPolicy:  ptr.To(batchv1.Failed),
			PodFailurePolicy:      failurePolicy(),
			ActiveDeadlineSeconds: unlessZero(worker.ActiveDeadlineSeconds),
			Suspend:               suspend,
			Template:              w.pod(),
		},
	}
	job.Annotations[datav1alpha1.AnnotationTemplate] = templateOf(job)
	return job
}

// templateOf returns the hash of a Job's pods and its queue, by which a waiting Job is compared with the mix. The id of the build is left out: an edit
// that changes nothing else of a Job must not cost the Job its place in the queue.
func templateOf(job *batchv1.Job) string {
	spec := job.Spec.DeepCopy()
	for i, container := range spec.Template.Spec.Containers {
		spec.Template.Spec.Containers[i].Env = slices.DeleteFunc(container.Env, func(variable corev1.EnvVar) bool {
			return variable.Name == contract.BuildVariable
		})
	}
	hash := sha256.New()
	// plain data, which always encodes
	_ = json.NewEncoder(hash).Encode([]any{job.Labels, job.Annotations[datav1alpha1.AnnotationMinParallelism], spec})
	return hex.EncodeToString(hash.Sum(nil))[:unitLength]
}

// Parallelism returns the number of a Job's pods that run at once.
func Parallelism(mix *datav1alpha1.DatasetMix, pods int, sharing Sharing) int32 {
	if sharing == OnePod {
		return 1
	}
	return min(int32(pods), cmp.Or(ptr.Deref(mix.Spec.Worker, datav1alpha1.Worker{}).Parallelism, defaultParallelism)) // at most 2048
}

// queue returns the Job's metadata with the mix's labels for Kueue, and whether the Job begins suspended, nil for no. A Job with a queue does: it must
// not run before it is admitted, even if Kueue's webhook is down.
func (w Work) queue() (metav1.ObjectMeta, *bool) {
	meta := w.meta()
	for _, label := range []string{datav1alpha1.LabelQueue, datav1alpha1.LabelQueuePriority} {
		if value := w.Mix.Labels[label]; value != "" {
			meta.Labels[label] = value
		}
	}
	if meta.Labels[datav1alpha1.LabelQueue] == "" {
		return meta, nil
	}
	return meta, ptr.To(true)
}

// unlessZero returns a pointer to a value, nil for the zero value.
func unlessZero[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// failurePolicy returns the consequences of a failed pod: an eviction does not count as an attempt, a permanent failure ends the Job at once, and
// anything else is retried.
func failurePolicy() *batchv1.PodFailurePolicy {
	return &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
		{
			Action: batchv1.PodFailurePolicyActionIgnore,
			OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{
				{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue},
			},
		},
		{
			Action: batchv1.PodFailurePolicyActionFailJob,
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
				ContainerName: ptr.To(contract.ContainerName),
				Operator:      batchv1.PodFailurePolicyOnExitCodesOpIn,
				Values:        permanentCodes(),
			},
		},
	}}
}

func permanentCodes() []int32 {
	codes := map[int32]bool{}
	for reason, code := range contract.Reasons() {
		if reason.Permanent() {
			codes[int32(code)] = true
		}
	}
	return slices.Sorted(maps.Keys(codes))
}
