// Package envtest runs the controller against a real API server. There is no kubelet and no Job controller: driver_test.go
// plays both.
package envtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/render"
)

const (
	assetsVariable = "KUBEBUILDER_ASSETS"
	workerImage    = "registry.example.org/worker:test"
	timeout        = 30 * time.Second
	interval       = 100 * time.Millisecond
)

// api talks to the API server without a cache, as an administrator; nil when there is none, and skipped says why.
var (
	api     client.Client
	server  *rest.Config
	skipped string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts an API server and the manager, and skips what needs them when the programs are not there.
func run(m *testing.M) (int, error) {
	assets := os.Getenv(assetsVariable)
	if assets == "" {
		assets = filepath.Join("..", "..", "bin", "envtest")
	}
	if _, err := os.Stat(filepath.Join(assets, "kube-apiserver")); err != nil {
		skipped = fmt.Sprintf("no API server to test with: %v; build bin/envtest or set %s", err, assetsVariable)
		fmt.Println("SKIP", skipped)
		return m.Run(), nil
	}
	ctrl.SetLogger(zap.New(zap.UseDevMode(true), zap.WriteTo(logs())))
	definition, err := crd.Definition()
	if err != nil {
		return 1, err
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDInstallOptions:     envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{definition}},
	}
	if server, err = environment.Start(); err != nil {
		return 1, fmt.Errorf("starting the API server: %w", err)
	}
	defer func() { _ = environment.Stop() }()
	if api, err = client.New(server, client.Options{Scheme: controllers.Scheme()}); err != nil {
		return 1, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	account, err := serviceAccount(ctx, environment)
	if err != nil {
		return 1, fmt.Errorf("making the manager's account: %w", err)
	}
	ended, err := startManager(ctx, account)
	if err != nil {
		return 1, err
	}
	code := m.Run()
	stop()
	return code, <-ended
}

// logs go to a file when ENVTEST_LOG names one; else nowhere, since failures that are made on purpose fill them.
func logs() *os.File {
	name := os.Getenv("ENVTEST_LOG")
	if name == "" {
		name = os.DevNull
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return os.Stderr
	}
	return file
}

// serviceAccount is a user with the rights of config/rbac/role.yaml and no others: a right that is missing there fails the
// tests.
func serviceAccount(ctx context.Context, environment *envtest.Environment) (*rest.Config, error) {
	encoded, err := os.ReadFile(filepath.Join("..", "..", "config", "rbac", "role.yaml"))
	if err != nil {
		return nil, err
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(encoded, role); err != nil {
		return nil, err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "manager"}},
	}
	for _, object := range []client.Object{role, binding} {
		if err := api.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	user, err := environment.AddUser(envtest.User{Name: "manager"}, nil)
	if err != nil {
		return nil, err
	}
	return user.Config(), nil
}

func startManager(ctx context.Context, account *rest.Config) (<-chan error, error) {
	manager, err := ctrl.NewManager(account, ctrl.Options{
		Scheme:     controllers.Scheme(),
		Cache:      cache.Options{ByObject: controllers.CacheByObject()},
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{ReconciliationTimeout: timeout},
	})
	if err != nil {
		return nil, err
	}
	reconciler := &controllers.DatasetMixReconciler{
		Client:   manager.GetClient(),
		Live:     manager.GetAPIReader(),
		Events:   manager.GetEventRecorder("datasetmix-operator"),
		Clock:    &managerClock,
		Settings: render.Settings{WorkerImage: workerImage},
	}
	if err := reconciler.SetupWithManager(manager); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	return ended, nil
}

func needAPI(t *testing.T) {
	t.Helper()
	if api == nil {
		t.Skip(skipped)
	}
}

// eventually waits until a condition holds; the condition says what is still wrong, "" when it holds.
func eventually(t *testing.T, what string, condition func() string) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		problem := condition()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: after %s: %s", what, timeout, strings.TrimSpace(problem))
		}
		time.Sleep(interval)
	}
}
