package controllers

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/render"
)

// objects reads and writes the objects of a mix, and counts the writes.
type objects struct {
	// cache reads from the manager's cache, live from the API server.
	cache client.Client
	live  client.Reader
	tally *tally
}

func (r *DatasetMixReconciler) objects(s *scope) objects { return objects{r.Client, r.Live, &s.tally} }

// kindOf returns the kind of an object that a mix owns. All such objects have the version v1.
func kindOf(object client.Object) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", object), "*v1.")
}

// create creates an object of a mix. It is no error if the object exists and the mix owns it: the cache was late.
func (o objects) create(ctx context.Context, mix *datav1alpha1.DatasetMix, object client.Object) (*outcome.Outcome, error) {
	kind := kindOf(object)
	err := o.cache.Create(ctx, object)
	if err == nil {
		o.tally.wrote("create", kind)
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	o.tally.duplicates++
	if err := o.live.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return nil, fmt.Errorf("reading the existing %s: %w", kind, err)
	}
	if jobs.OwnedBy(object, mix) {
		return nil, nil
	}
	message := fmt.Sprintf("The %s %s exists and has another owner; delete it, or rename the mix.", kind, object.GetName())
	return outcome.Stall(datav1alpha1.ReasonNameConflict, message), nil
}

// patch changes an object.
func (o objects) patch(ctx context.Context, to, from client.Object) error {
	err := o.cache.Patch(ctx, to, client.MergeFrom(from))
	if err == nil {
		o.tally.wrote("patch", kindOf(to))
	}
	return err
}

// remove deletes an object if it has not changed since it was read: a Job that the cache shows running may have ended, with results to record.
func (o objects) remove(ctx context.Context, object client.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := o.cache.Delete(ctx, object,
		client.PropagationPolicy(metav1.DeletePropagationBackground),
		client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %s: %w", object.GetName(), err)
	}
	if err == nil {
		o.tally.wrote("delete", kindOf(object))
	}
	return nil
}

// ledgerLimit is the API server's limit in bytes, less some room for the object's other fields.
const ledgerLimit = 1<<20 - 64<<10

// save writes the ledger if it has changed.
func (o objects) save(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	data, err := s.build.Ledger.Data()
	if err != nil {
		return nil, err
	}
	if s.results == nil && len(data) == 0 {
		return nil, nil
	}
	if size := ledger.SizeOf(data); size > ledgerLimit {
		message := fmt.Sprintf("The results of the stages take %d bytes, and a ConfigMap holds 1 MiB: make fewer files, or mixes of fewer data sets.", size)
		return outcome.Stall(datav1alpha1.ReasonWorkerFailed, message), nil
	}
	wanted := render.Results(s.build.Mix, s.build.Target.Location, data)
	if s.results == nil {
		s.results = wanted
		return o.create(ctx, s.build.Mix, wanted)
	}
	if maps.Equal(s.results.Data, wanted.Data) && ledger.IsAt(s.results, s.build.Target.Location) {
		return nil, nil
	}
	wanted.ResourceVersion = s.results.ResourceVersion // an update by another process is not overwritten
	if err := o.cache.Update(ctx, wanted); err != nil {
		return nil, fmt.Errorf("recording results: %w", err)
	}
	o.tally.wrote("update", "ConfigMap")
	s.results = wanted
	return nil, nil
}

// When a namespace is deleted, its pods are deleted first, and everything else once they have ended. A pod of a Job that counts failures by index has a
// finalizer until its successor is created, which a terminating namespace forbids: the namespace would never terminate. Therefore the controller
// deletes its Jobs itself as soon as nothing can be created.

// probe returns an error if the namespace of a mix is being deleted. It tries by a dry run, which needs no further right; reading namespaces would.
func (o objects) probe(ctx context.Context, mix *datav1alpha1.DatasetMix) error {
	probe := render.Results(mix, render.Location{}, nil)
	probe.Name += "-probe"
	if err := o.cache.Create(ctx, probe, client.DryRunAll); terminating(err) {
		return err
	}
	return nil
}

// terminating reports whether an error is that the namespace is being deleted.
func terminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}
