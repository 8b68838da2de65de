package envtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
)

// driver is the Job controller, the garbage collector and the kubelet of one namespace: it makes the pods of each Job, lets
// a worker of the test's write their termination messages, ends the Jobs and removes the pods of Jobs that are gone.
type driver struct {
	t         *testing.T
	namespace string

	mutex sync.Mutex
	// work is what the workers do; see worker.
	work func(task contract.Task, unit pipeline.Node) ending
	// started has every Job that was ever seen: a map from its name to its stage.
	started map[string]pipeline.Stage
	// built has the names of the units that were run, by stage.
	built map[pipeline.Stage][]string
}

// ending is how a pod ends.
type ending struct {
	// code is the exit code, message the termination message.
	code    int32
	message string
	// hang keeps the pod running.
	hang bool
	// reason of the container's end, OOMKilled for example.
	reason string
}

func newDriver(t *testing.T, namespace string) *driver {
	t.Helper()
	d := &driver{t: t, namespace: namespace, work: worker, started: map[string]pipeline.Stage{}, built: map[pipeline.Stage][]string{}}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			d.pass(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(interval / 2):
			}
		}
	})
	t.Cleanup(func() { stop(); group.Wait() })
	return d
}

// does changes what the workers do.
func (d *driver) does(work func(task contract.Task, unit pipeline.Node) ending) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.work = work
}

// ran lists the units of a stage that were run since the last call of forget, sorted.
func (d *driver) ran(stage pipeline.Stage) []string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return slices.Sorted(slices.Values(d.built[stage]))
}

func (d *driver) forget() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.built = map[pipeline.Stage][]string{}
	d.started = map[string]pipeline.Stage{}
}

// jobs lists the names of the Jobs that were started since the last call of forget, sorted.
func (d *driver) jobs() []string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return slices.Sorted(maps.Keys(d.started))
}

func (d *driver) pass(ctx context.Context) {
	jobs, pods := &batchv1.JobList{}, &corev1.PodList{}
	if api.List(ctx, jobs, client.InNamespace(d.namespace)) != nil || api.List(ctx, pods, client.InNamespace(d.namespace)) != nil {
		return
	}
	known := map[string]bool{}
	for i := range jobs.Items {
		job := &jobs.Items[i]
		known[string(job.UID)] = true
		if err := d.drive(ctx, job, pods.Items); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			d.t.Errorf("driving Job %s: %v", job.Name, err)
		}
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if owner := metav1.GetControllerOf(pod); owner != nil && !known[string(owner.UID)] {
			_ = api.Delete(ctx, pod, client.GracePeriodSeconds(0))
		}
	}
}

// drive brings one Job a step further.
func (d *driver) drive(ctx context.Context, job *batchv1.Job, pods []corev1.Pod) error {
	if slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed
	}) || !job.DeletionTimestamp.IsZero() {
		return nil
	}
	if ptr.Deref(job.Spec.Suspend, false) {
		for i := range pods {
			if metav1.IsControlledBy(&pods[i], job) && pods[i].Status.Phase == corev1.PodRunning {
				_ = api.Delete(ctx, &pods[i], client.GracePeriodSeconds(0))
			}
		}
		return nil
	}
	task, err := d.task(ctx, job)
	if err != nil {
		return err
	}
	succeeded, failed := 0, 0
	permanent := false
	for index, unit := range task.Nodes[:podsOf(task)] {
		end, err := d.pod(ctx, job, task, index, unit, pods)
		if err != nil {
			return err
		}
		switch {
		case end.hang:
		case end.code == 0:
			succeeded++
		default:
			failed++
			permanent = permanent || slices.Contains(job.Spec.PodFailurePolicy.Rules[1].OnExitCodes.Values, end.code)
		}
	}
	return d.status(ctx, job, podsOf(task), succeeded, failed, permanent)
}

func (d *driver) task(ctx context.Context, job *batchv1.Job) (contract.Task, error) {
	config := &corev1.ConfigMap{}
	if err := api.Get(ctx, client.ObjectKeyFromObject(job), config); err != nil {
		return contract.Task{}, err
	}
	task, err := contract.ParseTask([]byte(config.Data["task.json"]))
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.started[job.Name] = task.Stage
	return task, err
}

