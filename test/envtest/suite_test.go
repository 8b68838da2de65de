// Package envtest runs the controller against a real API server. There is no kubelet and no Job controller: driver_test.go
// plays both.
package envtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/controllers"
)

const (
	assetsVariable = "KUBEBUILDER_ASSETS"
	workerImage    = "registry.example.org/worker:test"
	timeout        = 30 * time.Second
	interval       = 100 * time.Millisecond
)

// api talks to the API server without a cache, as an administrator; nil when there is none, and skipped says why.
var (
	api    client.WithWatch
	server *rest.Config
	// account is the manager's; managerKubeconfig is the same for a program.
	account           *rest.Config
	managerKubeconfig []byte
	adminKubeconfig   []byte
	skipped           string
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
	if _, err := os.Stat(filepath.Join(assets(), "kube-apiserver")); err != nil {
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
		BinaryAssetsDirectory: assets(),
		CRDInstallOptions:     envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{definition}},
	}
	if err := keepAudit(environment); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(auditLog)) }()
	// The API server is what the tests wait for; it may use more memory for less collection of garbage.
	if err := os.Setenv("GOGC", "400"); err != nil {
		return 1, err
	}
	server, err = environment.Start()
	_ = os.Unsetenv("GOGC")
	if err != nil {
		return 1, fmt.Errorf("starting the API server: %w", err)
	}
	defer func() { _ = environment.Stop() }()
	server.QPS = -1 // the drivers are many users
	if api, err = client.NewWithWatch(server, client.Options{Scheme: controllers.Scheme()}); err != nil {
		return 1, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	shared.ctx = ctx
	if account, err = serviceAccount(ctx, environment); err != nil {
		return 1, fmt.Errorf("making the manager's account: %w", err)
	}
	if err := witness(ctx); err != nil {
		return 1, err
	}
	code := m.Run()
	if seen.report(os.Stderr) > 0 {
		code = 1
	}
	stop()
	if shared.ended != nil {
		return code, <-shared.ended
	}
	return code, nil
}

// shared is the manager of the tests that do not start one of their own.
var shared struct {
	ctx   context.Context
	once  sync.Once
	ended <-chan error
	err   error
}

// assets returns the folder of the programs.
func assets() string {
	if folder := os.Getenv(assetsVariable); folder != "" {
		return folder
	}
	return filepath.Join("..", "..", "bin", "envtest")
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

// needServer skips a test that cannot have an API server.
func needServer(t *testing.T) {
	t.Helper()
	if api == nil {
		t.Skip(skipped)
	}
}

// needAPI does what needServer does, for a test that also needs the shared manager.
func needAPI(t *testing.T) {
	t.Helper()
	needServer(t)
	shared.once.Do(func() { shared.ended, shared.err = operator{account: account}.start(shared.ctx) })
	if shared.err != nil {
		t.Fatal(shared.err)
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
