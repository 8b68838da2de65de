package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/controllers/internal/status"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

// claimIndex is the index of mixes by the claim that they are built on.
const claimIndex = "spec.output.volume"

// uidIndex is the index of Jobs, pods and ConfigMaps by their mix. With the label alone, a pass would read all of them in the namespace, so the cost of
// a thousand mixes would be quadratic.
const uidIndex = "metadata.labels.uid"

// concurrency is the number of mixes that are reconciled at once. A pass makes a few reads from memory and a few writes at most.
const concurrency = 4

// conflictPause is the time between a pass that met a conflict and the next one, so that the cache can catch up.
const conflictPause = time.Second / 2

// DatasetMixReconciler reconciles DatasetMixes.
type DatasetMixReconciler struct {
	// Client reads from the manager's cache.
	client.Client
	// Live reads from the API server, where a cache that is late would mislead.
	Live     client.Reader
	Events   events.EventRecorder
	Clock    clock.PassiveClock
	Settings render.Settings
	// Metrics may be nil.
	Metrics *Metrics

	verdicts verdicts
}

// +kubebuilder:rbac:groups=data.datasetmix.io,resources=datasetmixes,verbs=get;list;watch
// +kubebuilder:rbac:groups=data.datasetmix.io,resources=datasetmixes/status,verbs=patch
// +kubebuilder:rbac:groups=data.datasetmix.io,resources=datasetmixes/finalizers,verbs=update
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=events,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// phase is one step of a pass. An outcome ends the pass; with nil it continues.
type phase func(context.Context, *scope) (*outcome.Outcome, error)

// Reconcile makes one pass over one mix. A pass that panics reports nothing: its outcome is unknown.
func (r *DatasetMixReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	mix := &datav1alpha1.DatasetMix{}
	if err := r.Get(ctx, request.NamespacedName, mix); err != nil {
		if apierrors.IsNotFound(err) {
			r.Metrics.forget(request.NamespacedName)
			r.verdicts.forget(request.NamespacedName)
			return answer(orphan(ctx, r.Client, request.NamespacedName), 0)
		}
		return answer(err, 0)
	}
	if !mix.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // what the mix owns is deleted with it
	}
	s := &scope{build: build.Build{Mix: mix}}
	var err error
	for _, phase := range []phase{
		r.observe,         // what exists
		r.interpret,       // the recipe of the spec
		r.precheck,        // mistakes that show before there is data
		r.observeRequests, // refresh and rebuild requests, from annotations
		r.reconcileClaim,  // the volume to build on
		r.checkPathOwner,  // which mix owns the output path
		r.recordResults,   // the results in the pods of finished Jobs, and the stage graph as far as they lead
		r.scheduleRefresh, // whether floating sources are to be resolved again
		r.checkGraph,      // an error at the end of the graph
		r.deleteStaleJobs, // Jobs that an edit of the spec has made stale
		r.reconcileJob,    // the Job of the next stage
		r.collectGarbage,  // stages that the published revision does not need
		r.watch,           // pods that read older revisions
	} {
		if s.outcome, err = phase(ctx, s); err != nil || s.outcome != nil {
			break
		}
	}
	if terminating(err) {
		return answer(r.objects(s).deleteJobs(ctx, s.build.Jobs), 0)
	}
	return answer(errors.Join(err, r.report(ctx, s, err)), s.wake(r.Clock.Now()))
}

// answer returns the result of a pass for the queue: to requeue the mix after wake, never if that is 0, and soon after a conflict. A conflict is not
// an error: the cache was late. The newer object starts another pass when it arrives, but not every conflict has one: a quota that is used up
// concurrently is answered with 409 as well. If the namespace is terminating, its objects are deleted with it.
func answer(err error, wake time.Duration) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: conflictPause}, nil
	case err != nil && !terminating(err):
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: wake}, nil
}

// overtaken reports whether an error is no failure: a conflict, since the cache was late, or an error of a terminating namespace.
func overtaken(err error) bool {
	return apierrors.IsConflict(err) || terminating(err)
}