// pod runs the pod of one index, and tells how it ended.
func (d *driver) pod(ctx context.Context, job *batchv1.Job, task contract.Task, index int, unit pipeline.Node, pods []corev1.Pod) (ending, error) {
	name := fmt.Sprintf("%s-%d", job.Name, index)
	for _, pod := range pods {
		if pod.Name == name && pod.Status.Phase != corev1.PodRunning && len(pod.Status.ContainerStatuses) > 0 {
			ended := pod.Status.ContainerStatuses[0].State.Terminated
			return ending{code: ended.ExitCode, message: ended.Message}, nil
		}
	}
	if _, err := task.Node(index); err != nil {
		d.t.Errorf("a worker would refuse index %d of Job %s: %v", index, job.Name, err)
	}
	d.mutex.Lock()
	work := d.work
	d.mutex.Unlock()
	end := ending{}
	if task.Chain {
		end = chain(task, work, d.ended)
	} else {
		end = work(task, unit)
	}

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       d.namespace,
			Name:            name,
			Labels:          maps.Clone(job.Spec.Template.Labels),
			Annotations:     map[string]string{batchv1.JobCompletionIndexAnnotation: strconv.Itoa(index)},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: job.Spec.Template.Spec,
	}
	pod.Labels[batchv1.JobNameLabel] = job.Name
	if err := api.Create(ctx, pod); apierrors.IsAlreadyExists(err) {
		err = api.Get(ctx, client.ObjectKeyFromObject(pod), pod)
		if err != nil {
			return ending{}, err
		}
	} else if err != nil {
		return ending{}, err
	}
	if !end.hang && !task.Chain {
		d.ended(task.Stage, unit)
	}
	pod.Status = end.status()
	return end, api.Status().Update(ctx, pod)
}

func (d *driver) ended(stage pipeline.Stage, unit pipeline.Node) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.built[stage] = append(d.built[stage], unit.Name)
}

// chain lets the worker of one pod build the units of a stage and of all later ones, until one of them does not end well. done is told
// of each.
func chain(task contract.Task, work func(contract.Task, pipeline.Node) ending, done func(pipeline.Stage, pipeline.Node)) ending {
	task.Results = maps.Clone(task.Results)
	var told contract.Message
	for {
		graph, err := pipeline.Walk(task.Recipe, task.Results)
		if err != nil {
			told.Failure = &contract.FailureNote{Reason: contract.InvalidTask, Message: err.Error()}
			return said(told, int32(contract.InvalidTask.ExitCode()))
		}
		step := graph.Next()
		if step == nil {
			return said(told, 0)
		}
		task.Stage = step.Stage
		for _, unit := range step.Missing {
			told.Stage, told.Node = step.Stage, unit
			end := work(task, unit)
			if end.hang {
				return end
			}
			done(step.Stage, unit)
			message, err := contract.ParseMessage([]byte(end.message))
			if err != nil {
				return end
			}
			if told.Failure = message.Failure; told.Failure != nil {
				return said(told, end.code)
			}
			told.Results = append(told.Results, contract.NodeResult{Node: unit, Result: *message.Result})
			task.Results[unit.Key] = *message.Result
		}
	}
}

// podsOf returns how many pods work at a task.
func podsOf(task contract.Task) int {
	if task.Chain {
		return 1
	}
	return len(task.Nodes)
}

func said(message contract.Message, code int32) ending {
	encoded, err := message.Encode()
	if err != nil {
		panic(err)
	}
	return ending{code: code, message: string(encoded)}
}

func (e ending) status() corev1.PodStatus {
	container := corev1.ContainerStatus{Name: contract.ContainerName, Image: workerImage, ImageID: workerImage}
	switch {
	case e.hang:
		container.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.Now()}
		return corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{container}}
	default:
		container.State.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: e.code, Message: e.message, Reason: e.reason, StartedAt: metav1.Now(), FinishedAt: metav1.Now(),
		}
	}
	phase := corev1.PodSucceeded
	if e.code != 0 {
		phase = corev1.PodFailed
	}
	return corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{container}}
}

// status writes a Job's status as the Job controller does. Retries of single indices are left out: a pod that fails with a
// transient code fails its Job, as when all retries are used up.
func (d *driver) status(ctx context.Context, job *batchv1.Job, total, succeeded, failed int, permanent bool) error {
	changed := job.DeepCopy()
	changed.Status = jobStatus(job, total, succeeded, failed, permanent)
	if err := api.Status().Update(ctx, changed); err != nil {
		return fmt.Errorf("status of Job: %w", err)
	}
	return nil
}

