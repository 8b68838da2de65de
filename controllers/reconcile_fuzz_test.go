package controllers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// FuzzReconcile: whatever Jobs and pods look like, and whoever deletes what, a pass neither panics nor fails, the conditions stay
// those of kstatus, and once nothing changes any more nothing is written. Each byte of the input is one thing that happens.
func FuzzReconcile(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0})                            // a build
	f.Add([]byte{0, 0, 2, 0, 0, 0, 0, 0})                   // Jobs are lost
	f.Add([]byte{1, 16, 6, 0, 0, 0, 0, 0})                  // a failure, and an edit
	f.Add([]byte{0, 7, 0, 7, 0, 3, 0, 4, 0, 0, 0})          // suspended, resumed, results lost
	f.Add([]byte{33, 49, 65, 81, 97, 113, 129, 145})        // odd ends of pods
	f.Add([]byte{5, 21, 37, 53, 69, 85, 0, 0})              // odd states of Jobs
	f.Add([]byte("\x00\x00\x03\xe8EU\x00\x00"))             // a Job that counts less than nothing
	f.Add([]byte("\x00900"))                                // the same built again in another folder
	f.Add([]byte{14, 14, 14, 14, 14, 15})                   // the Job controller is behind all the time
	f.Add([]byte{14, 31, 14, 6, 14, 15, 14, 2, 14, 0})      // Jobs fail that have told everything; an edit; a Job is lost
	f.Add([]byte{26, 0, 0, 0, 0, 0, 42, 0, 0, 0})           // a limit that no plan meets, and a higher one
	f.Add([]byte{11, 27, 0, 11, 12, 28, 11, 0, 0, 0, 0, 0}) // held at once, resumed, another queue
	f.Add([]byte{28, 27, 0, 11, 0, 13, 27, 0, 7, 7, 0, 0})  // a queue, admitted, taken back, another worker, suspended and resumed
	f.Add([]byte{0, 0, 113, 0, 0})                          // a chain ends after its first stage
	f.Add([]byte{0, 0, 241, 8, 14, 15, 0, 0})               // after its second; an edit of the ratio
	f.Fuzz(func(t *testing.T, happenings []byte) {
		w := newWorld(t)
		w.reconcileAll()
		for _, happening := range happenings[:min(len(happenings), 24)] {
			w.happen(happening)
			w.reconcileAll()
		}
	})
}

// reconcileAll passes until nothing is written, which must be soon.
func (w *world) reconcileAll() {
	w.t.Helper()
	const passes = 8 // at most: a conflict, a Job ended, a task, a Job, a status, and what follows
	for range passes {
		before, holds := w.versions(), w.holds()
		w.passing = true
		result, err := w.reconciler.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: worldKey})
		if w.passing = false; err != nil {
			w.t.Fatalf("a pass failed: %v", err)
		}
		w.check()
		w.checkJobs()
		w.checkHolds(holds)
		if w.versions() == before && result.RequeueAfter == 0 {
			return
		}
	}
	w.t.Fatalf("the passes never come to an end: %s", w.versions())
}

// check compares the status with what kstatus and the conventions for conditions allow.
func (w *world) check() {
	w.t.Helper()
	mix := &datav1alpha1.DatasetMix{}
	w.get(worldKey, mix)
	is := func(kind string) bool { return apimeta.IsStatusConditionTrue(mix.Status.Conditions, kind) }
	ready, reconciling, stalled := is(datav1alpha1.ConditionReady), is(datav1alpha1.ConditionReconciling), is(datav1alpha1.ConditionStalled)
	want := kstatus.InProgressStatus
	switch {
	case ready && !reconciling && !stalled && mix.Status.Published != nil:
		want = kstatus.CurrentStatus
	case stalled && !reconciling && apimeta.IsStatusConditionFalse(mix.Status.Conditions, datav1alpha1.ConditionReady):
		want = kstatus.FailedStatus
	case ready || stalled:
		w.t.Fatalf("contradicting conditions: %+v", mix.Status.Conditions)
	}
	if got := fixture.KStatus(mix); got != want {
		w.t.Fatalf("kstatus: got %s, want %s: %+v", got, want, mix.Status)
	}
	for _, stage := range mix.Status.Stages {
		if *stage.Done < 0 || *stage.Done > *stage.Total {
			w.t.Fatalf("stage %s: %d of %d done", stage.Name, *stage.Done, *stage.Total)
		}
	}
}

