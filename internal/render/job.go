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
	// retriesPerUnit is how often a unit is tried again after a failure that may pass. The Job controller waits 10 s, 20 s and 40 s before; the
	// worker itself retries short outages.
	retriesPerUnit = 3
	// defaultParallelism is how many pods of a stage run at once by default: all of them share one volume, and mostly one node. What six pods ask
	// for fits one with two processors. A pod that has to wait for another one starts two seconds after it, as the Job controller goes.
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
	// Chain names what one pod builds from the step on, see pipeline.Chain; empty where each unit has its own pod.
	Chain string
	// Request names the request that the Job is made for; empty before the first.
	Request string
	// Location and Sharing of the claim.
	Location Location
	Sharing  Sharing
	Settings Settings
	// Keep is what a publication leaves on the volume in addition to what the recipe keeps; nil means nothing.
	Keep *contract.Keep
}

// Name returns the name of the Job and of the ConfigMap with its task.
func (w Work) Name() string {
	return JobName(w.Mix.Name, w.Location, w.Step.Stage, w.Step.Missing, w.Attempt, w.Chain, w.place())
}

// place returns what the mix asks of queue and pods, "" for nothing. A waiting Job that is recreated for another place has another name: Kueue
// finds the Jobs of its Workloads by name, and would reset the new one's pods to those of the old one.
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

// Task returns the immutable ConfigMap that tells the workers what to do. It holds the results of the earlier stages, in that of a chain those
// of its own stages as well, and nothing of credentials.
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
		if w.Chain != "" && result.Mix != nil { // a file that an edit leaves as it is
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

// pods returns how many completion indices the Job has.
func (w Work) pods() int {
	if w.Chain != "" {
		return 1
	}
	return len(w.Step.Missing) // at most 80 sources or 2048 mixed files
}

// Job builds the missing units, one per completion index; or one pod builds them all, and all that comes after them.
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

// templateOf returns the hash of what a mix asks of a Job's pods and its queue. The id of the build is omitted: an edit that changes nothing else
// of a Job must not cost it its place in the queue.
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

// Parallelism returns how many pods of a Job run at once.
func Parallelism(mix *datav1alpha1.DatasetMix, pods int, sharing Sharing) int32 {
	if sharing == OnePod {
		return 1
	}
	return min(int32(pods), cmp.Or(ptr.Deref(mix.Spec.Worker, datav1alpha1.Worker{}).Parallelism, defaultParallelism)) // at most 2048
}

// queue passes the labels of Kueue on. A Job with a queue begins suspended: it must not run before it is admitted, not even
// where Kueue's webhook is down.
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

// unlessZero returns the pointer to a value, nil for the zero value.
func unlessZero[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// failurePolicy returns what a failed pod means: an eviction counts as no try; a failure that needs a person ends the Job at once; anything else is
// retried.
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
