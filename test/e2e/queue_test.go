package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers"
)

// writesPerJob is how many versions of spec and metadata a Job may have, whoever writes them, where nothing takes it back; for that and
// for admitting it again Kueue alone writes it writesToTakeBack times.
const writesPerJob, writesToTakeBack = 5, 5

// kueued is a namespace that the real Kueue looks after, with all its webhooks, and with manageJobsWithoutQueueName.
type kueued struct {
	*cluster
	mu       sync.Mutex
	versions map[types.UID][]string // of each Job
	taken    int                    // how often each Job may be taken back
	said     []string               // by the conditions of the mix
}

func besideKueue(t *testing.T) *kueued {
	t.Helper()
	integrations(t)
	e := newCluster(t)
	namespace := &corev1.Namespace{}
	e.must(e.Get(t.Context(), client.ObjectKey{Name: e.namespace}, namespace))
	namespace.Labels["queues"] = "kueue"
	e.must(e.Update(t.Context(), namespace))
	e.object("{apiVersion: kueue.x-k8s.io/v1beta2, kind: ResourceFlavor, metadata: {name: any}}")
	k := &kueued{cluster: e, versions: map[types.UID][]string{}}
	k.follow()
	t.Cleanup(func() {
		if t.Failed() {
			k.tellWorkloads()
		}
	})
	return k
}

// tellWorkloads prints what Kueue has made of the Jobs.
func (k *kueued) tellWorkloads() {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(workloadList)
	if err := k.List(context.Background(), list, client.InNamespace(k.namespace)); err != nil {
		k.Log(err)
	}
	for _, workload := range list.Items {
		unstructured.RemoveNestedField(workload.Object, "spec", "podSets")
		unstructured.RemoveNestedField(workload.Object, "metadata", "managedFields")
		text, _ := yaml.Marshal(workload.Object)
		k.Logf("%s", text)
	}
}

var workloadList = schema.GroupVersionKind{Group: "kueue.x-k8s.io", Version: "v1beta2", Kind: "WorkloadList"}

// integrations passes a test over where the operators are not that it needs.
func integrations(t *testing.T) {
	t.Helper()
	if os.Getenv("INTEGRATIONS") == "" {
		t.Skip("it needs Kueue, JobSet and Kubeflow Trainer, which take ten minutes to build: make integrations runs it")
	}
}

// follow notes from now on what the conditions say, and each version of each Job.
func (k *kueued) follow() {
	k.Helper()
	c, err := client.NewWithWatch(k.config, client.Options{Scheme: controllers.Scheme()})
	k.must(err)
	for _, list := range []client.ObjectList{&datav1alpha1.DatasetMixList{}, &batchv1.JobList{}} {
		watch, err := c.Watch(k.Context(), list, client.InNamespace(k.namespace))
		k.must(err)
		go func() {
			for event := range watch.ResultChan() {
				switch object := event.Object.(type) {
				case *datav1alpha1.DatasetMix:
					k.hear(object)
				case *batchv1.Job:
					k.see(object)
				}
			}
		}()
	}
}

