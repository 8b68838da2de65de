package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// trained makes the objects of a sample of trainings, with the images of the tests and some texts replaced, and returns the last one.
func (e *cluster) trained(file string, replace ...string) *unstructured.Unstructured {
	e.Helper()
	content, err := os.ReadFile(filepath.Join(samples, "training", file))
	e.must(err)
	images := []string{"ghcr.io/datasetmix/datasetmix-python:latest", "datasetmix-python:dev", "ghcr.io/datasetmix/datasetmix:latest", "datasetmix:dev"}
	text := strings.NewReplacer(append(images, replace...)...).Replace(string(content))
	var object *unstructured.Unstructured
	for _, document := range bytes.Split([]byte(text), []byte("\n---\n")) {
		object = &unstructured.Unstructured{}
		e.must(yaml.Unmarshal(document, object))
		object.SetNamespace(e.namespace)
		e.must(e.Create(e.Context(), object))
	}
	return object
}

// complete waits until an object has a condition with the status True; it fails at once when the condition Failed has it.
func (e *cluster) complete(object *unstructured.Unstructured, kind string) {
	e.Helper()
	e.eventually(object.GetKind()+" "+object.GetName()+" is "+kind, func() bool {
		e.must(e.Get(e.Context(), client.ObjectKeyFromObject(object), object))
		conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
		e.must(err)
		is := func(kind string) bool {
			return slices.ContainsFunc(conditions, func(condition any) bool {
				of, ok := condition.(map[string]any)
				return ok && of["type"] == kind && of["status"] == "True"
			})
		}
		if is("Failed") {
			e.Fatalf("%s failed: %v", object.GetKind(), conditions)
		}
		return is(kind)
	})
}

// states returns what the trainings in pods with a prefix printed last, in the order of the pods' names: the state of a DataManager.
func (e *cluster) states(prefix, container string) (states []string) {
	e.Helper()
	pods := &corev1.PodList{}
	e.must(e.List(e.Context(), pods, client.InNamespace(e.namespace)))
	for _, pod := range pods.Items {
		if strings.HasPrefix(pod.Name, prefix) {
			lines := strings.Split(strings.TrimSpace(e.logOf(pod.Name, container)), "\n")
			states = append(states, lines[len(lines)-1])
		}
	}
	return states
}

// endWith wants each of so many ranks to have read a revision a hundred times.
func (e *cluster) endWith(states []string, ranks int, published *datav1alpha1.Published) {
	e.Helper()
	e.Logf("the ranks end with %q", states)
	if len(states) != ranks {
		e.Errorf("%d pods have trained, want %d", len(states), ranks)
	}
	for _, state := range states {
		if !strings.Contains(state, published.Digest) {
			e.Errorf("a rank ends with the state %q, which is not of %s", state, published.Digest)
		}
	}
}

// TestTrainersJobSet: the sample of a JobSet is admitted by its queue, and each of its pods reads the revision that it names.
func TestTrainersJobSet(t *testing.T) {
	t.Parallel()
	python(t)
	k := besideKueue(t)
	k.room("training", "16Gi")
	k.inQueue("training")
	published := k.published()
	set := k.trained("jobset.yaml", "0123456789", published.Revision, `cpu: "4", memory: 16Gi`, "cpu: 50m, memory: 64Mi")
	k.complete(set, "Completed")
	k.endWith(k.states("grpo-trainer-", "train"), 4, published)
}

// TestTrainersTrainJob: the sample of a TrainJob waits for the mix by the initializer of its runtime, which is the operator's image, and then
// runs to its end on two nodes.
func TestTrainersTrainJob(t *testing.T) {
	t.Parallel()
	integrations(t)
	python(t)
	e := newCluster(t)
	job := e.trained("trainjob.yaml")
	e.must(e.Create(t.Context(), e.sixDataSets()))
	published := e.ready("grpo-six").Status.Published
	e.complete(job, "Complete")
	e.endWith(e.states("grpo-node-", "node"), 2, published)
	waited := strings.Join(e.states("grpo-dataset-initializer-", "dataset-initializer"), "\n")
	for _, says := range []string{"its files are those of its manifest", published.Digest} {
		if !strings.Contains(waited, says) {
			t.Errorf("the initializer does not say %q:\n%s", says, waited)
		}
	}
}
