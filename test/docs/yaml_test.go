package docs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/render"
)

// minimal is the mix that a fragment is put into.
const minimal = `
apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: minimal}
spec:
  seed: 42
  splits:
  - {name: train, share: 5, size: {policy: KeepTotal}}
  - {name: test, share: 1, size: {policy: KeepTotal}}
  domains:
  - name: math
    share: 1
    datasets:
    - name: gsm8k
      source: {huggingFace: {repo: openai/gsm8k}}
      record: {preset: gsm8k}
  output:
    volume: {claimName: datasets}
`

// places are where a fragment may belong in the minimal mix, the first that knows all of its fields counts. A number is an item
// of a list.
var places = [][]any{
	{},
	{"spec"},
	{"spec", "domains", 0, "datasets", 0},
	{"spec", "domains", 0, "datasets", 0, "record"},
	{"spec", "domains", 0, "datasets", 0, "source"},
	{"spec", "output"},
	{"spec", "worker"},
	{"spec", "domains", 0},
}

// shortened marks a block that leaves something out and says so; the minimal mix has the rest.
const shortened = "…"

// definition and validator are read once.
var (
	definition = sync.OnceValues(crd.Definition)
	validator  = sync.OnceValues(crd.NewValidator)
)

// judgeYAML judges each document: a mix or a part of one by the CustomResourceDefinition's own validator and by what the programs
// make of it, any other object by its own type, with no field that the type has not.
func judgeYAML(t *testing.T, b block) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(b.text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = judgeDocument(t.Context(), document)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func judgeDocument(ctx context.Context, document []byte) error {
	object, err := decoded(document)
	if err != nil {
		return err
	}
	kind, _ := object["kind"].(string)
	switch {
	case kind == "Kustomization":
		return yaml.UnmarshalStrict(document, &types.Kustomization{})
	case kind != "" && kind != datav1alpha1.Kind:
		codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
		_, _, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
		return err
	case kind == "" && isContainer(object): // a part of a pod that reads a mix
		return nil
	}
	mix, err := completed(object, bytes.Contains(document, []byte(shortened)))
	if err != nil {
		return err
	}
	return judgeMix(ctx, mix)
}

func isContainer(object map[string]any) bool {
	return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, &corev1.Container{}, true) == nil
}

// decoded decodes as the API server does: whole numbers are int64.
func decoded(document []byte) (map[string]any, error) {
	encoded, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	return object, utiljson.Unmarshal(encoded, &object)
}

// completed puts a fragment into the minimal mix. A whole mix is judged as it is, unless it says that it is shortened.
func completed(fragment map[string]any, short bool) (map[string]any, error) {
	if fragment["kind"] != nil && !short {
		return fragment, nil
	}
	mix, err := decoded([]byte(minimal))
	if err != nil {
		return nil, err
	}
	for _, place := range places {
		if ok, err := known(place, fragment); err != nil {
			return nil, err
		} else if ok {
			return mix, put(mix, place, fragment)
		}
	}
	return nil, fmt.Errorf("no place of a mix has all of the fields %v, and it is no other object; teach this test what it is", slices.Sorted(maps.Keys(fragment)))
}

// known reports whether the schema of a place has every field of a fragment.
func known(place []any, fragment map[string]any) (bool, error) {
	definition, err := definition()
	if err != nil {
		return false, err
	}
	versions := definition.Spec.Versions
	schema := *versions[len(versions)-1].Schema.OpenAPIV3Schema
	for _, step := range place {
		if name, ok := step.(string); ok {
			schema = schema.Properties[name]
		} else {
			schema = *schema.Items.Schema
		}
	}
	return knows(schema, fragment), nil
}

func knows(schema apiextensionsv1.JSONSchemaProps, fragment map[string]any) bool {
	for name := range fragment {
		if _, ok := schema.Properties[name]; !ok {
			return false
		}
	}
	return len(schema.Properties) > 0
}

