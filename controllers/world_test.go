package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/internal/render"
)

// world is a mix of two data sets, its controller and all that it sees.
type world struct {
	t          *testing.T
	client     client.Client
	reconciler *DatasetMixReconciler
	recorder   *events.FakeRecorder
	// leaving is whether the namespace is being deleted.
	leaving bool
	// passing is whether the manager is at work; writes are those of its own to each Job, and edits what the others asked for.
	passing bool
	writes  map[types.UID]int
	edits   int
}

// resumedAt is when a Job is resumed from outside, in seconds of the simulation.
const resumedAt = 500

// worldScheme and worldMapper are made once: the fuzzer gives up an input that takes seconds.
var (
	worldScheme = sync.OnceValue(Scheme)
	worldMapper = sync.OnceValue(func() apimeta.RESTMapper { return testrestmapper.TestOnlyStaticRESTMapper(worldScheme()) })
)

var worldKey = client.ObjectKey{Namespace: "n", Name: "m"}

func newWorld(t *testing.T) *world {
	dataset := func(name string) []datav1alpha1.Dataset {
		return []datav1alpha1.Dataset{{
			Name: name + "-set", Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: name}},
			Record: datav1alpha1.Record{Preset: "gsm8k"},
		}}
	}
	mix := &datav1alpha1.DatasetMix{
		ObjectMeta: metav1.ObjectMeta{Name: worldKey.Name, Namespace: worldKey.Namespace, UID: "u", Generation: 1},
		Spec: datav1alpha1.DatasetMixSpec{
			Seed: ptr.To[int64](1),
			Splits: []datav1alpha1.Split{
				{Name: "train", Share: resource.MustParse("2"), Size: datav1alpha1.Size{Policy: datav1alpha1.SizeKeepTotal}},
				{Name: "test", Share: resource.MustParse("1"), Size: datav1alpha1.Size{Policy: datav1alpha1.SizeKeepTotal}},
			},
			Domains: []datav1alpha1.Domain{
				{Name: "qa", Share: resource.MustParse("2"), Datasets: dataset("qa")},
				{Name: "code", Share: resource.MustParse("1"), Datasets: dataset("code")},
			},
			Output: datav1alpha1.Output{Volume: datav1alpha1.OutputVolume{ClaimName: "c"}},
		},
		Status: datav1alpha1.DatasetMixStatus{ObservedGeneration: ptr.To[int64](-1)},
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: worldKey.Namespace, UID: "cu"},
		Spec:       corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}},
	}
	w := &world{t: t, recorder: events.NewFakeRecorder(1000), writes: map[types.UID]int{}}
	c := fake.NewClientBuilder().WithScheme(worldScheme()).WithRESTMapper(worldMapper()).
		WithTypeConverters(managedfields.NewDeducedTypeConverter()).WithObjects(mix, claim).
		WithStatusSubresource(mix, &batchv1.Job{}, &corev1.Pod{}).
		WithIndex(mix, claimIndex, claimOf).
		WithIndex(&batchv1.Job{}, uidIndex, uidOf).WithIndex(&corev1.Pod{}, uidIndex, uidOf).WithIndex(&corev1.ConfigMap{}, uidIndex, uidOf).
		WithIndex(&corev1.Pod{}, "status.phase", func(o client.Object) []string { return []string{string(o.(*corev1.Pod).Status.Phase)} }).
		WithInterceptorFuncs(interceptor.Funcs{Create: w.asServer(), Patch: w.patch, Update: w.put, Delete: w.remove}).Build()
	w.client, w.reconciler = c, &DatasetMixReconciler{
		Client: c, Live: c, Events: w.recorder, Clock: clock.RealClock{}, Settings: render.Settings{WorkerImage: "w"},
	}
	return w
}

// asServer sets a UID and a time on what is created, which the fake client does not, and refuses it in a namespace that goes.
func (w *world) asServer() func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
	made := int64(0)
	return func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
		if w.leaving {
			refusal := apierrors.NewForbidden(schema.GroupResource{Resource: "objects"}, object.GetName(), errors.New("the namespace is being terminated"))
			refusal.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
			return refusal
		}
		made++
		object.SetUID(types.UID(fmt.Sprint("made-", made)))
		object.SetCreationTimestamp(fixture.At(made))
		return w.wrote(object, c.Create(ctx, object, options...))
	}
}

func (w *world) patch(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	return w.wrote(object, c.Patch(ctx, object, patch, options...))
}

func (w *world) put(ctx context.Context, c client.WithWatch, object client.Object, options ...client.UpdateOption) error {
	return w.wrote(object, c.Update(ctx, object, options...))
}

func (w *world) remove(ctx context.Context, c client.WithWatch, object client.Object, options ...client.DeleteOption) error {
	return w.wrote(object, c.Delete(ctx, object, options...))
}

// wrote counts what the manager writes to Jobs: each is made and deleted once, and changed at most once for each edit.
func (w *world) wrote(object client.Object, err error) error {
	if job, is := object.(*batchv1.Job); is && err == nil && w.passing {
		w.writes[job.UID]++
		if w.writes[job.UID] > 2+w.edits {
			w.t.Fatalf("the manager wrote %d times to Job %s, after %d edits", w.writes[job.UID], job.Name, w.edits)
		}
	}
	return err
}
