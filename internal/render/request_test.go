package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestRequests: a request is told by the Job, and what is to be built again by the Job's name, its location and its task.
func TestRequests(t *testing.T) {
	plain := work(t, sample(t, "huggingface"))
	requested := plain
	requested.Request = "r1"
	again := requested
	again.Location.Again = "f1"
	type told struct{ Request, Location, Again string }
	tell := func(w render.Work) told {
		config, err := w.Task()
		if err != nil {
			t.Fatal(err)
		}
		task, err := contract.ParseTask([]byte(config.Data["task.json"]))
		if err != nil {
			t.Fatal(err)
		}
		job := w.Job()
		return told{job.Annotations[datav1alpha1.AnnotationRequest], strings.TrimPrefix(job.Annotations[datav1alpha1.AnnotationLocation], plain.Location.String()), task.Again}
	}
	got := []told{tell(plain), tell(requested), tell(again)}
	if diff := cmp.Diff([]told{{}, {Request: "r1"}, {"r1", "#f1", "f1"}}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if _, there := plain.Job().Annotations[datav1alpha1.AnnotationRequest]; there {
		t.Error("a Job of no request has the annotation")
	}
	if plain.Name() != requested.Name() || plain.Name() == again.Name() {
		t.Errorf("the Jobs are called %s, %s and %s", plain.Name(), requested.Name(), again.Name())
	}
}

// TestASplitMayFetchAgain: where the cache is bounded, it has the credentials of what it reads, and else none.
func TestASplitMayFetchAgain(t *testing.T) {
	for _, size := range []*resource.Quantity{nil, ptr.To(resource.MustParse("1Gi"))} {
		mix := sample(t, "huggingface")
		if size != nil {
			mix.Spec.Output.Cache = &datav1alpha1.Cache{MaxSize: size}
		}
		w := work(t, mix)
		atSplit(&w)
		secrets := 0
		for _, volume := range w.Job().Spec.Template.Spec.Volumes {
			if volume.Projected == nil {
				continue
			}
			for _, source := range volume.Projected.Sources {
				if source.Secret != nil {
					secrets++
				}
			}
		}
		if (secrets > 0) != (size != nil) {
			t.Errorf("a cache of %v: %d Secrets", size, secrets)
		}
	}
}

// TestCacheSize: 0 is a bound, too.
func TestCacheSize(t *testing.T) {
	for text, want := range map[string]int64{"20Gi": 20 << 30, "1500m": 2, "0": 1} {
		mix := sample(t, "http")
		mix.Spec.Output.Cache = &datav1alpha1.Cache{MaxSize: ptr.To(resource.MustParse(text))}
		if got := meaning(t, mix).Output.CacheSize; got != want {
			t.Errorf("%s is %d bytes, want %d", text, got, want)
		}
	}
}
