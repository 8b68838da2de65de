package controllers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/status"
)

// workloadCondition returns the condition of a Workload.
func workloadCondition(kind, status, message string) any {
	return map[string]any{"type": kind, "status": status, "message": message, "reason": "R", "lastTransitionTime": "2026-01-01T00:00:00Z"}
}

// TestAdmission: what is said of a Job that waits, by what the manager can learn, and when it asks again.
func TestAdmission(t *testing.T) {
	kind := schema.GroupVersionKind{Group: "kueue.x-k8s.io", Version: "v1beta2", Kind: "Workload"}
	workload := func(spec map[string]any, status map[string]any) *unstructured.Unstructured {
		object := &unstructured.Unstructured{Object: map[string]any{"spec": spec, "status": status}}
		object.SetGroupVersionKind(kind)
		object.SetNamespace("n")
		object.SetName("job-j")
		object.SetLabels(map[string]string{datav1alpha1.LabelJobUID: "ju"})
		return object
	}
	conditions := func(all ...any) map[string]any { return map[string]any{"conditions": all} }
	queued := map[string]string{datav1alpha1.LabelQueue: "q"}
	priority := map[string]string{datav1alpha1.LabelQueue: "q", datav1alpha1.LabelQueuePriority: "high"}
	tests := []struct {
		name     string
		labels   map[string]string
		workload *unstructured.Unstructured
		waited   time.Duration
		without  bool // Kueue
		refusal  error
		want     string
		again    time.Duration
	}{
		{name: "no Kueue, a queue", labels: queued, without: true, want: "This cluster has no Kueue, which would admit it."},
		{name: "no Kueue, no queue", without: true, want: "It goes on when it is resumed."},
		{name: "no right", labels: queued, refusal: apierrors.NewForbidden(schema.GroupResource{Resource: "workloads"}, "", nil),
			want: "Its Workload says why: kubectl describe workloads -n n -l kueue.x-k8s.io/job-uid=ju"},
		{name: "its webhook is down", labels: queued, refusal: apierrors.NewInternalError(errors.New("no endpoints")), waited: 20 * time.Second,
			want: "Kueue cannot be asked why: Internal error occurred: no endpoints.", again: 20 * time.Second},
		{name: "just made", labels: queued, again: time.Second},
		{name: "no Workload", labels: queued, waited: time.Hour, again: time.Minute,
			want: "Kueue has made no Workload for it: see that Kueue runs, and that it looks after this namespace."},
		{name: "no Workload, a priority", labels: priority, waited: 30 * time.Second, again: 30 * time.Second,
			want: "Kueue has made no Workload for it: see that the WorkloadPriorityClass high exists, and that Kueue runs."},
		{name: "no room", labels: queued, waited: 2 * time.Second, again: 2 * time.Second,
			workload: workload(map[string]any{"queueName": "q"}, conditions(workloadCondition("QuotaReserved", "False", "couldn't assign flavors: insufficient quota"))),
			want:     "Workload job-j: Couldn't assign flavors: insufficient quota."},
		{name: "no queue", waited: 2 * time.Second, again: 2 * time.Second,
			workload: workload(map[string]any{}, conditions(workloadCondition("QuotaReserved", "False", "LocalQueue  doesn't exist"))),
			want:     "Workload job-j: LocalQueue  doesn't exist. The Job is in no queue: label the mix with kueue.x-k8s.io/queue-name."},
		{name: "deactivated", labels: queued, waited: 2 * time.Second, again: 2 * time.Second,
			workload: workload(map[string]any{"queueName": "q", "active": false}, conditions(workloadCondition("QuotaReserved", "False", "x"), workloadCondition("Evicted", "True", "by hand"))),
			want:     "Its Workload job-j is deactivated (by hand): set spec.active of it to true to go on."},
		{name: "a check", labels: queued, waited: 2 * time.Second, again: 2 * time.Second,
			workload: workload(map[string]any{"queueName": "q"}, map[string]any{
				"conditions":      []any{workloadCondition("QuotaReserved", "True", "x")},
				"admissionChecks": []any{map[string]any{"name": "a", "state": "Ready"}, map[string]any{"name": "provision", "state": "Pending", "message": "no machine yet"}},
			}), want: "Workload job-j: admission check provision is Pending (no machine yet)."},
		{name: "being admitted", labels: queued, waited: 2 * time.Second, again: 2 * time.Second,
			workload: workload(map[string]any{"queueName": "q"}, conditions(workloadCondition("QuotaReserved", "True", "x")))},
		{name: "another Job's", labels: queued, waited: time.Minute, again: time.Minute,
			workload: func() *unstructured.Unstructured {
				other := workload(map[string]any{"queueName": "q"}, conditions(workloadCondition("QuotaReserved", "False", "x")))
				other.SetLabels(map[string]string{datav1alpha1.LabelJobUID: "other"})
				return other
			}(), want: "Kueue has made no Workload for it: see that Kueue runs, and that it looks after this namespace."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mapper := apimeta.NewDefaultRESTMapper([]schema.GroupVersion{kind.GroupVersion()})
			scheme := Scheme()
			if !test.without {
				mapper.Add(kind, apimeta.RESTScopeNamespace)
			}
			builder := fake.NewClientBuilder().WithScheme(scheme).WithRESTMapper(mapper).WithInterceptorFuncs(interceptor.Funcs{
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
					if test.refusal != nil {
						return test.refusal
					}
					return c.List(ctx, list, options...)
				},
			})
			if test.workload != nil {
				builder = builder.WithObjects(test.workload)
			} else {
				scheme.AddKnownTypeWithName(kind.GroupVersion().WithKind("WorkloadList"), &unstructured.UnstructuredList{})
			}
			c := builder.Build()
			made := fixture.At(0)
			r := runner{objects: objects{cache: c, live: c}, clock: clocktesting.NewFakePassiveClock(made.Add(test.waited))}
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "j", UID: "ju", Labels: test.labels, CreationTimestamp: made}}
			s := &scope{}
			if got := r.admission(t.Context(), s, job); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if s.askAgain != test.again {
				t.Errorf("asks again after %s, want %s", s.askAgain, test.again)
			}
		})
	}
}

