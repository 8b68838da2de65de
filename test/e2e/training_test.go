package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// images puts the images of the tests in the place of those of a registry.
var images = strings.NewReplacer(
	"ghcr.io/datasetmix/datasetmix-python:latest", "datasetmix-python:dev", "ghcr.io/datasetmix/datasetmix:latest", "datasetmix:dev",
)

// training reads a Job of the samples of trainings, with the images of the tests.
func (e *cluster) training(file string) *batchv1.Job {
	e.Helper()
	content, err := os.ReadFile(filepath.Join(samples, "training", file))
	e.must(err)
	text := images.Replace(string(content))
	job := &batchv1.Job{}
	e.must(yaml.UnmarshalStrict([]byte(text), job))
	job.Namespace = e.namespace
	return job
}

// logOf returns what a container of a pod has printed.
func (e *cluster) logOf(pod, container string) string {
	content, err := e.clientset.CoreV1().Pods(e.namespace).GetLogs(pod, &corev1.PodLogOptions{Container: container}).DoRaw(context.Background())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// TestATrainingWaitsForItsMix applies the sample of a training beside its mix, as a person would: it waits, verifies, mounts, and the
// DataManager hands out batches at the ratio in a restricted pod.
func TestATrainingWaitsForItsMix(t *testing.T) {
	python(t)
	e := newCluster(t)
	job := e.training("job.yaml")
	e.must(e.Create(t.Context(), job))
	e.must(e.Create(t.Context(), e.sixDataSets()))
	published := *e.ready("grpo-six").Status.Published
	e.eventually("the training ends", func() bool {
		e.must(e.Get(t.Context(), client.ObjectKeyFromObject(job), job))
		if job.Status.Failed > 0 {
			e.Fatalf("the training failed: %+v", job.Status)
		}
		return job.Status.Succeeded > 0
	})
	pods := &corev1.PodList{}
	e.must(e.List(t.Context(), pods, client.InNamespace(e.namespace), client.MatchingLabels{"batch.kubernetes.io/job-name": job.Name}))
	if len(pods.Items) != 1 {
		t.Fatalf("the training has %d pods", len(pods.Items))
	}
	pod := pods.Items[0]

	waited := e.logOf(pod.Name, "wait")
	for _, says := range []string{"waiting until it is published", `"for":"datasetmix://grpo-six"`, "its files are those of its manifest", published.Digest} {
		if !strings.Contains(waited, says) {
			t.Errorf("the wait does not say %q:\n%s", says, waited)
		}
	}
	var message struct{ Revision, Digest, Folder string }
	if text := pod.Status.InitContainerStatuses[0].State.Terminated.Message; json.Unmarshal([]byte(text), &message) != nil ||
		message.Revision != published.Revision || message.Digest != published.Digest {
		t.Errorf("the wait ended with %q, and %+v was published", text, published)
	}
	trained := e.logOf(pod.Name, "train")
	if got := line(trained, "160107 rows an epoch of revision"); got != published.Digest[:10] {
		t.Errorf("the training read revision %q:\n%s", got, trained)
	}
	for _, step := range []string{"step 0:", "step 20:", "step 80:"} {
		if got, want := line(trained, step), "{'code': 12, 'math': 16, 'qa': 12}"; got != want {
			t.Errorf("%s a batch of 40 has %s, want %s\n%s", step, got, want, trained)
		}
	}
}

// python passes a test over where there is no image of Python.
func python(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("../../dist/python.tar"); err != nil {
		t.Skipf("there is no image of Python: %v; hack/python-image.sh says why", err)
	}
}
