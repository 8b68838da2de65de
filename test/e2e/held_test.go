package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestATrainingPodKeepsItsRevision: a pod that mounted the newest revision reads the same bytes through twenty publications, though
// the mix keeps one; the status says so; and when it is gone, the next publication gives the room back.
func TestATrainingPodKeepsItsRevision(t *testing.T) {
	if os.Getenv("TRAIN") == "" {
		t.Skip("it takes five minutes: make e2e TRAIN=1 runs it")
	}
	pid := node(t)
	e := newCluster(t)
	mix := e.sixDataSets("keepRevisions: 3", "keepRevisions: 1")
	mix.Spec.Output.KeepSeconds = 60
	e.must(e.Create(t.Context(), mix))
	first := *e.ready("grpo-six").Status.Published
	folder := filepath.Join(e.folder(pid, first.ClaimName), "grpo-six")
	train := restricted("train-", 1000, map[string]corev1.VolumeMount{
		first.ClaimName: {MountPath: "/mix", SubPath: "grpo-six/current", ReadOnly: true},
	}, "/reader", "-train", "/mix", "mixed/train_mixed.jsonl")
	train.Namespace = e.namespace
	e.must(e.Create(t.Context(), train))
	e.eventually("the training pod reads", func() bool { return strings.Contains(e.log(train.Name), "sha256: ") })
	digestThen := line(e.log(train.Name), "sha256:")
	time.Sleep(2 * time.Minute) // more than clocks may be apart: nothing that is published from here on can be what the pod mounted

	begun := time.Now()
	for i := range 20 {
		e.share(5 + i)
	}
	last := e.ready("grpo-six")
	t.Logf("twenty publications in %s; the volume has %v", time.Since(begun).Round(time.Second), revisionsIn(t, folder))
	if got := line(e.log(train.Name), "sha256:"); got != digestThen || digest(t, filepath.Join(folder, "revisions", first.Revision, "mixed", "train_mixed.jsonl")) != digestThen {
		t.Errorf("the pod read %s, and reads %s", digestThen, got)
	}
	e.must(e.Get(t.Context(), client.ObjectKeyFromObject(train), train))
	if train.Status.Phase != corev1.PodRunning || train.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the training pod is %s:\n%s", train.Status.Phase, e.log(train.Name))
	}
	held := slices.IndexFunc(last.Status.Held, func(of datav1alpha1.HeldRevision) bool { return of.Revision == first.Revision })
	if held < 0 {
		t.Fatalf("status.held lacks %s:\n%s", first.Revision, show(last))
	}
	t.Logf("held: %+v, %d bytes", last.Status.Held[held].Pods, *last.Status.Held[held].Bytes)
	if of := last.Status.Held[held]; !slices.Equal(of.Pods, []string{train.Name}) || *of.Bytes != *first.Bytes {
		t.Errorf("revision %s is held by %v and has %d bytes, want by %s, %d", of.Revision, of.Pods, *of.Bytes, train.Name, *first.Bytes)
	}

	e.must(e.Delete(context.Background(), train))
	e.eventually("the training pod is gone", func() bool {
		return client.IgnoreNotFound(e.Get(t.Context(), client.ObjectKeyFromObject(train), train)) == nil && train.Status.Phase != corev1.PodRunning ||
			e.Get(t.Context(), client.ObjectKeyFromObject(train), train) != nil
	})
	time.Sleep(70 * time.Second) // spec.output.keepSeconds is over
	newest := e.share(4000)
	if left := revisionsIn(t, folder); slices.Contains(left, first.Revision) || len(left) > 2 {
		t.Errorf("after the pod has gone the volume has %v, published is %s", left, newest.Revision)
	}
	if after := e.ready("grpo-six"); len(after.Status.Held) != 0 {
		t.Errorf("held: %+v", after.Status.Held)
	}
}

// revisionsIn lists the revisions in a mix's folder.
func revisionsIn(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(folder, "revisions"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