// jobStatus returns that of a Job, so many pods of which succeeded and failed.
func jobStatus(job *batchv1.Job, total, succeeded, failed int, permanent bool) batchv1.JobStatus {
	status := job.Status.DeepCopy()
	now := metav1.Now()
	if status.StartTime == nil {
		status.StartTime = &now
	}
	status.Succeeded, status.Failed = int32(succeeded), int32(failed)
	status.Active = int32(total - succeeded - failed)
	status.Ready, status.Terminating = ptr.To[int32](0), ptr.To[int32](0)
	status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
	end := func(reason string, kinds ...batchv1.JobConditionType) {
		status.Active = 0
		for _, kind := range kinds {
			status.Conditions = append(status.Conditions, batchv1.JobCondition{
				Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastProbeTime: now, LastTransitionTime: now,
			})
		}
	}
	switch {
	case succeeded == total:
		status.CompletionTime = &now
		status.CompletedIndexes = indexes(total)
		end(batchv1.JobReasonCompletionsReached, batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	case permanent:
		end(batchv1.JobReasonPodFailurePolicy, batchv1.JobFailureTarget, batchv1.JobFailed)
	case failed > 0 && succeeded+failed == total:
		end(batchv1.JobReasonFailedIndexes, batchv1.JobFailureTarget, batchv1.JobFailed)
	}
	return *status
}

func indexes(total int) string {
	if total == 1 {
		return "0"
	}
	return fmt.Sprintf("0-%d", total-1)
}

// rows are those of the six data sets as they are published.
var rows = map[string]int64{
	"gsm8k": 7473, "math": 7500, "squad2": 87599, "hotpotqa": 88966, "humaneval": 164, "mbpp": 427,
}

// worker reports what the six data sets come to; it needs no data for it.
func worker(task contract.Task, unit pipeline.Node) ending {
	return reports(task, unit, result(task, unit))
}

func reports(task contract.Task, unit pipeline.Node, result pipeline.Result) ending {
	message, err := contract.Message{Stage: task.Stage, Node: unit, Result: &result}.Encode()
	if err != nil {
		return fails(task, unit, contract.WorkerFailed, err.Error())
	}
	return ending{message: string(message)}
}

func fails(task contract.Task, unit pipeline.Node, reason contract.Reason, text string) ending {
	message, err := contract.Message{Stage: task.Stage, Node: unit, Failure: &contract.FailureNote{Reason: reason, Message: text}}.Encode()
	if err != nil {
		panic(err)
	}
	return ending{code: int32(reason.ExitCode()), message: string(message)}
}

func result(task contract.Task, unit pipeline.Node) pipeline.Result {
	switch task.Stage {
	case pipeline.StageDownload:
		return pipeline.Result{Download: &pipeline.DownloadResult{Revision: "0123456789", License: "mit", Files: 1, Bytes: 1000, Digest: "d" + unit.Key[:8]}}
	case pipeline.StageSplit:
		test := (rows[unit.Name] + 3) / 6 // the nearest, a half up: what 5:1 comes to
		return pipeline.Result{Split: &pipeline.SplitResult{
			Read: rows[unit.Name] + 1, Dropped: map[string]int64{"empty": 1},
			Rows: []int64{rows[unit.Name] - test, test}, Bytes: 1000, Digest: "s" + unit.Key[:8],
		}}
	case pipeline.StageBalance:
		planned := planOf(task, pipeline.BalanceResult{})
		return pipeline.Result{Balance: &pipeline.BalanceResult{Plan: planned.Digest()}}
	case pipeline.StageMix:
		balance, _ := walked(task).Step(pipeline.StageBalance)
		shard, _ := task.Recipe.Shard(unit.Name)
		split, _ := planOf(task, *task.Results[balance.Nodes[0].Key].Balance).Split(shard.Split)
		return pipeline.Result{Mix: &pipeline.MixResult{Rows: split.Rows / int64(shard.Count), Bytes: 10 * split.Rows, Digest: "m" + unit.Key[:8]}}
	default:
		return pipeline.Result{Publish: &pipeline.PublishResult{Revision: pipeline.RevisionName(unit.Key), Digest: "p" + unit.Key[:8], Bytes: 12345, Files: 20}}
	}
}

func walked(task contract.Task) pipeline.Graph {
	graph, err := pipeline.Walk(task.Recipe, task.Results)
	if err != nil {
		panic(err)
	}
	return graph
}

func planOf(task contract.Task, balanced pipeline.BalanceResult) plan.Plan {
	plan, err := plan.New(task.Recipe, pipeline.Remaining(task.Recipe, walked(task).Results(task.Results), balanced))
	if err != nil {
		encoded, _ := json.Marshal(task)
		panic(fmt.Sprintf("%v: %s", err, encoded))
	}
	return plan
}