// checkJobs checks that no two Jobs build the same at one place in the same attempt, and at most one of them has work to do.
func (w *world) checkJobs() {
	w.t.Helper()
	attempts, running := map[string]bool{}, 0
	for _, job := range w.jobs() {
		one := fmt.Sprint(
			job.Annotations[datav1alpha1.AnnotationLocation], " ", job.Annotations[datav1alpha1.AnnotationUnits], " ", job.Annotations[datav1alpha1.AnnotationChain], " ", job.Annotations[datav1alpha1.AnnotationAttempt])
		if attempts[one] {
			w.t.Fatalf("two Jobs for %s", one)
		}
		attempts[one] = true
		if jobs.Finished(&job) == "" && job.DeletionTimestamp.IsZero() && !w.told(&job) {
			running++
		}
	}
	if running > 1 {
		w.t.Fatalf("%d Jobs run", running)
	}
}

// holds returns the Jobs, and whether each is suspended from outside.
func (w *world) holds() map[types.UID]bool {
	w.t.Helper()
	all := map[types.UID]bool{}
	for _, job := range w.jobs() {
		all[job.UID] = jobs.Held(&job)
	}
	return all
}

// checkHolds checks that the manager never suspends or resumes a Job.
func (w *world) checkHolds(before map[types.UID]bool) {
	w.t.Helper()
	for uid, now := range w.holds() {
		if was, known := before[uid]; known && was != now {
			w.t.Fatalf("the manager set spec.suspend of a Job from %v to %v", was, now)
		}
	}
}

// hold suspends or resumes a Job as Kueue, or a person, and the Job controller do.
func (w *world) hold(job *batchv1.Job, suspend bool) {
	w.t.Helper()
	job.Spec.Suspend = &suspend
	if err := w.client.Update(w.t.Context(), job); err != nil {
		w.t.Fatal(err)
	}
	state := corev1.ConditionFalse
	if suspend {
		state = corev1.ConditionTrue
	}
	job.Status.Conditions = slices.DeleteFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Type == batchv1.JobSuspended })
	job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: batchv1.JobSuspended, Status: state, LastTransitionTime: fixture.At(resumedAt)})
	w.update(job)
}

// onlyJob returns the one Job that there is.
func (w *world) onlyJob() *batchv1.Job {
	w.t.Helper()
	jobs := w.jobs()
	if len(jobs) != 1 {
		w.t.Fatalf("%d Jobs, want 1", len(jobs))
	}
	return &jobs[0]
}

// events returns the Events since it was last asked.
func (w *world) events() []string {
	var all []string
	for {
		select {
		case event := <-w.recorder.Events:
			all = append(all, event)
		default:
			return all
		}
	}
}

func (w *world) get(key client.ObjectKey, object client.Object) {
	w.t.Helper()
	if err := w.client.Get(w.t.Context(), key, object); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) jobs() []batchv1.Job {
	w.t.Helper()
	list := &batchv1.JobList{}
	if err := w.client.List(w.t.Context(), list); err != nil {
		w.t.Fatal(err)
	}
	return list.Items
}

// versions of everything that the controller may write to.
func (w *world) versions() string {
	w.t.Helper()
	var all []string
	for _, list := range []client.ObjectList{&datav1alpha1.DatasetMixList{}, &batchv1.JobList{}, &corev1.ConfigMapList{}, &corev1.PersistentVolumeClaimList{}} {
		if err := w.client.List(w.t.Context(), list); err != nil {
			w.t.Fatal(err)
		}
		items, err := apimeta.ExtractList(list)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range items {
			object := item.(client.Object)
			all = append(all, fmt.Sprintf("%T %s %s", object, object.GetName(), object.GetResourceVersion()))
		}
	}
	return fmt.Sprint(all)
}

