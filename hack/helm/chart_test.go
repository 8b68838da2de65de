package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	kyaml "sigs.k8s.io/yaml"
)

const (
	root      = "../.."
	chartPath = root + "/charts/datasetmix"
	digest    = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

// object is one of Kubernetes, as decoded JSON.
type object map[string]any

func (o object) field(path ...string) string {
	var at any = map[string]any(o)
	for _, name := range path {
		members, _ := at.(map[string]any)
		at = members[name]
	}
	text, _ := at.(string)
	return text
}

func (o object) name() string {
	return strings.Join([]string{o.field("kind"), o.field("metadata", "namespace"), o.field("metadata", "name")}, " ")
}

// rendered returns the objects that Helm would apply.
func rendered(t *testing.T, namespace string, values map[string]any) ([]object, error) {
	t.Helper()
	chart, err := loader.Load(chartPath)
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "datasetmix", Namespace: namespace, IsInstall: true, Revision: 1}
	all, err := util.ToRenderValues(chart, values, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var objects []object
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			objects = append(objects, decoded(t, name, files[name])...)
		}
	}
	return objects, nil
}

func decoded(t *testing.T, name, text string) []object {
	t.Helper()
	var objects []object
	for decoder := yaml.NewYAMLToJSONDecoder(strings.NewReader(text)); ; {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if text := strings.TrimSpace(string(raw)); text != "" && text != "null" { // a document of comments
			objects = append(objects, exact(t, raw))
		}
	}
}

// exact decodes without rounding numbers.
func exact(t *testing.T, encoded []byte) object {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var one object
	if err := decoder.Decode(&one); err != nil {
		t.Fatal(err)
	}
	return one
}

// kustomized returns the objects of folders of config, each with a namespace and the image of the tests.
func kustomized(t *testing.T, namespace string, folders ...string) []object {
	t.Helper()
	files := filesys.MakeFsInMemory()
	err := filepath.WalkDir(root+"/config", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		at, _ := filepath.Rel(root, path)
		// The policy of the command's pods names repositories in an expression, which kustomize does not look into: its user edits it.
		content = bytes.ReplaceAll(content, []byte("['ghcr.io/datasetmix/datasetmix']"), []byte("['registry.example.org/dm']"))
		return files.WriteFile("/"+at, content)
	})
	if err != nil {
		t.Fatal(err)
	}
	edited := []string{"default", "namespaced", "prometheus", "kueue", "network-policy/workers"}
	for _, folder := range edited {
		file := "/config/" + folder + "/kustomization.yaml"
		content, _ := files.ReadFile(file)
		kustomization := &types.Kustomization{}
		if err := kyaml.UnmarshalStrict(content, kustomization); err != nil {
			t.Fatal(err)
		}
		kustomization.Namespace = namespace
		kustomization.Images = []types.Image{{Name: "ghcr.io/datasetmix/datasetmix", NewName: "registry.example.org/dm", Digest: digest}}
		encoded, err := kyaml.Marshal(kustomization)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.WriteFile(file, encoded); err != nil {
			t.Fatal(err)
		}
	}
	var objects []object
	for _, folder := range folders {
		made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/config/"+folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range made.Resources() {
			encoded, err := resource.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			objects = append(objects, exact(t, encoded))
		}
	}
	return objects
}

// alike takes away what may differ: who manages an object, the version of a release, and Helm's wish to keep the definition.
func alike(objects []object, suffixes ...string) map[string]object {
	byName := map[string]object{}
	for _, o := range objects {
		if o.field("kind") == "Namespace" {
			continue // helm install --create-namespace makes it
		}
		metadata, _ := o["metadata"].(map[string]any)
		for _, of := range []struct{ member, name string }{
			{"labels", "app.kubernetes.io/managed-by"}, {"labels", "app.kubernetes.io/version"}, {"annotations", "helm.sh/resource-policy"},
		} {
			if members, ok := metadata[of.member].(map[string]any); ok {
				delete(members, of.name)
				if len(members) == 0 {
					delete(metadata, of.member)
				}
			}
		}
		encoded, _ := json.Marshal(o)
		text := string(encoded)
		for i := 0; i+1 < len(suffixes); i += 2 {
			text = strings.ReplaceAll(text, suffixes[i], suffixes[i+1])
		}
		again := object{}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		_ = decoder.Decode(&again)
		byName[again.name()] = again
	}
	return byName
}

