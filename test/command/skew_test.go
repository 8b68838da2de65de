package command

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// serving has the API server serve another definition until the test ends, and waits until that is effective.
func serving(t *testing.T, definition *apiextensionsv1.CustomResourceDefinition, effective func() bool) {
	t.Helper()
	known := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(known); err != nil {
		t.Fatal(err)
	}
	if err := scheme.AddToScheme(known); err != nil {
		t.Fatal(err)
	}
	definitions, err := client.New(administrator, client.Options{Scheme: known})
	if err != nil {
		t.Fatal(err)
	}
	set := func(ctx context.Context, to *apiextensionsv1.CustomResourceDefinition) error {
		now := &apiextensionsv1.CustomResourceDefinition{}
		if err := definitions.Get(ctx, client.ObjectKey{Name: to.Name}, now); err != nil {
			return err
		}
		now.Spec = to.Spec
		return definitions.Update(ctx, now)
	}
	if err := set(t.Context(), definition); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		present, err := crd.Definition()
		if err == nil {
			err = set(context.Background(), present)
		}
		if err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(30 * time.Second); !effective(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the API server does not serve the definition")
		}
	}
}

// open widens a schema, and all schemas in it, as later releases may: there are no enumerations and no rules, and unknown fields are kept.
func open(schema *apiextensionsv1.JSONSchemaProps) {
	keep := true
	schema.Enum, schema.XValidations = nil, nil
	if schema.Type == "object" && schema.AdditionalProperties == nil {
		schema.XPreserveUnknownFields = &keep
	}
	for name, property := range schema.Properties {
		open(&property)
		schema.Properties[name] = property
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		open(schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		open(schema.AdditionalProperties.Schema)
	}
}

// saying sets the status of a mix, as a manager of another release writes it, and returns what the API server has kept of it; nil if it refuses it.
func saying(t *testing.T, of *datav1alpha1.DatasetMix, status map[string]any) map[string]any {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(datav1alpha1.GroupVersion.WithKind(datav1alpha1.Kind))
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(of), object); err != nil {
		t.Fatal(err)
	}
	before := object.DeepCopy()
	object.Object["status"] = status
	if err := api.Status().Patch(t.Context(), object, client.MergeFrom(before)); err != nil {
		return nil
	}
	kept, _ := object.Object["status"].(map[string]any)
	return kept
}

// skewed is a command line, the code that it must end with, and a text that it must show.
type skewed struct {
	line  []string
	code  int
	shows string
}

func everyVerb(t *testing.T, of string, reason string) []skewed {
	t.Helper()
	rows := []string{"--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"}
	zip := filepath.Join(t.TempDir(), "bundle.zip")
	return []skewed{
		{[]string{"status", of}, 0, reason}, {[]string{"status", of, "-o", "wide"}, 0, reason}, {[]string{"status", of, "-o", "yaml"}, 0, reason},
		{[]string{"status", of, "-w", "--timeout", "1s"}, 41, reason}, {[]string{"wait", of, "--timeout", "1s"}, 41, reason},
		{[]string{"events", of}, 0, ""}, {[]string{"logs", of}, 0, ""}, {[]string{"version"}, 0, released},
		{append([]string{"diff", "datasetmix/" + of, "datasetmix/" + of}, rows...), 0, "the same"}, {append([]string{"plan", of}, rows...), 0, "160,10"},
		{[]string{"report", of, "--bundle", "--to", zip, image}, 0, "mix.yaml"},
	}
}