// happen does what the low four bits of a byte choose, in the way that the high four choose.
func (w *world) happen(what byte) {
	w.t.Helper()
	how := int(what >> 4)
	switch what % 16 {
	case 0:
		w.work(0, false)
	case 1:
		w.work(1+how, false)
	case 2, 3, 4:
		w.lose([]client.ObjectList{&batchv1.JobList{}, &corev1.PodList{}, &corev1.ConfigMapList{}}[what%16-2], how)
	case 5:
		w.upset(how)
	case 6:
		w.edit(func(mix *datav1alpha1.DatasetMix) { *mix.Spec.Seed += int64(how % 3) })
	case 7:
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(!ptr.Deref(mix.Spec.Suspend, false)) })
	case 8:
		w.edit(func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Domains[0].Share = *resource.NewQuantity(int64(1+how), resource.DecimalSI)
		})
	case 9:
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.Path = strconv.Itoa(how % 2) })
	case 14:
		w.work(0, true)
	case 15:
		w.catchUp(how)
	case 10:
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Limits = &datav1alpha1.Limits{MaxRepeats: int64(how)} })
	default:
		w.meddle(what%16, how)
	}
}

// meddle does what Kueue, and who has a queue, may do at any time: it holds and resumes Jobs, and edits what they are queued for.
func (w *world) meddle(what byte, how int) {
	w.t.Helper()
	switch what {
	case 11:
		for _, job := range w.jobs() {
			if jobs.Finished(&job) == "" {
				w.hold(&job, how%2 == 0)
			}
		}
	case 12:
		w.edit(func(mix *datav1alpha1.DatasetMix) {
			mix.Labels = map[string]string{datav1alpha1.LabelQueue: []string{"", "a", "b"}[how%3]}
		})
	case 13:
		w.edit(func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Worker = &datav1alpha1.Worker{Parallelism: int32(1 + how%4)}
		})
	}
}

// edit changes the spec as an API server does: with another generation.
func (w *world) edit(change func(*datav1alpha1.DatasetMix)) {
	w.t.Helper()
	mix := &datav1alpha1.DatasetMix{}
	w.get(worldKey, mix)
	change(mix)
	mix.Generation++
	w.edits++
	if err := w.client.Update(w.t.Context(), mix); err != nil {
		w.t.Fatal(err)
	}
}

// lose deletes one of several objects.
func (w *world) lose(list client.ObjectList, which int) {
	w.t.Helper()
	if err := w.client.List(w.t.Context(), list); err != nil {
		w.t.Fatal(err)
	}
	items, err := apimeta.ExtractList(list)
	if err != nil || len(items) == 0 {
		return
	}
	if err := w.client.Delete(w.t.Context(), items[which%len(items)].(client.Object)); client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
}

// running returns the Job that has work to do, nil if there is none.
func (w *world) running() *batchv1.Job {
	for _, job := range w.jobs() {
		if jobs.Finished(&job) == "" && !ptr.Deref(job.Spec.Suspend, false) && !w.told(&job) {
			return &job
		}
	}
	return nil
}

// told reports whether all workers of a Job have told their results.
func (w *world) told(job *batchv1.Job) bool {
	w.t.Helper()
	list := &corev1.PodList{}
	if err := w.client.List(w.t.Context(), list); err != nil {
		w.t.Fatal(err)
	}
	indexes := map[string]bool{}
	for i := range list.Items {
		if _, whole := jobs.Results(job, &list.Items[i]); whole && jobs.OwnedBy(&list.Items[i], job) {
			indexes[list.Items[i].Annotations[batchv1.JobCompletionIndexAnnotation]] = true
		}
	}
	return len(indexes) == jobs.Pods(job)
}

// catchUp ends the Jobs whose workers have all told their results: mostly well; but a deadline may be met at the last moment.
func (w *world) catchUp(how int) {
	w.t.Helper()
	for _, job := range w.jobs() {
		if jobs.Finished(&job) != "" || !w.told(&job) {
			continue
		}
		kind, reason := batchv1.JobComplete, ""
		if how%2 == 1 {
			kind, reason = batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded
		}
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: fixture.At(1001)})
		w.update(&job)
	}
}

// work runs the Job that has not ended. How is 0 when all goes well, else it says how the first pod ends. Behind leaves the Job open
// when all went well.
func (w *world) work(how int, behind bool) {
	w.t.Helper()
	job := w.running()
	if job == nil {
		return
	}
	task, there := w.task(job)
	if !there {
		return // a pod waits for it
	}
	reason, stages := "", len(pipeline.Stages())
	if how > 0 && how%8 == 0 { // of a chain, the first ones are finished
		stages = how / 8
	}
	for index, unit := range task.Nodes[:jobs.Pods(job)] {
		pod, why := w.pod(job, task, index, unit, stages)
		if reason = cmp.Or(why, reason); index == 0 && how > 0 && how%8 != 0 {
			reason = spoil(pod, how)
		}
		if err := w.client.Create(w.t.Context(), &pod.Pod); err != nil && !apierrors.IsAlreadyExists(err) {
			w.t.Fatal(err)
		}
	}
	if behind && reason == "" {
		return // the Job controller is behind its pods
	}
	kind := batchv1.JobComplete
	if reason != "" {
		kind = batchv1.JobFailed
	}
	job.Status.Succeeded = int32(jobs.Pods(job))
	job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: "the Job's words", LastTransitionTime: fixture.At(1000)})
	w.update(job)
}