// TestTheChartIsConfig: with each set of values, the chart makes the very objects that kustomize makes of the folders for it.
func TestTheChartIsConfig(t *testing.T) {
	image := map[string]any{"repository": "registry.example.org/dm", "digest": digest}
	tests := []struct {
		name, namespace string
		values          map[string]any
		folders         []string
		suffixes        []string
	}{
		{"cluster", "datasetmix-system", map[string]any{"image": image}, []string{"default"}, nil},
		{"cluster, another namespace", "data", map[string]any{"image": image}, []string{"default"}, nil},
		{"everything", "data", map[string]any{
			"image": image, "commandRoles": true, "kueue": map[string]any{"enabled": true},
			"metrics":       map[string]any{"prometheus": map[string]any{"enabled": true}},
			"networkPolicy": map[string]any{"workerNamespaces": []any{"data"}},
		}, []string{"default", "command", "kueue", "prometheus", "network-policy/workers"}, []string{`"namespace":"datasetmix-system"`, `"namespace":"data"`}},
		{"namespace", "team", map[string]any{"image": image, "scope": "namespace"}, []string{"namespaced", "namespaced-admin"},
			[]string{"datasetmix-manager-objects-namespaced", "datasetmix-manager-objects-team", "datasetmix-manager-jobs-namespaced", "datasetmix-manager-jobs-team",
				"datasetmix-manager-claims-namespaced", "datasetmix-manager-claims-team"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := rendered(t, test.namespace, test.values)
			if err != nil {
				t.Fatal(err)
			}
			want := alike(kustomized(t, test.namespace, test.folders...), test.suffixes...)
			if len(want) < 15 {
				t.Fatalf("kustomize made %d objects: they are not read right", len(want))
			}
			if diff := gocmp.Diff(want, alike(got)); diff != "" {
				t.Errorf("objects (-kustomize +chart):\n%s", diff)
			}
		})
	}
}

// TestWhatIsKept: the definition stays when the chart goes, unless that is asked for, and goes with no other switch.
func TestWhatIsKept(t *testing.T) {
	for _, test := range []struct {
		crds map[string]any
		keep string
		n    int
	}{{nil, "keep", 1}, {map[string]any{"keep": false}, "", 1}, {map[string]any{"enabled": false}, "", 0}} {
		values := map[string]any{}
		if test.crds != nil {
			values["crds"] = test.crds
		}
		objects, err := rendered(t, "data", values)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, o := range objects {
			policy := o.field("metadata", "annotations", "helm.sh/resource-policy")
			if o.field("kind") != "CustomResourceDefinition" {
				if policy != "" {
					t.Errorf("%s is kept", o.name())
				}
				continue
			}
			n++
			if policy != test.keep || o.field("metadata", "labels", "app.kubernetes.io/managed-by") != "Helm" {
				t.Errorf("%v: metadata %v", test.crds, o["metadata"])
			}
		}
		if n != test.n {
			t.Errorf("%v: %d definitions", test.crds, n)
		}
	}
}

// TestValuesReachTheManager: each value that is no switch is in the Deployment.
func TestValuesReachTheManager(t *testing.T) {
	objects, err := rendered(t, "data", map[string]any{
		"watchNamespaces": []any{"a", "b"}, "replicas": 1, "hubEndpoint": "https://hub.example.org", "logLevel": "debug", "priorityClassName": "high",
		"imagePullSecrets": []any{"login"}, "nodeSelector": map[string]any{"kubernetes.io/os": "linux"}, "podLabels": map[string]any{"team": "data"},
		"podAnnotations": map[string]any{"note": "x"}, "tolerations": []any{map[string]any{"operator": "Exists"}}, "image": map[string]any{"repository": "r/dm", "tag": "v9", "pullPolicy": "Always"},
		"affinity": map[string]any{"podAffinity": map[string]any{}}, "admission": map[string]any{"closedNamespaces": []any{"vault", "kube-system"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, o := range objects {
		if kind := o.field("kind"); kind == "PodDisruptionBudget" {
			t.Error("a budget for one manager lets no node be drained")
		}
		if kind := o.field("kind"); kind == "Deployment" || kind == "ValidatingAdmissionPolicy" {
			encoded, _ := json.Marshal(o)
			text.Write(encoded)
		}
	}
	for _, want := range []string{`"value":"a,b"`, `"replicas":1`, `"value":"https://hub.example.org"`, `--zap-log-level=debug`, `"priorityClassName":"high"`, `"imagePullSecrets":[{"name":"login"}]`,
		`"nodeSelector":{"kubernetes.io/os":"linux"}`, `"team":"data"`, `"note":"x"`, `"operator":"Exists"`, `"image":"r/dm:v9"`, `"imagePullPolicy":"Always"`, `"podAffinity"`, `"expression":"['vault', 'kube-system']"`,
		`"expression":"'r/dm:v9'"`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("want %s in\n%s", want, text.String())
		}
	}
}

// TestValuesThatAreWrong are refused before anything is applied, by the schema or with a sentence.
func TestValuesThatAreWrong(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"additional properties 'replica' not allowed": {"replica": 3},
		"/scope":               {"scope": "everything"},
		"/image/digest":        {"image": map[string]any{"digest": "abc"}},
		"/replicas":            {"replicas": 0},
		"/watchNamespaces/0":   {"watchNamespaces": []any{"Not A Name"}},
		"is for scope cluster": {"scope": "namespace", "watchNamespaces": []any{"a"}},
	} {
		if _, err := rendered(t, "data", values); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", values, err)
		}
	}
}

// TestEveryValueHasItsSchemaAndComment: what values.yaml sets is in the schema, and the other way round.
func TestEveryValueHasItsSchemaAndComment(t *testing.T) {
	content, err := os.ReadFile(chartPath + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := kyaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	encoded, err := os.ReadFile(chartPath + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := map[string]any{}
	if err := json.Unmarshal(encoded, &schema); err != nil {
		t.Fatal(err)
	}
	properties, _ := schema["properties"].(map[string]any)
	delete(properties, "global") // Helm's own
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(properties)), slices.Sorted(maps.Keys(values))); diff != "" {
		t.Errorf("values (-schema +values.yaml):\n%s", diff)
	}
}
