package envtest

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/render"
)

// inOneNamespace installs config/namespaced, and what an administrator applies for it, and gives its namespace and its manager's user.
func inOneNamespace(t *testing.T) (string, *rest.Config) {
	t.Helper()
	const space = "datasetmix"
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: space}}
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"namespaced-admin", "namespaced"} {
		if err := install(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
	}
	user := rest.CopyConfig(server)
	user.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + space + ":datasetmix-manager"}
	if err := confined(t.Context(), user, space); err != nil {
		t.Fatal(err)
	}
	return space, user
}

// TestNamespacedManager: a manager with Roles alone fills its cache, goes over a mix from beginning to end, may write what it
// writes in its own namespace, under policies that confine it there, and may do nothing next door.
func TestNamespacedManager(t *testing.T) {
	needAPI(t)
	space, user := inOneNamespace(t)
	other := namespace(t)
	newDriver(t, space)
	mix := create(t, space, nil)
	published(t, mix)
	foreign := create(t, other, nil)

	manager, err := ctrl.NewManager(user, ctrl.Options{
		Scheme:     controllers.Scheme(),
		Cache:      cache.Options{ByObject: controllers.CacheByObject(), DefaultNamespaces: map[string]cache.Config{space: {}}},
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	reconciler := &controllers.DatasetMixReconciler{
		Client: manager.GetClient(), Live: manager.GetAPIReader(), Events: manager.GetEventRecorder("namespaced"),
		Clock: clock.RealClock{}, Settings: render.Settings{WorkerImage: workerImage},
	}
	if err := reconciler.SetupWithManager(manager); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the manager ended with %v", err)
		}
	}()
	patient, enough := context.WithTimeout(ctx, timeout)
	defer enough()
	if !manager.GetCache().WaitForCacheSync(patient) {
		t.Fatal("the cache is not filled: a right is missing")
	}
	pass := func(key client.ObjectKey) error {
		_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: key})
		return err
	}
	if err := pass(client.ObjectKeyFromObject(mix)); err != nil {
		t.Errorf("a pass over its own mix: %v", err)
	}
	writes := client.NewDryRunClient(manager.GetClient())
	for _, where := range []string{space, other} {
		copied := mix.DeepCopy()
		copied.Namespace, copied.Name, copied.UID = where, "copy", "00000000-0000-0000-0000-000000000000"
		config := render.Results(copied, render.Location{}, nil)
		for _, object := range []client.Object{config, render.Claim(copied)} {
			err := writes.Create(ctx, object)
			if where == space && err != nil || where == other && !apierrors.IsForbidden(err) {
				t.Errorf("making %T in %s: %v", object, where, err)
			}
		}
	}
	shell := aJob(t, space)
	shell.Spec.Template.Spec.Containers[0].Image = "docker.io/evil/shell:1"
	refusal(t, writes.Create(ctx, shell), "its own worker image alone")
	if err := pass(client.ObjectKeyFromObject(foreign)); err == nil || apierrors.IsNotFound(err) {
		t.Errorf("it can see the mix next door: %v", err)
	}
	time.Sleep(interval)
}
