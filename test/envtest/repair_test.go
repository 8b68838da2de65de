package envtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestRepair: any lost object is recreated, and the published revision remains the same.
func TestRepair(t *testing.T) {
	needAPI(t)
	status := func(t *testing.T, mix *datav1alpha1.DatasetMix) {
		before := mix.DeepCopy()
		mix.Status = datav1alpha1.DatasetMixStatus{}
		if err := api.Status().Patch(t.Context(), mix, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	pods := func(t *testing.T, mix *datav1alpha1.DatasetMix) {
		remove(t, &corev1.Pod{}, mix.Namespace)
	}
	jobs := func(t *testing.T, mix *datav1alpha1.DatasetMix) {
		remove(t, &batchv1.Job{}, mix.Namespace)
	}
	results := func(t *testing.T, mix *datav1alpha1.DatasetMix) {
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: mix.Namespace, Name: mix.Name + "-results"}}
		if err := api.Delete(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	type loss func(*testing.T, *datav1alpha1.DatasetMix)
	tests := []struct {
		name   string
		losses []loss
		// reread says that the stages have to run again, to read their results from the volume
		reread bool
	}{
		{name: "status", losses: []loss{status}},
		{name: "pods-and-status", losses: []loss{pods, status}},
		{name: "jobs-pods-and-status", losses: []loss{jobs, pods, status}},
		{name: "results", losses: []loss{results}},
		{name: "pods-and-results", losses: []loss{pods, results}, reread: true},
		{name: "everything", losses: []loss{jobs, pods, results, status}, reread: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			space := namespace(t)
			d := newDriver(t, space)
			mix := create(t, space, nil)
			first := published(t, mix)
			d.forget()
			for _, lose := range test.losses {
				lose(t, mix)
			}
			eventually(t, "published again", func() string {
				config := &corev1.ConfigMap{}
				key := client.ObjectKey{Namespace: space, Name: mix.Name + "-results"}
				if err := api.Get(t.Context(), key, config); apierrors.IsNotFound(err) {
					return "no results"
				}
				read(t, mix)
				if mix.Status.Published == nil || mix.Status.Summary.Stage != "-" {
					return "not published"
				}
				return cmp.Diff(first.Revision, mix.Status.Published.Revision)
			})
			published(t, mix)
			if ran := len(d.ran(pipeline.StagePublish)) > 0; ran != test.reread {
				t.Errorf("ran again: %v, want %v", ran, test.reread)
			}
		})
	}
}

func remove(t *testing.T, kind client.Object, namespace string) {
	t.Helper()
	err := api.DeleteAllOf(t.Context(), kind, client.InNamespace(namespace), client.GracePeriodSeconds(0),
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil {
		t.Fatal(err)
	}
}

// TestLostMessage: a termination message that is not a result counts as lost, and the next attempt reads the result back.
func TestLostMessage(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	seen := map[string]bool{}
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if end := worker(task, unit); task.Stage != pipeline.StageSplit || unit.Name != "math" || seen[unit.Key] {
			return end
		}
		seen[unit.Key] = true
		return ending{message: `{"version":"datasetmix.result/v1","stage":"spl`}
	})
	mix := create(t, space, nil)
	published(t, mix)
	again := slices.DeleteFunc(d.jobs(), func(name string) bool { return !strings.HasSuffix(name, "-a2") })
	if len(again) != 1 || !strings.HasPrefix(again[0], "grpo-six-split-") {
		t.Errorf("second attempts: %v, want one of stage split", again)
	}
	// The pod builds one data set after another, so the message that is lost has told of none of them.
	want := sorted(append(slices.Clone(all), "gsm8k", "hotpotqa", "humaneval", "math"))
	if diff := cmp.Diff(want, d.ran(pipeline.StageSplit)); diff != "" {
		t.Errorf("split (-want +got):\n%s", diff)
	}
}

// TestEndlesslyLost: a stage whose worker never reports is not retried forever.
func TestEndlesslyLost(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(contract.Task, pipeline.Node) ending { return ending{message: "done"} })
	mix := create(t, space, nil)
	message, jobs := stalls(t, mix, datav1alpha1.ReasonRetriesExhausted), d.jobs()
	if len(jobs) != 3 {
		t.Fatalf("Jobs: %v, want 3", jobs)
	}
	names(t, message, "download", " 3 ", "Job grpo-six-download-")
}

// TestClaim: the manager waits for a named claim. A claim that it creates can grow, and is owned by the mix only if deletionPolicy is Delete.
func TestClaim(t *testing.T) {
	needAPI(t)
	t.Run("waited-for", func(t *testing.T) {
		space := namespace(t)
		newDriver(t, space)
		mix := create(t, space, func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Output.Volume = datav1alpha1.OutputVolume{ClaimName: "datasets"}
		})
		progresses(t, mix, datav1alpha1.ReasonWaitingForVolume)
		claim := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "datasets"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}
		if err := api.Create(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		published(t, mix)
	})
	t.Run("retained", func(t *testing.T) {
		space := namespace(t)
		newDriver(t, space)
		mix := create(t, space, nil)
		published(t, mix)
		claim := &corev1.PersistentVolumeClaim{}
		key := client.ObjectKey{Namespace: space, Name: "grpo-six-data"}
		if err := api.Get(t.Context(), key, claim); err != nil || len(claim.OwnerReferences) != 0 {
			t.Fatalf("the claim has owners %v (%v), want none", claim.OwnerReferences, err)
		}
		update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.DeletionPolicy = datav1alpha1.DeletionDelete })
		eventually(t, "owned", func() string {
			if err := api.Get(t.Context(), key, claim); err != nil || len(claim.OwnerReferences) != 1 || claim.OwnerReferences[0].UID != mix.UID {
				return "no owner"
			}
			return ""
		})
		published(t, mix)
	})
	t.Run("somebody-elses", func(t *testing.T) {
		space := namespace(t)
		newDriver(t, space)
		claim := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "grpo-six-data"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}
		if err := api.Create(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		mix := create(t, space, nil)
		stalls(t, mix, datav1alpha1.ReasonNameConflict)
	})
}

// TestNameConflict: an object with another owner is not changed.
func TestNameConflict(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	newDriver(t, space)
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "grpo-six-results"}, Data: map[string]string{"mine": "1"}}
	if err := api.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	mix := create(t, space, nil)
	names(t, stalls(t, mix, datav1alpha1.ReasonNameConflict), "ConfigMap grpo-six-results")
}