// TestHeldJob: a Job that another client suspends remains suspended, whatever its labels; its stage is queued and has not started.
func TestHeldJob(t *testing.T) {
	for _, label := range []string{"", "q"} {
		w := newWorld(t)
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Labels = map[string]string{datav1alpha1.LabelQueue: label} })
		w.reconcileAll()
		job := w.onlyJob()
		w.hold(job, true)
		w.reconcileAll()
		if job = w.onlyJob(); !jobs.Held(job) {
			t.Fatalf("queue %q: the manager resumed what somebody else suspended", label)
		}
		mix := w.mix()
		if got := status.Condition(mix, datav1alpha1.ConditionReconciling); got.Reason != datav1alpha1.ReasonQueued {
			t.Errorf("queue %q: %s: %s", label, got.Reason, got.Message)
		}
		if stage := mix.Status.Stages[0]; stage.State != datav1alpha1.StageQueued || stage.StartTime != nil {
			t.Errorf("queue %q: stage %s is %s since %v", label, stage.Name, stage.State, stage.StartTime)
		}
		w.hold(job, false)
		w.reconcileAll()
		if stage := w.mix().Status.Stages[0]; stage.State != datav1alpha1.StageRunning || !stage.StartTime.Equal(ptr.To(fixture.At(resumedAt))) {
			t.Errorf("queue %q: stage %s is %s since %v, want since it was resumed", label, stage.Name, stage.State, stage.StartTime)
		}
	}
}

