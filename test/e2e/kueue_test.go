package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestKueueDown: while Kueue's webhook is down, the condition has the API server's words; the build goes on when it is back, and what
// runs meanwhile runs on. It has Kueue for itself, before the other tests.
func TestKueueDown(t *testing.T) {
	k := besideKueue(t)
	k.room("q", "16Gi")
	k.kueue(0)
	t.Cleanup(func() { k.kueue(1) })
	k.inQueue("q")
	k.says("the webhook is missed", func(condition metav1.Condition) bool {
		return strings.Contains(condition.Message, "kueue-webhook-service")
	})
	k.kueue(1)
	if stage := k.runs(); stage == "" {
		t.Error("no stage was seen running")
	}
	k.kueue(0)
	time.Sleep(5 * time.Second)
	k.kueue(1)
	k.published()
}

// kueue starts or stops the manager of Kueue, and waits until its webhooks answer, or do not.
func (k *kueued) kueue(replicas int32) {
	k.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "kueue-system", Name: "kueue-controller-manager"}}
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	// The context of a test has ended when it is cleaned up.
	k.must(k.Patch(context.WithoutCancel(k.Context()), deployment, client.RawPatch(types.MergePatchType, patch)))
	probe := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, GenerateName: "probe-"}}
	probe.Spec.Template = corev1.PodTemplateSpec{Spec: restricted("", 1000, nil, "/reader").Spec}
	k.eventually(fmt.Sprintf("Kueue has %d pods", replicas), func() bool {
		again := probe.DeepCopy()
		err := k.Create(context.WithoutCancel(k.Context()), again, client.DryRunAll)
		return (err == nil) == (replicas > 0)
	})
}

// TestKueueAdmits: a mix that Kueue admits is the same to the byte as one in no queue, however its place is found: by a label, by the
// namespace's default queue, by Kueue's choice of a node.
func TestKueueAdmits(t *testing.T) {
	t.Parallel()
	integrations(t)
	plain := newCluster(t)
	plain.must(plain.Create(t.Context(), plain.sixDataSets()))
	want := plain.ready("grpo-six").Status.Published.Digest
	plain.object("{apiVersion: kueue.x-k8s.io/v1beta2, kind: Topology, metadata: {name: nodes}, spec: {levels: [{nodeLabel: kubernetes.io/hostname}]}}")
	plain.object("{apiVersion: kueue.x-k8s.io/v1beta2, kind: ResourceFlavor, metadata: {name: placed}, spec: {nodeLabels: {kubernetes.io/os: linux}, topologyName: nodes}}")
	for _, test := range []struct{ name, queue, label, flavor string }{
		{"a label", "q", "q", "any"},
		{"the queue named default", "default", "", "any"},
		{"a chosen node", "q", "q", "placed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := besideKueue(t)
			k.roomOf(test.queue, "16Gi", test.flavor)
			// Kueue chooses by what the node has left at that moment, and does not look again when other tests have ended.
			k.inQueue(test.label, worker(datav1alpha1.Worker{Resources: &datav1alpha1.Resources{Requests: &datav1alpha1.ResourceAmounts{CPU: ptr.To(resource.MustParse("10m"))}}}))
			if got := k.published().Digest; got != want {
				t.Errorf("the manifest is %s, without a queue %s", got, want)
			}
			jobs := &batchv1.JobList{}
			k.must(k.List(t.Context(), jobs, client.InNamespace(k.namespace)))
			for _, job := range jobs.Items {
				if job.Labels[datav1alpha1.LabelQueue] != test.queue {
					t.Errorf("Job %s is in queue %q", job.Name, job.Labels[datav1alpha1.LabelQueue])
				}
			}
		})
	}
}

// TestKueueWithoutRoom: the condition has Kueue's own words, and an edit of the worker is a way out.
func TestKueueWithoutRoom(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("small", "512Mi")
	k.inQueue("small")
	k.waits("waits to be admitted to queue small", "nsufficient quota for memory")
	if told := k.told(datav1alpha1.EventStageStarted); told != 0 {
		t.Errorf("%d Events say that a stage started", told)
	}
	k.change(worker(datav1alpha1.Worker{Parallelism: 1}))
	k.published()
}

// TestKueuePartialAdmission: with room for one pod of four, a mix that allows it is admitted.
func TestKueuePartialAdmission(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("small", "512Mi")
	k.inQueue("small", worker(datav1alpha1.Worker{MinParallelism: 1}))
	k.published()
}