// TestOtherManagers: every verb goes on with what it knows where the manager, and the definition, is of another release: with fields that are not there yet,
// and with fields, a stage, a state and a reason that this release does not know.
func TestOtherManagers(t *testing.T) {
	run := func(t *testing.T, space string, verbs []skewed) {
		for _, verb := range verbs {
			t.Run(strings.Join(verb.line, " "), func(t *testing.T) {
				got := command(t, append(verb.line, "-n", space)...)
				if got.code != verb.code || !strings.Contains(got.out+got.errors, verb.shows) || strings.Contains(got.out+got.errors, "panic") {
					t.Errorf("want %d and %q: %v", verb.code, verb.shows, got)
				}
			})
		}
	}
	t.Run("older", func(t *testing.T) {
		space := namespace(t)
		of := mix(t, space, nil)
		encoded, err := os.ReadFile("../../config/crd/released/data.datasetmix.io_datasetmixes.yaml")
		if err != nil {
			t.Fatal(err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(encoded, definition); err != nil {
			t.Fatal(err)
		}
		properties := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties
		delete(properties["status"].Properties, "summary") // such as it was before there was progress
		status := map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "Stage split is under way.",
			"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": of.Generation}}, "summary": map[string]any{"percent": int64(7)}}
		serving(t, definition, func() bool { kept := saying(t, of, status); return kept != nil && kept["summary"] == nil })
		run(t, space, everyVerb(t, of.Name, "Progressing"))
		shows(t, served(t, "-n", space), http.StatusOK, "grpo-six")
	})
	t.Run("newer", func(t *testing.T) {
		space := namespace(t)
		of := mix(t, space, nil)
		definition, err := crd.Definition()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"spec", "status"} {
			schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties[part]
			open(&schema)
			definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties[part] = schema
		}
		status := map[string]any{
			"conditions": []any{map[string]any{"type": "Ready", "status": "Unknown", "reason": "Negotiating", "message": "It is negotiated.",
				"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": of.Generation, "severity": "Low"},
				map[string]any{"type": "Negotiated", "status": "False", "reason": "Negotiating", "message": "Not yet.", "lastTransitionTime": "2026-01-01T00:00:00Z"}},
			"stages":   []any{map[string]any{"name": "download", "state": "Succeeded", "done": int64(6), "total": int64(6)}, map[string]any{"name": "tokenize", "state": "Throttled", "tokens": int64(9)}},
			"datasets": []any{map[string]any{"name": "gsm8k", "domain": "math", "tongue": "en"}},
			"novelty":  map[string]any{"depth": int64(3)},
		}
		serving(t, definition, func() bool { return saying(t, of, status)["novelty"] != nil })
		run(t, space, append(everyVerb(t, of.Name, "Negotiating"),
			skewed{[]string{"status", of.Name}, 0, "tokenize  Throttled"}, skewed{[]string{"status", of.Name, "-o", "jsonpath={.status.novelty.depth}"}, 0, "3"}))
		shows(t, served(t, "-n", space), http.StatusOK, "grpo-six", "tokenize")
		status["conditions"].([]any)[1] = map[string]any{"type": "Stalled", "status": "True", "reason": "Negotiating", "message": "Never.", "lastTransitionTime": "2026-01-01T00:00:00Z",
			"observedGeneration": of.Generation}
		if saying(t, of, status) == nil {
			t.Fatal("the status is refused")
		}
		if got := command(t, "wait", of.Name, "-n", space, "--timeout", "5s"); got.code != 40 || !strings.Contains(got.errors, "Negotiating") {
			t.Error(got)
		}
		warnsOfUnknownFields(t, of)
	})
}

// warnsOfUnknownFields adds two fields of a newer definition to a mix. The verbs that read its spec name both in one line on standard error, and go on.
func warnsOfUnknownFields(t *testing.T, of *datav1alpha1.DatasetMix) {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(datav1alpha1.GroupVersion.WithKind(datav1alpha1.Kind))
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(of), object); err != nil {
		t.Fatal(err)
	}
	spec := object.Object["spec"].(map[string]any)
	spec["curriculum"] = map[string]any{"steps": int64(3)}
	spec["domains"].([]any)[0].(map[string]any)["tongue"] = "en"
	if err := api.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	rows := "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"
	known := manifestOf(t, readSample(t))
	for _, verb := range []skewed{
		{[]string{"plan", of.Name, "--rows", rows}, 0, "160,10"},
		{[]string{"plan", of.Name, "--rows", rows, "-o", "json"}, 0, `"splits"`},
		{[]string{"diff", known, "datasetmix/" + of.Name, "--rows", rows}, 0, "the same"},
	} {
		got := command(t, append(verb.line, "-n", of.Namespace)...)
		if got.code != verb.code || !strings.Contains(got.out, verb.shows) {
			t.Errorf("%q: want %d and %q: %v", verb.line, verb.code, verb.shows, got)
		}
		if strings.Count(got.errors, "\n") != 1 || !strings.Contains(got.errors, `"spec.curriculum"`) || !strings.Contains(got.errors, `"spec.domains[0].tongue"`) || !strings.Contains(got.errors, "newer") {
			t.Errorf("%q does not name the unknown fields: %q", verb.line, got.errors)
		}
	}
	if got := command(t, "__complete", "plan", of.Name, "-n", of.Namespace, "--rows", ""); strings.Contains(got.errors, "curriculum") || !strings.Contains(got.out, "gsm8k=") {
		t.Errorf("a completion shows names alone: %v", got)
	}
	if got := command(t, "plan", of.Name, "-n", of.Namespace, "--rows-of", "absent"); got.code != 42 {
		t.Errorf("a mix whose rows are missing: %v", got)
	}
}

// TestUnknownFieldsOfAManifest: plan, diff and build refuse a manifest with a field that this release does not know, and name the field.
func TestUnknownFieldsOfAManifest(t *testing.T) {
	known := readSample(t)
	newer := manifestOf(t, strings.Replace(known, "\n  seed: 42", "\n  curriculum: {steps: 3}\n  seed: 42", 1))
	for _, line := range [][]string{{"plan", "-f", newer}, {"diff", manifestOf(t, known), newer}, {"build", "-f", newer, "--data", t.TempDir()}} {
		if got := command(t, line...); got.code != contract.InvalidTask.ExitCode() || !strings.Contains(got.errors, "spec.curriculum") {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// readSample returns the manifest of the six data sets.
func readSample(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../config/samples/data_v1alpha1_datasetmix_grpo_six.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