// TestEditsReachQueuedJobs: a Job that waits is made again when the mix asks for another queue, priority or worker, with another
// name and the same attempt, and left where it is by an edit of anything else; one that runs is left alone.
func TestEditsReachQueuedJobs(t *testing.T) {
	label := func(name, value string) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) { mix.Labels[name] = value }
	}
	tests := []struct {
		name  string
		edit  func(*datav1alpha1.DatasetMix)
		again bool
	}{
		{name: "the queue", edit: label(datav1alpha1.LabelQueue, "other"), again: true},
		{name: "no queue", edit: func(mix *datav1alpha1.DatasetMix) { mix.Labels = nil }, again: true},
		{name: "the priority", edit: label(datav1alpha1.LabelQueuePriority, "low"), again: true},
		{name: "parallelism", edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{Parallelism: 1} }, again: true},
		{name: "partial admission", edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{MinParallelism: 1} }, again: true},
		{name: "nodes", edit: func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Worker = &datav1alpha1.Worker{NodeSelector: map[string]string{"a": "b"}}
		}, again: true},
		{name: "another label", edit: label("team", "x")},
		{name: "a ratio", edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[0].Share.Set(7) }},
		{name: "the seed", edit: func(mix *datav1alpha1.DatasetMix) { *mix.Spec.Seed++ }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, waits := range []bool{true, false} {
				w := newWorld(t)
				w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Labels = map[string]string{datav1alpha1.LabelQueue: "q"} })
				w.reconcileAll()
				before := w.onlyJob()
				if !waits {
					w.hold(before, false)
				}
				w.edit(test.edit)
				w.reconcileAll()
				after := w.onlyJob()
				if again := after.UID != before.UID; again != (test.again && waits) {
					t.Errorf("waits %v: made again %v", waits, again)
				}
				if again := after.Name != before.Name; again != (test.again && waits) || jobs.Attempt(after) != 1 {
					t.Errorf("waits %v: Job %s, attempt %d, was %s", waits, after.Name, jobs.Attempt(after), before.Name)
				}
			}
		})
	}
}

// TestSuspendNeverResumes: suspending a mix whose Job runs deletes the Job, and while its pods end nothing says that the build goes on.
func TestSuspendNeverResumes(t *testing.T) {
	w := newWorld(t)
	w.reconcileAll()
	job := w.onlyJob()
	running := fixture.NewPod(job.Name + "-0")
	running.Namespace, running.Labels = job.Namespace, job.Spec.Template.Labels
	running.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
	running.Status.Phase = corev1.PodRunning
	if err := w.client.Create(t.Context(), &running.Pod); err != nil {
		t.Fatal(err)
	}
	w.reconcileAll()
	w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
	w.reconcileAll()
	if jobs := w.jobs(); len(jobs) != 0 {
		t.Errorf("%d Jobs of a mix that is suspended", len(jobs))
	}
	if got := status.Condition(w.mix(), datav1alpha1.ConditionReady); got.Reason != datav1alpha1.ReasonSuspended {
		t.Errorf("%s: %s", got.Reason, got.Message)
	}
	told := w.events()
	if slices.ContainsFunc(told, func(event string) bool { return strings.Contains(event, datav1alpha1.EventResumed) }) {
		t.Errorf("events: %q", told)
	}
	suspensions := slices.DeleteFunc(told, func(event string) bool { return !strings.HasPrefix(event, "Normal Suspended ") })
	if len(suspensions) != 1 {
		t.Errorf("events: %q", suspensions)
	}
	if err := w.client.Delete(t.Context(), &running.Pod); err != nil {
		t.Fatal(err)
	}
	w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = nil })
	w.reconcileAll()
	if !slices.ContainsFunc(w.events(), func(event string) bool { return strings.HasPrefix(event, "Normal Resumed ") }) || len(w.jobs()) != 1 {
		t.Error("the mix did not go on")
	}
}

// TestGoingNamespaceStallsNothing: a claim that goes with its namespace is no claim that a person deleted.
func TestGoingNamespaceStallsNothing(t *testing.T) {
	for _, going := range []bool{true, false} {
		w := newWorld(t)
		w.reconcileAll()
		claim := &corev1.PersistentVolumeClaim{}
		w.get(client.ObjectKey{Namespace: worldKey.Namespace, Name: "c"}, claim)
		claim.Finalizers = []string{"kubernetes.io/pvc-protection"}
		if err := w.client.Update(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		if err := w.client.Delete(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		w.leaving = going
		w.reconcileAll()
		want := map[bool]string{true: datav1alpha1.ReasonProgressing, false: datav1alpha1.ReasonVolumeUnusable}[going]
		if got := status.Condition(w.mix(), datav1alpha1.ConditionReady); got.Reason != want {
			t.Errorf("the namespace goes %v: %s: %s", going, got.Reason, got.Message)
		}
		if diff := cmp.Diff(map[bool]int{true: 0, false: 1}[going], len(w.jobs())); going && diff != "" {
			t.Errorf("Jobs of a namespace that goes (-want +got):\n%s", diff)
		}
	}
}