// TestKueueCorrections: a queue and a priority that do not exist, and a name that none can have, are named; correcting them reaches the
// Job that waits.
func TestKueueCorrections(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("q", "16Gi")
	k.inQueue("nowhere")
	k.waits("waits to be admitted to queue nowhere", "LocalQueue nowhere doesn't exist")
	k.change(func(mix *datav1alpha1.DatasetMix) {
		labeled(datav1alpha1.LabelQueue, "q")(mix)
		labeled(datav1alpha1.LabelQueuePriority, "none-such")(mix)
	})
	k.waits("WorkloadPriorityClass none-such")
	k.change(labeled(datav1alpha1.LabelQueue, "No_Name"))
	k.says("the name is refused", func(condition metav1.Condition) bool {
		return strings.Contains(condition.Message, "No_Name") && condition.Reason != datav1alpha1.ReasonQueued
	})
	k.change(func(mix *datav1alpha1.DatasetMix) { mix.Labels = map[string]string{datav1alpha1.LabelQueue: "q"} })
	k.published()
}

// TestKueueHold: a queue that is held, and one that is drained, cost a build time and nothing else: neither its deadline nor a try.
func TestKueueHold(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("q", "16Gi")
	k.stop("Hold")
	const deadline = 60 * time.Second
	k.inQueue("q", worker(datav1alpha1.Worker{ActiveDeadlineSeconds: int64(deadline.Seconds())}))
	k.waits("waits to be admitted to queue q")
	time.Sleep(deadline + 5*time.Second)
	k.stop("None")
	k.runs()
	k.stop("HoldAndDrain")
	k.waits("waits to be admitted to queue q")
	k.stop("None")
	k.published()
}

// TestKueuePreempts: each stage gives its place to work of a higher priority, and goes on when that has ended, with no try lost.
func TestKueuePreempts(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.taken = 1
	k.room("q", "4Gi")
	k.object("{apiVersion: kueue.x-k8s.io/v1beta2, kind: WorkloadPriorityClass, metadata: {name: urgent}, value: 1000}")
	k.inQueue("q")
	preempted := map[string]bool{}
	for {
		var stage string
		k.until("grpo-six", "the next stage runs", func(mix *datav1alpha1.DatasetMix) bool {
			next := slices.IndexFunc(mix.Status.Stages, func(of datav1alpha1.StageStatus) bool {
				return of.State == datav1alpha1.StageRunning && !preempted[of.Name]
			})
			if stage = ""; next >= 0 {
				stage = mix.Status.Stages[next].Name
			}
			return next >= 0 || isReady(mix)
		})
		if stage == "" {
			break
		}
		urgent := k.urgent("4Gi")
		k.until("grpo-six", "the stage gives way, or is done", func(mix *datav1alpha1.DatasetMix) bool {
			condition := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReconciling)
			return isReady(mix) || condition != nil && condition.Reason == datav1alpha1.ReasonQueued
		})
		preempted[stage] = true
		k.must(k.Delete(t.Context(), urgent, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	}
	evictions := 0
	k.mu.Lock()
	for _, versions := range k.versions {
		if len(versions) > 2 { // made, admitted, taken back
			evictions++
		}
	}
	k.mu.Unlock()
	if t.Logf("stages %v gave way, %d Jobs were taken back", preempted, evictions); evictions == 0 {
		t.Error("no Job was taken back")
	}
	k.published()
}

// urgent returns a Job that takes the whole queue, and never gets a node.
func (k *kueued) urgent(memory string) *batchv1.Job {
	k.Helper()
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, GenerateName: "urgent-", Labels: map[string]string{
			datav1alpha1.LabelQueue: "q", datav1alpha1.LabelQueuePriority: "urgent",
		}},
		Spec: batchv1.JobSpec{Suspend: ptr.To(true), Template: corev1.PodTemplateSpec{Spec: restricted("", 1000, nil, "/reader").Spec}},
	}
	spec := &job.Spec.Template.Spec
	spec.NodeSelector = map[string]string{"there-is": "none"}
	spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
	k.must(k.Create(k.Context(), job))
	return job
}

