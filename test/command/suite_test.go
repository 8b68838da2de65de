// Package command runs kubectl-datasetmix as its users do, against a real API server: there are no pods that run, so logs are of a kubelet
// that does not exist, and a status is what a test writes there.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
)

// Of the whole package; api is nil where no API server can be started, and skipped says why.
var (
	api        client.Client
	program    string
	kubeconfig string
	// administrator connects to the API server, and may be anybody.
	administrator *rest.Config
	skipped       string
)

// released is the version that the program of the tests is built for.
const released = "v1.2.0"

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	folder, err := os.MkdirTemp("", "command-*")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program = filepath.Join(folder, "kubectl-datasetmix")
	build := exec.CommandContext(context.Background(), "go", "build", "-tags", "disable_grpc_modules",
		"-ldflags", "-X github.com/datasetmix/datasetmix/internal/version.number="+released, "-o", program, "../../cmd/kubectl-datasetmix")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the program: %w\n%s", err, out)
	}
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		assets = filepath.Join("..", "..", "bin", "envtest")
	}
	if _, err := os.Stat(filepath.Join(assets, "kube-apiserver")); err != nil {
		skipped = fmt.Sprintf("no API server to test with: %v; build bin/envtest or set KUBEBUILDER_ASSETS", err)
		fmt.Println("SKIP", skipped)
		return m.Run(), nil
	}
	definition, err := crd.Definition()
	if err != nil {
		return 1, err
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDInstallOptions:     envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{definition}},
	}
	config, err := environment.Start()
	if err != nil {
		return 1, fmt.Errorf("starting the API server: %w", err)
	}
	defer func() { _ = environment.Stop() }()
	known := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(known), datav1alpha1.AddToScheme(known)); err != nil {
		return 1, err
	}
	administrator = config
	if api, err = client.New(config, client.Options{Scheme: known}); err != nil {
		return 1, err
	}
	admin, err := environment.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return 1, err
	}
	encoded, err := admin.KubeConfig()
	if err != nil {
		return 1, err
	}
	kubeconfig = filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(kubeconfig, encoded, 0o600); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// result is what a command came to.
type result struct {
	out, errors string
	code        int
}

func (r result) String() string { return fmt.Sprintf("code %d\n%s%s", r.code, r.out, r.errors) }

// command runs the program.
func command(t *testing.T, arguments ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	line := exec.CommandContext(ctx, program, arguments...)
	line.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	var out, errs bytes.Buffer
	line.Stdout, line.Stderr = &out, &errs
	err := line.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%q: %v, %v\n%s%s", arguments, err, ctx.Err(), out.String(), errs.String())
	}
	return result{out.String(), errs.String(), line.ProcessState.ExitCode()}
}

// namespace makes a namespace for a test.
func namespace(t *testing.T) string {
	t.Helper()
	if skipped != "" {
		t.Skip(skipped)
	}
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "command-"}}
	create(t, made)
	return made.Name
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// mix makes the sample of six data sets, with a status.
func mix(t *testing.T, namespace string, status func(*datav1alpha1.DatasetMix)) *datav1alpha1.DatasetMix {
	t.Helper()
	made := &datav1alpha1.DatasetMix{}
	if err := yaml.UnmarshalStrict([]byte(readSample(t)), made); err != nil {
		t.Fatal(err)
	}
	made.Namespace = namespace
	create(t, made)
	if status != nil {
		told(t, made, status)
	}
	return made
}

// told writes a status, as the manager does.
func told(t *testing.T, mix *datav1alpha1.DatasetMix, status func(*datav1alpha1.DatasetMix)) {
	t.Helper()
	before := mix.DeepCopy()
	status(mix)
	if err := api.Status().Patch(t.Context(), mix, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// condition returns one of the present generation.
func condition(mix *datav1alpha1.DatasetMix, kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: mix.Generation, LastTransitionTime: metav1.Now()}
}

// userWith makes a user who has ClusterRoles in a namespace and nothing else, and returns the flags to be that user.
func userWith(t *testing.T, namespace string, roles ...string) []string {
	t.Helper()
	user := "user-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	for _, role := range roles {
		bind(t, namespace, user, role)
	}
	return []string{"--as", user, "-n", namespace}
}

// bind grants a user a ClusterRole in a namespace.
func bind(t *testing.T, namespace, user, role string) {
	t.Helper()
	create(t, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

// clientOf returns a client of a user.
func clientOf(t *testing.T, user string) client.Client {
	t.Helper()
	if skipped != "" {
		t.Skip(skipped)
	}
	config := rest.CopyConfig(administrator)
	config.Impersonate.UserName = user
	made, err := client.New(config, client.Options{Scheme: api.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// policies installs what config/command has, until the test ends.
func policies(t *testing.T) {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../../config/command")
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range made.Resources() {
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		object := &unstructured.Unstructured{Object: content}
		if err := api.Create(t.Context(), object); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
		if strings.HasPrefix(object.GetKind(), "Validating") {
			t.Cleanup(func() { _ = api.Delete(context.Background(), object) })
		}
	}
}

// roles returns those of config/command.
func roles(t *testing.T) []*rbacv1.ClusterRole {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../../config/command")
	if err != nil {
		t.Fatal(err)
	}
	var all []*rbacv1.ClusterRole
	for _, resource := range made.Resources() {
		if resource.GetKind() != "ClusterRole" {
			continue // the policy of the pods, see TestPolicyOfPods
		}
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		role := &rbacv1.ClusterRole{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(content, role, true); err != nil {
			t.Fatal(err)
		}
		all = append(all, role)
	}
	return all
}
