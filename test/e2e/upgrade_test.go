package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// previousImage is built of the commit before this one.
const previousImage = "datasetmix:previous"

// runs deploys the operator from an image, with workers of it, as config/default does with kustomize edit set image, and waits until
// both managers are of it.
func (e *cluster) runs(ctx context.Context, image string) {
	e.Helper()
	e.admits(ctx, image)
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: "datasetmix-system", Name: "datasetmix-manager"}
	e.must(e.Get(ctx, key, deployment))
	before := deployment.DeepCopy()
	container := &deployment.Spec.Template.Spec.Containers[0]
	container.Image = image
	e.must(e.Patch(ctx, deployment, client.MergeFrom(before)))
	e.eventually("the managers run from "+image, func() bool {
		e.must(e.Get(ctx, key, deployment))
		status := deployment.Status
		return status.ObservedGeneration == deployment.Generation && status.UpdatedReplicas == ptr.Deref(deployment.Spec.Replicas, 1) &&
			status.Replicas == status.UpdatedReplicas && status.AvailableReplicas == status.Replicas
	})
}

// admits has the admission policy let workers of an image through.
func (e *cluster) admits(ctx context.Context, image string) {
	e.Helper()
	policy := &admissionv1.ValidatingAdmissionPolicy{}
	e.must(e.Get(ctx, client.ObjectKey{Name: "datasetmix-manager-jobs"}, policy))
	before := policy.DeepCopy()
	for i, variable := range policy.Spec.Variables {
		if variable.Name == "image" {
			policy.Spec.Variables[i].Expression = "'" + image + "'"
		}
	}
	e.must(e.Patch(ctx, policy, client.MergeFrom(before)))
}

// TestUpgrade replaces managers and workers of the previous commit by those of this one in mid-build: no stage is lost, none is
// built twice, and the bytes are those of a build of this commit alone.
func TestUpgrade(t *testing.T) {
	if _, err := os.Stat("../../dist/previous.tar"); err != nil {
		t.Skip("there is no image of the previous commit (dist/previous.tar); make e2e builds one where there is a history")
	}
	e := newCluster(t)
	want := e.whole()
	e.runs(t.Context(), previousImage)
	t.Cleanup(func() { e.runs(context.Background(), "datasetmix:dev") })
	serve := e.silentHub()
	e.must(e.Create(t.Context(), e.sixDataSets()))
	e.stage("download")
	e.runs(t.Context(), "datasetmix:dev")
	serve()
	if mix := e.ready("grpo-six"); mix.Status.Published.Digest != want {
		t.Errorf("the published manifest is %s, that of this commit is %s", mix.Status.Published.Digest, want)
	}
	e.builtOnce()
}

// silentHub stops the Hub, so that a build stays in mid-download until it serves again.
func (e *cluster) silentHub() (serve func()) {
	e.Helper()
	scale := func(replicas int) {
		hub := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "datasetmix-hub", Name: "hub"}}
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
		e.must(e.Patch(context.Background(), hub, patch))
	}
	scale(0)
	e.Cleanup(func() { scale(1) })
	return func() { scale(1) }
}

// builtOnce checks that each stage has one Job. The previous image has downloaded, and this one has built what follows.
func (e *cluster) builtOnce() {
	e.Helper()
	list := &batchv1.JobList{}
	e.must(e.List(e.Context(), list, client.InNamespace(e.namespace)))
	images, jobs := map[string]string{}, map[string]int{}
	for _, job := range list.Items {
		stage := job.Labels["data.datasetmix.io/stage"]
		jobs[stage]++
		images[stage] = job.Spec.Template.Spec.Containers[0].Image
	}
	for stage, count := range jobs {
		if count != 1 {
			e.Errorf("stage %s has %d Jobs", stage, count)
		}
	}
	if images["download"] != previousImage || images["split"] != "datasetmix:dev" {
		e.Errorf("the images by stage are %v", images)
	}
}