// task returns what the pods of a Job are to do, if it is there.
func (w *world) task(job *batchv1.Job) (task contract.Task, there bool) {
	w.t.Helper()
	config := &corev1.ConfigMap{}
	if err := w.client.Get(w.t.Context(), client.ObjectKeyFromObject(job), config); apierrors.IsNotFound(err) {
		return task, false
	} else if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(config.Data["task.json"]), &task); err != nil {
		w.t.Fatal(err)
	}
	return task, true
}

// pod ends well, unless what it is asked for cannot be done, or it is one of a chain that ends after some stages: then it says so, and why
// its Job fails.
func (w *world) pod(job *batchv1.Job, task contract.Task, index int, unit pipeline.Node, stages int) (p *fixture.Pod, why string) {
	w.t.Helper()
	p = fixture.NewPod(fmt.Sprintf("%s-%d", job.Name, index))
	message := contract.Message{Stage: task.Stage, Node: unit}
	if task.Chain {
		message = w.chain(task, stages)
	} else if result, err := fixture.Result(task.Recipe, task.Stage, index, unit); err != nil {
		message.Failure = &contract.FailureNote{Reason: contract.InfeasibleMix, Message: err.Error()}
	} else {
		message.Result = &result
	}
	code := 0
	if message.Failure != nil {
		code, why = message.Failure.Reason.ExitCode(), batchv1.JobReasonFailedIndexes
		if message.Failure.Reason.Permanent() {
			why = batchv1.JobReasonPodFailurePolicy
		}
	}
	encoded, err := message.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	p.Ended(int32(code), "Completed", string(encoded))
	p.Namespace, p.Labels = job.Namespace, job.Spec.Template.Labels
	p.Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: strconv.Itoa(index)}
	p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
	return p, why
}

// spoil makes another end of a pod, and returns why its Job fails; "" if it does not.
func spoil(p *fixture.Pod, how int) string {
	reasons := slices.SortedFunc(func(yield func(contract.Reason) bool) {
		for reason := range contract.Reasons() {
			if !yield(reason) {
				return
			}
		}
	}, cmp.Compare[contract.Reason])
	switch reason := reasons[how%len(reasons)]; how % 8 {
	case 1, 2, 3:
		p.Failed(reason, "x")
		if reason.Permanent() {
			return batchv1.JobReasonPodFailurePolicy
		}
		return batchv1.JobReasonFailedIndexes
	case 4:
		p.Ended(137, "OOMKilled", "")
		return batchv1.JobReasonFailedIndexes
	case 5:
		p.Ended(0, "Completed", "{") // the Job is complete, and its result is lost
	case 6:
		p.Status.ContainerStatuses = nil
		p.Status.Phase = corev1.PodFailed
		return "DeadlineExceeded"
	case 7:
		p.Waits("ImagePullBackOff", "no such image")
	}
	return ""
}

// upset brings the Job that has not ended into a state that should not be.
func (w *world) upset(how int) {
	w.t.Helper()
	job := w.running()
	if job == nil {
		return
	}
	switch how % 6 {
	case 0:
		job.Status.Succeeded, job.Status.Failed = 100, 100
	case 1:
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
	case 2:
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionFalse}, {Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue}}
	case 3:
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	case 4:
		job.Annotations[datav1alpha1.AnnotationAttempt] = "many"
		if err := w.client.Update(w.t.Context(), job); err != nil {
			w.t.Fatal(err)
		}
		return
	case 5:
		job.Status.Succeeded = -1
	}
	w.update(job)
}

func (w *world) update(job *batchv1.Job) {
	w.t.Helper()
	if err := w.client.Status().Update(w.t.Context(), job); err != nil {
		w.t.Fatal(err)
	}
}
