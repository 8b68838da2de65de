package envtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/internal/testing/refusals"
)

// TestSamplesAreAccepted by a real API server with strict field validation.
func TestSamplesAreAccepted(t *testing.T) {
	needAPI(t)
	files, err := filepath.Glob(filepath.Join(samples, "data_*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	space := namespace(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			encoded, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(encoded, &object.Object); err != nil {
				t.Fatal(err)
			}
			object.SetNamespace(space)
			if err := client.WithFieldValidation(api, "Strict").Create(t.Context(), object); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRefusals: the API server refuses what the schema refuses without a server, row for row, and takes what is valid.
func TestRefusals(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	strict := client.WithFieldValidation(client.NewDryRunClient(api), "Strict")
	for _, test := range refusals.Cases() {
		t.Run(test.Name, func(t *testing.T) {
			err := strict.Create(t.Context(), edited(t, space, test.Edits))
			if test.Decoding != "" {
				if !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), test.Decoding) {
					t.Errorf("got %v, want %s", err, test.Decoding)
				}
				return
			}
			compareRefusals(t, slices.Concat(test.Want, test.Also), err)
		})
	}
}

// TestRefusedUpdates: an edit that the schema refuses is refused by the API server, in the same words.
func TestRefusedUpdates(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	for i, test := range refusals.Updates {
		t.Run(test.Name, func(t *testing.T) {
			mix := edited(t, space, test.Before)
			mix.SetName(fmt.Sprintf("update-%d", i))
			if err := api.Create(t.Context(), mix); err != nil {
				t.Fatal(err)
			}
			mix.Object = refusals.Apply(mix.Object, test.After)
			compareRefusals(t, test.Want, api.Update(t.Context(), mix, client.DryRunAll))
		})
	}
}

// edited returns the sample of six data sets after edits.
func edited(t *testing.T, space string, edits []refusals.Edit) *unstructured.Unstructured {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(sample(t, space))
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: refusals.Apply(object, edits)}
}

// compareRefusals compares the causes of an API server's answer, none where it takes the object.
func compareRefusals(t *testing.T, want []string, err error) {
	t.Helper()
	var got []string
	if status := apierrors.APIStatus(nil); errors.As(err, &status) && apierrors.IsInvalid(err) {
		for _, cause := range status.Status().Details.Causes {
			if !strings.Contains(cause.Message, "some validation rules were not checked") { // a hint, and no refusal
				got = append(got, cause.Field+": "+cause.Message)
			}
		}
	} else if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, refusals.Shorten(got), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}
