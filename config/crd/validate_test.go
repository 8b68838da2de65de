package crd_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/internal/testing/refusals"
)

// clientSideLimit is what kubectl apply can put into its annotation (262,144 bytes), with room for what else is in it.
const clientSideLimit = 200_000

// TestDefinition: the API server accepts the definition, the cost of its rules included, and kubectl apply can carry it.
func TestDefinition(t *testing.T) {
	definition, err := crd.Definition()
	if err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(definition)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	definition.Status.StoredVersions = []string{"v1alpha1"}
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition, internal, nil); err != nil {
		t.Fatal(err)
	}
	for _, problem := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), internal) {
		t.Error(problem)
	}
	if size := len(crd.DatasetMixes); size > clientSideLimit {
		t.Errorf("the definition has %d bytes, want at most %d", size, clientSideLimit)
	}
}

// TestEveryStringAndListIsBounded: conventions, rule 9; the schema tells the API server the worst case of every rule.
func TestEveryStringAndListIsBounded(t *testing.T) {
	definition, err := crd.Definition()
	if err != nil {
		t.Fatal(err)
	}
	var visit func(path string, schema apiextensionsv1.JSONSchemaProps)
	visit = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		switch {
		case strings.HasPrefix(path, "worker.nodeSelector."), strings.Contains(path, ".limits."), strings.Contains(path, ".requests."):
			return // a label's value, and a quantity that no rule reads
		case schema.Type == "string" && schema.MaxLength == nil && schema.Enum == nil && schema.Format != "date-time":
			t.Errorf("%s: a string without maxLength", path)
		case schema.Type == "array" && schema.MaxItems == nil:
			t.Errorf("%s: a list without maxItems", path)
		}
		if schema.Description == "" && schema.Type != "object" && !strings.HasSuffix(path, "[]") {
			t.Errorf("%s: no description", path)
		}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			visit(strings.TrimPrefix(path+"."+name, "."), schema.Properties[name])
		}
		if schema.Items != nil {
			visit(path+"[]", *schema.Items.Schema)
		}
		if schema.AdditionalProperties != nil {
			visit(path+".*", *schema.AdditionalProperties.Schema)
		}
	}
	root := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	visit("", root.Properties["spec"])
	visit("status", root.Properties["status"])
}

func TestSamplesAreValid(t *testing.T) {
	files, err := filepath.Glob("../samples/data_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	validator := newValidator(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, problem := range validator.Validate(t.Context(), read(t, file)) {
				t.Error(problem)
			}
		})
	}
}

// TestRefusals: the schema refuses what the specification says, in its words.
func TestRefusals(t *testing.T) {
	validator, valid := newValidator(t), sample(t)
	for _, test := range refusals.Cases() {
		t.Run(test.Name, func(t *testing.T) {
			compare(t, test.Want, validator.Validate(t.Context(), refusals.Apply(valid, test.Edits)))
		})
	}
}

// TestUpdates: everything can be edited but which volume the output is on.
func TestUpdates(t *testing.T) {
	validator, valid := newValidator(t), sample(t)
	for _, test := range refusals.Updates {
		t.Run(test.Name, func(t *testing.T) {
			before := refusals.Apply(valid, test.Before)
			compare(t, test.Want, validator.ValidateUpdate(t.Context(), refusals.Apply(before, test.After), before))
		})
	}
}

func compare(t *testing.T, want []string, problems field.ErrorList) {
	t.Helper()
	var got []string
	for _, problem := range problems {
		got = append(got, problem.Error())
	}
	if diff := cmp.Diff(want, refusals.Shorten(got)); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

func newValidator(t *testing.T) *crd.Validator {
	t.Helper()
	validator, err := crd.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	return validator
}

func read(t *testing.T, file string) map[string]any {
	t.Helper()
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	encoded, err = yaml.YAMLToJSONStrict(encoded)
	if err == nil {
		err = object.UnmarshalJSON(encoded)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return object.Object
}

// sample returns what the tables of refusals change.
func sample(t *testing.T) map[string]any {
	t.Helper()
	object := read(t, "../samples/data_v1alpha1_datasetmix_grpo_six.yaml")
	object["metadata"].(map[string]any)["namespace"] = metav1.NamespaceDefault
	return object
}