// TestKueueDeactivates: a Workload that a person deactivates is named, whether its Job waited for the queue or for a node, and goes on when
// it is active again.
func TestKueueDeactivates(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("small", "512Mi")
	k.inQueue("small")
	k.waits("nsufficient quota")
	k.activate(false)
	k.waits("is deactivated", "set spec.active of it to true")
	k.activate(true)
	k.waits("nsufficient quota")
	k.change(worker(datav1alpha1.Worker{Parallelism: 1, NodeSelector: map[string]string{"there-is": "none"}}))
	k.says("no node fits", func(condition metav1.Condition) bool { return condition.Reason == datav1alpha1.ReasonWaitingForPods })
	k.activate(false)
	k.waits("is deactivated", "set spec.active of it to true")
	k.change(worker(datav1alpha1.Worker{Parallelism: 1}))
	k.published()
}

// TestKueueSuspend: a mix that is suspended, queued or with pods that run, gives its place up, and nothing says that it goes on before
// it does.
func TestKueueSuspend(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("q", "16Gi")
	k.stop("Hold")
	k.inQueue("q")
	k.waits("waits to be admitted to queue q")
	for times, state := range []string{"queued", "admitted"} {
		k.change(suspended(true))
		k.until("grpo-six", "Suspended", func(mix *datav1alpha1.DatasetMix) bool {
			condition := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
			return condition != nil && condition.Reason == datav1alpha1.ReasonSuspended
		})
		k.gone()
		time.Sleep(3 * time.Second)
		if told := k.told(datav1alpha1.EventResumed); told != times {
			t.Errorf("%s: %d Events say that a mix goes on, want %d", state, told, times)
		}
		k.stop("None")
		k.change(suspended(false))
		k.runs()
	}
	k.published()
	if told := k.told(datav1alpha1.EventResumed); told != 2 {
		t.Errorf("%d Events say that the mix goes on, want 2", told)
	}
	k.never("Waiting for the pods of an earlier build")
}

// TestKueueForgets: a mix that is deleted leaves nothing, queued or in mid-stage; one whose Workload a person deletes goes on, and nothing
// failed; and one whose namespace goes stalls not even for a moment.
func TestKueueForgets(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("q", "16Gi")
	mix := k.sixDataSets()
	for _, queued := range []bool{true, false} {
		k.stop(map[bool]string{true: "Hold", false: "None"}[queued])
		k.inQueue("q")
		if queued {
			k.waits("waits to be admitted to queue q")
		} else {
			k.runs()
		}
		began := time.Now()
		k.must(k.Delete(t.Context(), mix.DeepCopy()))
		k.eventually("the mix is gone", func() bool { return k.Get(t.Context(), client.ObjectKeyFromObject(mix), mix.DeepCopy()) != nil })
		k.gone()
		if left := len(k.workloads()); left > 0 {
			t.Errorf("queued %v: %d Workloads are left", queued, left)
		}
		t.Logf("queued %v: everything is gone after %s", queued, time.Since(began).Round(100*time.Millisecond))
	}
	k.inQueue("q")
	k.runs()
	for _, workload := range k.workloads() {
		k.must(client.IgnoreNotFound(k.Delete(t.Context(), &workload)))
	}
	k.published()

	k.change(func(mix *datav1alpha1.DatasetMix) { *mix.Spec.Seed++ })
	k.runs()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: k.namespace}}
	began := time.Now()
	k.must(k.Delete(t.Context(), namespace))
	k.eventually("the namespace is gone", func() bool { return k.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace) != nil })
	t.Logf("the namespace is gone after %s", time.Since(began).Round(100*time.Millisecond))
	k.never("Stalled=True")
}

// TestKueueHoldsUnlabeledJobs: where Kueue looks after Jobs without a queue, a mix without a label is queued, no two fight over its
// Job, and a label is the way out.
func TestKueueHoldsUnlabeledJobs(t *testing.T) {
	t.Parallel()
	k := besideKueue(t)
	k.room("q", "16Gi")
	k.inQueue("")
	k.waits("is suspended, and not by the operator")
	time.Sleep(31 * time.Second)
	k.waits("is suspended, and not by the operator", "label the mix with "+datav1alpha1.LabelQueue)
	jobs, pods := &batchv1.JobList{}, &corev1.PodList{}
	k.must(k.List(t.Context(), jobs, client.InNamespace(k.namespace)))
	k.must(k.List(t.Context(), pods, client.InNamespace(k.namespace)))
	if len(jobs.Items) != 1 || len(pods.Items) != 0 {
		t.Fatalf("after 31 s there are %d Jobs and %d pods", len(jobs.Items), len(pods.Items))
	}
	t.Logf("after 31 s the Job has generation %d", jobs.Items[0].Generation)
	k.quiet()
	k.change(labeled(datav1alpha1.LabelQueue, "q"))
	k.published()
}
