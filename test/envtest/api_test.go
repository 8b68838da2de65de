package envtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
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

// TestRefusals: the API server refuses in the words that config/crd specifies; the whole table is there, against the same
// code without a server.
func TestRefusals(t *testing.T) {
	needAPI(t)
	tests := []struct {
		name string
		edit func(*datav1alpha1.DatasetMix)
		want string
	}{
		{
			name: "long-name",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Name = strings.Repeat("a", 41) },
			want: "The name of a DatasetMix must be at most 40 characters long and contain no dot, so that the names of its Jobs and pods fit.",
		},
		{
			name: "two-sources",
			edit: func(mix *datav1alpha1.DatasetMix) {
				mix.Spec.Domains[0].Datasets[0].Source.Volume = &datav1alpha1.VolumeSource{ClaimName: "c"}
			},
			want: "spec.domains[0].datasets[0].source: Invalid value: A source must be exactly one of huggingFace, http, objectStore, oci and volume.",
		},
		{
			name: "name-twice",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[1].Datasets[1].Name = "gsm8k" },
			want: "spec: Invalid value: The names of data sets must be unique over all domains.",
		},
		{
			name: "negative-share",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[2].Share.Set(-1) },
			want: "spec.domains[2]: Invalid value: The share of a domain must be greater than 0 and at most 1000000.",
		},
		{
			name: "delete-somebody-elses-claim",
			edit: func(mix *datav1alpha1.DatasetMix) {
				mix.Spec.Output.Volume = datav1alpha1.OutputVolume{ClaimName: "c"}
				mix.Spec.Output.DeletionPolicy = datav1alpha1.DeletionDelete
			},
			want: "spec.output: Invalid value: The deletionPolicy Delete needs a claimTemplate: a claim that is named by claimName belongs to whoever made it.",
		},
	}
	space := namespace(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, space)
			test.edit(mix)
			err := api.Create(t.Context(), mix)
			if !apierrors.IsInvalid(err) || !strings.Contains(withoutValues(err.Error()), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

// withoutValues leaves out the offending objects that an API server quotes.
func withoutValues(message string) string {
	for {
		head, rest, found := strings.Cut(message, "Invalid value: {")
		end := strings.LastIndex(rest, "}: ")
		if !found || end < 0 {
			return strings.ReplaceAll(message, `Invalid value: "object": `, "Invalid value: ")
		}
		message = head + "Invalid value: " + rest[end+len("}: "):]
	}
}