func (k *kueued) hear(mix *datav1alpha1.DatasetMix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, condition := range mix.Status.Conditions {
		text := fmt.Sprintf("%s=%s %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
		if !slices.Contains(k.said, text) {
			k.said = append(k.said, text)
		}
	}
}

func (k *kueued) see(job *batchv1.Job) {
	k.mu.Lock()
	defer k.mu.Unlock()
	version, _ := json.Marshal([]any{job.Spec, job.Labels, job.Annotations, job.Finalizers, job.DeletionTimestamp})
	if of := k.versions[job.UID]; len(of) == 0 || of[len(of)-1] != string(version) {
		k.versions[job.UID] = append(of, string(version))
	}
}

// never wants no condition to have said something since the namespace was made.
func (k *kueued) never(texts ...string) {
	k.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, said := range k.said {
		for _, text := range texts {
			if strings.Contains(said, text) {
				k.Errorf("a condition said %q", said)
			}
		}
	}
}

// quiet wants no two to have fought over a Job.
func (k *kueued) quiet() {
	k.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	most := 0
	for uid, versions := range k.versions {
		if most = max(most, len(versions)); len(versions) > writesPerJob+k.taken*writesToTakeBack {
			k.Errorf("Job %s had %d versions, the last ones:\n%s", uid, len(versions), strings.Join(versions[len(versions)-3:], "\n"))
		}
	}
	k.Logf("%d Jobs, with at most %d versions of spec and metadata", len(k.versions), most)
}

// object makes an object of a kind that this module does not know; one that is there stays.
func (e *cluster) object(manifest string) *unstructured.Unstructured {
	e.Helper()
	object := &unstructured.Unstructured{}
	e.must(yaml.Unmarshal([]byte(manifest), object))
	e.eventually(fmt.Sprintf("there is %s %s", object.GetKind(), object.GetName()), func() bool {
		err := e.Create(e.Context(), object)
		if apierrors.IsInternalError(err) {
			return false // a webhook does not answer: on a busy machine Kueue's manager starts again now and then
		}
		if !apierrors.IsAlreadyExists(err) {
			e.must(err)
		}
		return true
	})
	return object
}

// clusterQueue returns the name of a queue's ClusterQueue.
func (k *kueued) clusterQueue(queue string) string { return k.namespace + "-" + queue }

// room makes a queue with so much memory, in the flavor any.
func (k *kueued) room(queue, memory string) { k.Helper(); k.roomOf(queue, memory, "any") }

func (k *kueued) roomOf(queue, memory, flavor string) {
	k.Helper()
	whole := k.object(fmt.Sprintf(`
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: %s}
spec:
  namespaceSelector: {}
  preemption: {withinClusterQueue: LowerPriority}
  resourceGroups:
  - coveredResources: [cpu, memory]
    flavors: [{name: %s, resources: [{name: cpu, nominalQuota: 100}, {name: memory, nominalQuota: %s}]}]`, k.clusterQueue(queue), flavor, memory))
	k.Cleanup(func() { _ = k.Delete(context.Background(), whole) })
	k.object(fmt.Sprintf("{apiVersion: kueue.x-k8s.io/v1beta2, kind: LocalQueue, metadata: {name: %s, namespace: %s}, spec: {clusterQueue: %s}}",
		queue, k.namespace, k.clusterQueue(queue)))
}

// stop sets the stop policy of queue q.
func (k *kueued) stop(policy string) {
	k.Helper()
	whole := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": map[string]any{"name": k.clusterQueue("q")}}}
	k.must(k.Patch(k.Context(), whole, client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"stopPolicy":%q}}`, policy))))
}

// inQueue makes the six data sets' mix in a queue, "" for none.
func (k *kueued) inQueue(queue string, edits ...func(*datav1alpha1.DatasetMix)) {
	k.Helper()
	mix := k.sixDataSets()
	if queue != "" {
		labeled(datav1alpha1.LabelQueue, queue)(mix)
	}
	for _, edit := range edits {
		edit(mix)
	}
	k.must(k.Create(k.Context(), mix))
}

func labeled(name, value string) func(*datav1alpha1.DatasetMix) {
	return func(mix *datav1alpha1.DatasetMix) { metav1.SetMetaDataLabel(&mix.ObjectMeta, name, value) }
}

func worker(of datav1alpha1.Worker) func(*datav1alpha1.DatasetMix) {
	return func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &of }
}

func suspended(yes bool) func(*datav1alpha1.DatasetMix) {
	return func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = &yes }
}

func (k *kueued) change(edit func(*datav1alpha1.DatasetMix)) {
	k.Helper()
	mix := &datav1alpha1.DatasetMix{}
	k.must(k.Get(k.Context(), client.ObjectKey{Namespace: k.namespace, Name: "grpo-six"}, mix))
	before := mix.DeepCopy()
	edit(mix)
	k.must(k.Patch(k.Context(), mix, client.MergeFrom(before)))
}

func (k *kueued) says(what string, wanted func(metav1.Condition) bool) *datav1alpha1.DatasetMix {
	k.Helper()
	mix := k.until("grpo-six", what, func(mix *datav1alpha1.DatasetMix) bool {
		condition := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReconciling)
		return condition != nil && wanted(*condition)
	})
	k.Logf("%s", readyMessage(mix))
	return mix
}

// waits until the mix is Queued with a message that has all parts, and wants the stage not to have started.
func (k *kueued) waits(parts ...string) {
	k.Helper()
	mix := k.says(fmt.Sprintf("Queued, with %q", parts), func(condition metav1.Condition) bool {
		return condition.Reason == datav1alpha1.ReasonQueued &&
			!slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(condition.Message, part) })
	})
	stage := mix.Status.Stages[slices.IndexFunc(mix.Status.Stages, func(s datav1alpha1.StageStatus) bool { return s.Name == mix.Status.Summary.Stage })]
	if stage.State != datav1alpha1.StageQueued || stage.StartTime != nil {
		k.Errorf("stage %s is %s, started %v, while its Job is queued", stage.Name, stage.State, stage.StartTime)
	}
}

// runs waits until a stage runs, or the mix is Ready, and returns the stage.
func (k *kueued) runs() (stage string) {
	k.Helper()
	k.until("grpo-six", "a stage runs", func(mix *datav1alpha1.DatasetMix) bool {
		for _, of := range mix.Status.Stages {
			if stage = of.Name; of.State == datav1alpha1.StageRunning {
				return true
			}
		}
		stage = ""
		return isReady(mix)
	})
	return stage
}

// published waits until the mix is Ready; no stage may have been tried twice, and no two may have fought over a Job.
func (k *kueued) published() *datav1alpha1.Published {
	k.Helper()
	mix := k.ready("grpo-six")
	for _, stage := range mix.Status.Stages {
		if stage.Attempt > 1 {
			k.Errorf("stage %s took %d attempts", stage.Name, stage.Attempt)
		}
	}
	k.quiet()
	k.never("Trying again", "Stalled=True")
	return mix.Status.Published
}

// workloads returns Kueue's objects of the Jobs.
func (k *kueued) workloads() []unstructured.Unstructured {
	k.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(workloadList)
	k.must(k.List(k.Context(), list, client.InNamespace(k.namespace)))
	return list.Items
}

// activate sets whether the Workloads may run.
func (k *kueued) activate(active bool) {
	k.Helper()
	for _, workload := range k.workloads() {
		before := workload.DeepCopy()
		k.must(unstructured.SetNestedField(workload.Object, active, "spec", "active"))
		k.must(k.Patch(k.Context(), &workload, client.MergeFrom(before)))
	}
}

// gone waits until no Job of the mix has work to do, and no Workload and no pod is left of one.
func (k *kueued) gone() {
	k.Helper()
	k.eventually("the Jobs are gone, and their Workloads and pods", func() bool {
		jobs, pods := &batchv1.JobList{}, &corev1.PodList{}
		k.must(k.List(k.Context(), jobs, client.InNamespace(k.namespace)))
		k.must(k.List(k.Context(), pods, client.InNamespace(k.namespace)))
		open := slices.ContainsFunc(jobs.Items, func(job batchv1.Job) bool { return job.Status.CompletionTime == nil })
		going := slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool {
			return pod.Status.Phase == corev1.PodPending || pod.Status.Phase == corev1.PodRunning
		})
		return !open && !going && len(k.workloads()) <= len(jobs.Items)
	})
}

// told counts the Events of the mix with a reason: the Job controller has Events of the same reasons for its Jobs.
func (k *kueued) told(reason string) int {
	k.Helper()
	events, err := k.clientset.EventsV1().Events(k.namespace).List(k.Context(), metav1.ListOptions{})
	k.must(err)
	count := 0
	for _, event := range events.Items {
		if event.Reason == reason && event.Regarding.Kind == "DatasetMix" {
			count++
		}
	}
	return count
}
