package envtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

const samples = "../../config/samples"

// namespace makes a namespace with the name of the test.
func namespace(t *testing.T) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: strings.Trim(strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())), "-") + "-",
		// the API server itself then judges every pod that the driver makes
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return object.Name
}

// sample reads the sample of six data sets into a namespace.
func sample(t *testing.T, namespace string) *datav1alpha1.DatasetMix {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join(samples, "data_v1alpha1_datasetmix_grpo_six.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	mix := &datav1alpha1.DatasetMix{}
	if err := yaml.UnmarshalStrict(encoded, mix); err != nil {
		t.Fatal(err)
	}
	mix.Namespace = namespace
	return mix
}

// create makes the mix of six data sets, after an edit.
func create(t *testing.T, namespace string, edit func(*datav1alpha1.DatasetMix)) *datav1alpha1.DatasetMix {
	t.Helper()
	mix := sample(t, namespace)
	if edit != nil {
		edit(mix)
	}
	if err := api.Create(t.Context(), mix); err != nil {
		t.Fatal(err)
	}
	return mix
}

// update edits a mix as a person would.
func update(t *testing.T, mix *datav1alpha1.DatasetMix, edit func(*datav1alpha1.DatasetMix)) {
	t.Helper()
	read(t, mix)
	before := mix.DeepCopy()
	edit(mix)
	if err := api.Patch(t.Context(), mix, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, mix *datav1alpha1.DatasetMix) {
	t.Helper()
	fresh := &datav1alpha1.DatasetMix{}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(mix), fresh); err != nil {
		t.Fatal(err)
	}
	*mix = *fresh
	for _, flaw := range flaws(mix) {
		t.Error(flaw)
	}
}

// kstatus returns what tools that know nothing of mixes see.
func kstatus(t *testing.T, mix *datav1alpha1.DatasetMix) status.Status {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(mix)
	if err != nil {
		t.Fatal(err)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

// becomes waits until the present generation has the condition Ready with this status and reason, and says so to kstatus.
func becomes(t *testing.T, mix *datav1alpha1.DatasetMix, value metav1.ConditionStatus, reason string, seen status.Status) metav1.Condition {
	t.Helper()
	var ready metav1.Condition
	eventually(t, fmt.Sprintf("%s is Ready=%s, %s", mix.Name, value, reason), func() string {
		read(t, mix)
		found := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
		if found == nil {
			return "no condition"
		}
		ready = *found
		if ready.Status != value || ready.Reason != reason || ready.ObservedGeneration != mix.Generation {
			return fmt.Sprintf("Ready=%s %s of generation %d: %s", ready.Status, ready.Reason, ready.ObservedGeneration, ready.Message)
		}
		return ""
	})
	if got := kstatus(t, mix); got != seen {
		t.Fatalf("kstatus: got %s, want %s: %+v", got, seen, mix.Status)
	}
	return ready
}

func published(t *testing.T, mix *datav1alpha1.DatasetMix) *datav1alpha1.Published {
	t.Helper()
	becomes(t, mix, metav1.ConditionTrue, datav1alpha1.ReasonPublished, status.CurrentStatus)
	return mix.Status.Published.DeepCopy()
}

func stalls(t *testing.T, mix *datav1alpha1.DatasetMix, reason string) string {
	t.Helper()
	return becomes(t, mix, metav1.ConditionFalse, reason, status.FailedStatus).Message
}

// names checks that a message has what its reader looks for: names, fields and numbers. The words are in the golden file of all messages.
func names(t *testing.T, message string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("the message %q does not name %q", message, part)
		}
	}
}

func progresses(t *testing.T, mix *datav1alpha1.DatasetMix, reason string) string {
	t.Helper()
	return becomes(t, mix, metav1.ConditionUnknown, reason, status.InProgressStatus).Message
}