// put puts the fields of a fragment into a place. The spec and its output are completed field by field; whatever else is given stands
// for the whole of what it replaces, and a record without a question is one of a preset.
func put(mix map[string]any, place []any, fragment map[string]any) error {
	if spec, ok := fragment["spec"].(map[string]any); ok && len(place) == 0 {
		return put(mix, []any{"spec"}, spec)
	}
	object := descend(mix, place)
	for name, value := range fragment {
		if output, ok := value.(map[string]any); ok && name == "output" {
			maps.Copy(object[name].(map[string]any), output)
			continue
		}
		object[name] = value
	}
	if len(place) > 0 && place[len(place)-1] == "record" && object["question"] == nil && object["preset"] == nil {
		object["preset"] = "gsm8k"
	}
	return nil
}

// descend finds a place. It empties a record and a source, since a fragment replaces them as a whole.
func descend(mix map[string]any, place []any) map[string]any {
	at := any(mix)
	for i, step := range place {
		name, ok := step.(string)
		if !ok {
			at = at.([]any)[step.(int)]
			continue
		}
		parent := at.(map[string]any)
		if last := i == len(place)-1; last && (name == "record" || name == "source" || parent[name] == nil) {
			parent[name] = map[string]any{}
		}
		at = parent[name]
	}
	return at.(map[string]any)
}

// judgeMix judges a mix as the API server and the programs do.
func judgeMix(ctx context.Context, object map[string]any) error {
	validator, err := validator()
	if err != nil {
		return err
	}
	if problems := validator.Validate(ctx, object); len(problems) > 0 {
		return problems.ToAggregate()
	}
	mix := &datav1alpha1.DatasetMix{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, mix); err != nil {
		return err
	}
	r, err := render.Recipe(mix)
	if err != nil {
		return err
	}
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		if _, err := mapping.Compile(dataset.Record); err != nil {
			return fmt.Errorf("data set %s: %w", name, err)
		}
	}
	return nil
}

// TestJudge: a mistake in a block is found, whatever kind of object the block is a part of.
func TestJudge(t *testing.T) {
	tests := []struct {
		name, text, problem string
	}{
		{"a field that there is not", "spec:\n  nearDuplicates: {n: 5}", "unknown field"},
		{"a field of a source that there is not", "source: {http: {urls: [{url: https://a.example.org/x, md5: f}]}}", "unknown field"},
		{"a value that is refused", "source:\n  http: {urls: [{url: https://a.example.org/x, sha256: 9f86…}]}", "sha256"},
		{"an expression in a flow mapping", "record:\n  metadata:\n  - {name: a, value: row.?id}", "did not find expected"},
		{"an expression that does not compile", "question: row.question +\nreferenceAnswer: row.a\nanswerType: text", "gsm8k"},
		{"two of one kind", "source: {volume: {claimName: a}, oci: {reference: registry.example.org/a:v1}}", "source"},
		{"a whole mix that lacks something", "apiVersion: data.datasetmix.io/v1alpha1\nkind: DatasetMix\nmetadata: {name: a}\nspec: {seed: 1}", "Required value"},
		{"a key twice", "output:\n  path: a\n  path: b", "already"},
		{"nothing that is known", "replicas: 3", "no place of a mix has all of the fields [replicas]"},
		{"a field that a ConfigMap has not", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nspec: {}", `unknown field "spec"`},
		{"a kind that there is not", "apiVersion: v1\nkind: Confmap\nmetadata: {name: a}", "no kind"},
		{"a field that a Kustomization has not", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresource: [a]", `unknown field "resource"`},
		{"a mount without a field", "volumeMounts:\n- {name: a, mountpath: /a}", "no place"},
		{"a record", "question: row.q\nreferenceAnswer: row.a\nanswerType: text", ""},
		{"a condition alone", "where: row.level == 'a'", ""},
		{"a source", "source: {volume: {claimName: a}}", ""},
		{"an output", "output:\n  volume: {claimName: a}", ""},
		{"a worker", "worker: {parallelism: 2}", ""},
		{"a shortened mix", "apiVersion: data.datasetmix.io/v1alpha1\nkind: DatasetMix\nspec:\n  seed: 1\n  # …", ""},
		{"mounts", "volumeMounts:\n- {name: a, mountPath: /a}", ""},
		{"an object of Kubernetes", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {hosts: a}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := judgeDocument(t.Context(), []byte(test.text))
			if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v, want %q", err, test.problem)
			}
		})
	}
}