// SetupWithManager registers the controller. The manager's cache should hold only objects with the operator's labels.
//
// Every change of a mix starts a pass, even one of its status. That pass finds nothing to do, unless the status was removed: then it writes the
// status again.
func (r *DatasetMixReconciler) SetupWithManager(manager ctrl.Manager) error {
	indexer := manager.GetFieldIndexer()
	if err := indexer.IndexField(context.Background(), &datav1alpha1.DatasetMix{}, claimIndex, claimOf); err != nil {
		return err
	}
	for _, kind := range []client.Object{&batchv1.Job{}, &corev1.Pod{}, &corev1.ConfigMap{}} {
		if err := indexer.IndexField(context.Background(), kind, uidIndex, uidOf); err != nil {
			return err
		}
	}
	return ctrl.NewControllerManagedBy(manager).
		For(&datav1alpha1.DatasetMix{}).
		Owns(&batchv1.Job{}).
		Owns(&corev1.ConfigMap{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(mixOf)).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(r.mixesOnClaim)).
		Watches(&corev1.Event{}, handler.EnqueueRequestsFromMapFunc(r.mixOfRefusal)).
		Watches(&datav1alpha1.DatasetMix{}, handler.EnqueueRequestsFromMapFunc(r.neighbors), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Complete(r)
}

func uidOf(object client.Object) []string {
	if uid := object.GetLabels()[datav1alpha1.LabelUID]; uid != "" {
		return []string{uid}
	}
	return nil
}

// claimOf returns the value of claimIndex.
func claimOf(mix client.Object) []string {
	return []string{render.ClaimName(mix.(*datav1alpha1.DatasetMix))}
}

// mixOf returns the mix that an object's label names. Pods and claims are found by it: a pod is owned by a Job, and a claim may have no owner.
func mixOf(_ context.Context, made client.Object) []ctrl.Request {
	name := made.GetLabels()[datav1alpha1.LabelName]
	if name == "" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: made.GetNamespace(), Name: name}}}
}

// mixesOnClaim returns the mixes that are built on a PersistentVolumeClaim, and the mix that it was created for, even if that was deleted.
func (r *DatasetMixReconciler) mixesOnClaim(ctx context.Context, claim client.Object) []ctrl.Request {
	return append(mixOf(ctx, claim), mixesOn(ctx, r.Client, claim.GetNamespace(), claim.GetName())...)
}

func mixesOn(ctx context.Context, cache client.Reader, namespace, claim string) (requests []ctrl.Request) {
	mixes := &datav1alpha1.DatasetMixList{}
	err := cache.List(ctx, mixes, client.InNamespace(namespace), client.MatchingFields{claimIndex: claim})
	if err != nil {
		return nil // a read from memory by a registered index cannot fail
	}
	for _, mix := range pointers(mixes.Items) {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(mix)})
	}
	return requests
}

// refusals returns the selector of Events about pods that a Job could not create: a ResourceQuota is used up, a LimitRange or a Pod Security Standard
// forbids them, an admission webhook is down. The status of the Job does not show it.
func refusals() fields.Selector {
	return fields.SelectorFromSet(fields.Set{"involvedObject.kind": "Job", "reason": "FailedCreate"})
}

// mixOfRefusal returns the mix of the Job that an Event is about.
func (r *DatasetMixReconciler) mixOfRefusal(ctx context.Context, object client.Object) []ctrl.Request {
	about := object.(*corev1.Event).InvolvedObject
	job := &batchv1.Job{}
	if err := r.Get(ctx, types.NamespacedName{Namespace: about.Namespace, Name: about.Name}, job); err != nil {
		return nil // a Job of another owner, or a deleted one
	}
	return mixOf(ctx, job)
}

// eventLimit is the API server's limit for the note of an Event, in bytes.
const eventLimit = 1024

// report writes the status if it has changed, and then records Events and metrics. A failed pass reports as well.
func (r *DatasetMixReconciler) report(ctx context.Context, s *scope, failure error) error {
	if failure != nil {
		if overtaken(failure) || status.IsReady(s.build.Mix) {
			return nil // a conflict, a deletion, or a publication that must stay: the next pass reports
		}
		s.outcome = outcome.Wait(datav1alpha1.ReasonProgressingWithRetry, outcome.Sentence(failure.Error()))
	}
	before := s.build.Mix
	after := before.DeepCopy()
	after.Status = status.Of(s.observed(), metav1.NewTime(r.Clock.Now()).Rfc3339Copy())
	if equality.Semantic.DeepEqual(before.Status, after.Status) {
		r.Metrics.count(s.tally, before, before)
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Status().Patch(ctx, after, patch); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("writing the status: %w", err))
	}
	s.tally.wrote("patch", "DatasetMix")
	r.Metrics.count(s.tally, before, after)
	logger := log.FromContext(ctx)
	for _, event := range status.Transitions(before, after) {
		r.Events.Eventf(after, nil, event.Kind, event.Reason, event.Action, "%s", contract.Shorten(event.Note, eventLimit))
		logger.Info(event.Note, "build", s.build.Target.ID(), "reason", event.Reason)
	}
	return nil
}
