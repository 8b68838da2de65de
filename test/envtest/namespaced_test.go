package envtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
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
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/render"
)

// inOneNamespace is a user with the manager's rights in one namespace, by a Role, as in config/namespaced.
func inOneNamespace(t *testing.T, namespace string) *rest.Config {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join("..", "..", "config", "rbac", "role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(encoded, all); err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "manager"}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: all.Rules}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: namespace}},
	}
	for _, object := range []client.Object{role, binding} {
		if err := api.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	user := rest.CopyConfig(server)
	user.Impersonate = rest.ImpersonationConfig{UserName: namespace}
	return user
}

// TestNamespacedManager: a manager with Roles alone fills its cache, goes over a mix from beginning to end, may write what it
// writes, and may do nothing next door.
func TestNamespacedManager(t *testing.T) {
	needAPI(t)
	space, other := namespace(t), namespace(t)
	newDriver(t, space)
	mix := create(t, space, nil)
	published(t, mix)
	foreign := create(t, other, nil)

	manager, err := ctrl.NewManager(inOneNamespace(t, space), ctrl.Options{
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
		config.OwnerReferences = nil
		for _, object := range []client.Object{config, render.Claim(copied)} {
			err := writes.Create(ctx, object)
			if where == space && err != nil || where == other && !apierrors.IsForbidden(err) {
				t.Errorf("making %T in %s: %v", object, where, err)
			}
		}
	}
	if err := pass(client.ObjectKeyFromObject(foreign)); err == nil || apierrors.IsNotFound(err) {
		t.Errorf("it can see the mix next door: %v", err)
	}
	time.Sleep(interval)
}
