// Package training judges the samples of trainings: the resources of others by the CustomResourceDefinitions of their own modules,
// which hack/training names, and those of Kubernetes by their types.
package training

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/internal/await"
)

const samples = "../../config/samples/training"

// definitions are where the modules keep their CustomResourceDefinitions.
var definitions = map[string]struct{ module, file string }{
	"TrainingRuntime": {"github.com/kubeflow/trainer/v2", "manifests/base/crds/trainer.kubeflow.org_trainingruntimes.yaml"},
	"TrainJob":        {"github.com/kubeflow/trainer/v2", "manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml"},
	"RayJob":          {"github.com/ray-project/kuberay/ray-operator", "config/crd/bases/ray.io_rayjobs.yaml"},
	"JobSet":          {"sigs.k8s.io/jobset", "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"},
}

// native are the kinds of Kubernetes itself.
var native = map[string]func() any{
	"Job":                   func() any { return &batchv1.Job{} },
	"NetworkPolicy":         func() any { return &networkingv1.NetworkPolicy{} },
	"PersistentVolumeClaim": func() any { return &corev1.PersistentVolumeClaim{} },
}

// moduleFolder returns where a module's files are, in the version that hack/training names.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	run := func(arguments ...string) string {
		command := exec.Command("go", arguments...)
		command.Dir = "../../hack/training"
		out, err := command.Output()
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, failed.Stderr)
		}
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	run("mod", "download", module)
	return run("list", "-m", "-f", "{{.Dir}}", module)
}

// definitionOf reads the CustomResourceDefinition of a kind.
func definitionOf(t *testing.T, kind string) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	at := definitions[kind]
	content, err := os.ReadFile(filepath.Join(moduleFolder(t, at.module), at.file))
	if err != nil {
		t.Fatal(err)
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := sigsyaml.Unmarshal(content, definition); err != nil {
		t.Fatal(err)
	}
	return definition
}

// objects returns those of a file.
func objects(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(f, 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			if len(all) == 0 {
				t.Fatalf("%s: %v", file, err)
			}
			return all
		}
		all = append(all, object)
	}
}

// each calls judge for every object of the samples, and returns their kinds.
func each(t *testing.T, judge func(*testing.T, *unstructured.Unstructured)) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(samples, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		for _, object := range objects(t, file) {
			kinds[object.GetKind()] = true
			t.Run(fmt.Sprintf("%s/%s", filepath.Base(file), object.GetKind()), func(t *testing.T) { judge(t, object) })
		}
	}
	return slices.Sorted(maps.Keys(kinds))
}

// TestSamplesAreValid: every sample is valid under the real definitions, and has no unknown field.
func TestSamplesAreValid(t *testing.T) {
	kinds := each(t, func(t *testing.T, object *unstructured.Unstructured) {
		if typed := native[object.GetKind()]; typed != nil {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, typed(), true); err != nil {
				t.Error(err)
			}
			return
		}
		definition := definitionOf(t, object.GetKind())
		if group := object.GroupVersionKind().Group; group != definition.Spec.Group {
			t.Fatalf("the group is %s, want %s", group, definition.Spec.Group)
		}
		validator, err := crd.ValidatorOf(definition, object.GroupVersionKind().Version)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range validator.Validate(t.Context(), object.Object) {
			t.Error(err)
		}
	})
	if want := []string{"Job", "JobSet", "NetworkPolicy", "PersistentVolumeClaim", "RayJob", "TrainJob", "TrainingRuntime"}; !slices.Equal(kinds, want) {
		t.Errorf("there are samples of %v, want %v", kinds, want)
	}
}

// TestTheDefinitionsRefuse: a judge that allowed everything would never fail.
func TestTheDefinitionsRefuse(t *testing.T) {
	for kind := range definitions {
		t.Run(kind, func(t *testing.T) {
			definition := definitionOf(t, kind)
			version := definition.Spec.Versions[0].Name
			validator, err := crd.ValidatorOf(definition, version)
			if err != nil {
				t.Fatal(err)
			}
			object := map[string]any{"apiVersion": definition.Spec.Group + "/" + version, "kind": kind, "metadata": map[string]any{"name": "a"},
				"spec": map[string]any{"noSuchField": true}}
			if len(validator.Validate(t.Context(), object)) == 0 {
				t.Error("a field that there is not is allowed")
			}
		})
	}
}

// TestSamplesWait: every sample with pods has one that waits for a mix, by an address that the worker understands, in the image of the
// operator and on the claim that its training reads.
func TestSamplesWait(t *testing.T) {
	waits := 0
	each(t, func(t *testing.T, object *unstructured.Unstructured) {
		for _, pod := range podsIn(t, object.Object) {
			for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
				if len(container.Command) < 2 || container.Command[1] != "wait" {
					continue
				}
				waits++
				if container.Command[0] != "/worker" || !strings.HasPrefix(container.Image, "ghcr.io/datasetmix/datasetmix:") {
					t.Errorf("%s runs %s of %s", container.Name, container.Command[0], container.Image)
				}
				last := container.Command[len(container.Command)-1]
				if _, err := await.ParseReference(last); err != nil && object.GetKind() != "TrainingRuntime" {
					t.Error(err)
				}
				if len(container.VolumeMounts) != 1 || !container.VolumeMounts[0].ReadOnly || !slices.Contains(container.Command, container.VolumeMounts[0].MountPath) {
					t.Errorf("%s has the mounts %v", container.Name, container.VolumeMounts)
				}
			}
		}
		if address, ok, _ := unstructured.NestedString(object.Object, "spec", "initializer", "dataset", "storageUri"); ok {
			if _, err := await.ParseReference(address); err != nil {
				t.Error(err)
			}
		}
	})
	if waits != 5 {
		t.Errorf("%d containers wait, want one in each of the 5 samples", waits)
	}
}

// podsIn returns the pod specs anywhere in an object.
func podsIn(t *testing.T, value any) (pods []corev1.PodSpec) {
	t.Helper()
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			pods = append(pods, podsIn(t, item)...)
		}
	case map[string]any:
		if _, ok := value["containers"]; ok {
			var pod corev1.PodSpec
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(value, &pod, true); err != nil {
				t.Error(err)
			}
			pods = append(pods, pod)
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			pods = append(pods, podsIn(t, value[name])...)
		}
	}
	return pods
}
