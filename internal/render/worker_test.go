package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestParallelism: as many pods at once as asked for, never more than there are units, and one where one alone can mount the
// claim.
func TestParallelism(t *testing.T) {
	tests := []struct {
		name    string
		asked   int32
		sharing render.Sharing
		want    int32
	}{
		{name: "unset", sharing: render.OneNode, want: 6},
		{name: "fewer", asked: 2, sharing: render.AnyNode, want: 2},
		{name: "more than there are units", asked: 64, sharing: render.AnyNode, want: 6},
		{name: "one pod at a time", asked: 64, sharing: render.OnePod, want: 1},
	}
	if got := render.Parallelism(sample(t, "grpo_six"), 80, render.OneNode); got != 6 {
		t.Errorf("of 80 pods %d run at once, want 6", got)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, "grpo_six")
			mix.Spec.Worker = &datav1alpha1.Worker{Parallelism: test.asked}
			w := work(t, mix)
			if test.sharing != render.ReadOnly {
				w.Sharing = test.sharing
			}
			if got := *w.Job().Spec.Parallelism; got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// TestPodSettings that most mixes leave out are left out of the Job as well.
func TestPodSettings(t *testing.T) {
	type settings struct {
		Deadline *int64
		Runtime  *string
	}
	of := func(job *batchv1.Job) settings {
		return settings{job.Spec.ActiveDeadlineSeconds, job.Spec.Template.Spec.RuntimeClassName}
	}
	mix := sample(t, "grpo_six")
	if diff := cmp.Diff(settings{}, of(work(t, mix).Job())); diff != "" {
		t.Errorf("unset (-want +got):\n%s", diff)
	}
	mix.Spec.Worker = &datav1alpha1.Worker{ActiveDeadlineSeconds: 3600, RuntimeClassName: "gvisor"}
	if diff := cmp.Diff(settings{ptr.To[int64](3600), ptr.To("gvisor")}, of(work(t, mix).Job())); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}

// TestQueue: the labels of Kueue are passed on to the Job, and no others; a Job with a queue begins suspended.
func TestQueue(t *testing.T) {
	tests := []struct {
		name    string
		labels  map[string]string
		want    map[string]string
		suspend *bool
	}{
		{name: "none"},
		{name: "other labels", labels: map[string]string{"app.kubernetes.io/instance": "x", "team": "y"}},
		{name: "a queue", labels: map[string]string{datav1alpha1.LabelQueue: "q", "team": "y"},
			want: map[string]string{datav1alpha1.LabelQueue: "q"}, suspend: ptr.To(true)},
		{name: "a queue and a priority", labels: map[string]string{datav1alpha1.LabelQueue: "q", datav1alpha1.LabelQueuePriority: "low"},
			want: map[string]string{datav1alpha1.LabelQueue: "q", datav1alpha1.LabelQueuePriority: "low"}, suspend: ptr.To(true)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, "grpo_six")
			plain := work(t, mix).Job().Labels
			mix.Labels = test.labels
			w := work(t, mix)
			job := w.Job()
			added := map[string]string{}
			for name, value := range job.Labels {
				if _, ok := plain[name]; !ok {
					added[name] = value
				}
			}
			if test.want == nil {
				test.want = map[string]string{}
			}
			if diff := cmp.Diff(test.want, added); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.suspend, job.Spec.Suspend); diff != "" {
				t.Errorf("suspend (-want +got):\n%s", diff)
			}
			for name := range test.labels {
				if _, ok := job.Spec.Template.Labels[name]; ok {
					t.Errorf("the pods have the label %s: a queue would take each for a workload", name)
				}
			}
		})
	}
}

// TestBuild: the id of a build depends on the recipe and the location, not on stage or attempt, and is in the environment of the pods.
func TestBuild(t *testing.T) {
	mix := sample(t, "grpo_six")
	w := work(t, mix)
	id := render.Build(w.Recipe, w.Location)
	w.Attempt = 2
	atSplit(&w)
	if got := w.Job().Spec.Template.Spec.Containers[0].Env[0]; got.Name != "DATASETMIX_BUILD" || got.Value != id {
		t.Errorf("the second attempt at the split stage has %s=%s, want %s", got.Name, got.Value, id)
	}
	mix.Spec.Seed = ptr.To[int64](7)
	other := w.Location
	other.Path = "elsewhere"
	for name, got := range map[string]string{"another seed": render.Build(meaning(t, mix), w.Location), "another place": render.Build(w.Recipe, other)} {
		if got == id {
			t.Errorf("%s has the same id", name)
		}
	}
}

// TestTemplate: the hash of what a queue and a node see of a Job follows the queue, the priority and the worker, and nothing else.
func TestTemplate(t *testing.T) {
	of := func(edit func(*datav1alpha1.DatasetMix)) string {
		mix := sample(t, "grpo_six")
		edit(mix)
		w := work(t, mix)
		return w.Job().Annotations[datav1alpha1.AnnotationTemplate]
	}
	plain := of(func(*datav1alpha1.DatasetMix) {})
	for name, edit := range map[string]func(*datav1alpha1.DatasetMix){
		"a queue":     func(mix *datav1alpha1.DatasetMix) { mix.Labels = map[string]string{datav1alpha1.LabelQueue: "q"} },
		"parallelism": func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{Parallelism: 2} },
		"partial":     func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{MinParallelism: 2} },
		"deadline":    func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &datav1alpha1.Worker{ActiveDeadlineSeconds: 60} },
	} {
		if of(edit) == plain {
			t.Errorf("%s: the hash is the same", name)
		}
	}
	for name, edit := range map[string]func(*datav1alpha1.DatasetMix){
		"nothing": func(*datav1alpha1.DatasetMix) {},
		"a ratio": func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[0].Share.Set(9) },
		"a label": func(mix *datav1alpha1.DatasetMix) { mix.Labels = map[string]string{"team": "x"} },
	} {
		if got := of(edit); got != plain {
			t.Errorf("%s: the hash is %s, was %s", name, got, plain)
		}
	}
}

// TestPartialAdmission: Kueue is told with how many pods a Job may begin, where that is less than it would have.
func TestPartialAdmission(t *testing.T) {
	for _, test := range []struct {
		parallelism, least int32
		sharing            render.Sharing
		want               string
	}{
		{parallelism: 4, least: 1, want: "1"}, {least: 5, want: "5"}, {least: 6}, {parallelism: 4},
		{parallelism: 64, least: 60}, // six data sets are never 60 pods
		{parallelism: 4, least: 1, sharing: render.OnePod},
	} {
		mix := sample(t, "grpo_six")
		mix.Spec.Worker = &datav1alpha1.Worker{Parallelism: test.parallelism, MinParallelism: test.least}
		w := work(t, mix)
		if test.sharing != render.ReadOnly {
			w.Sharing = test.sharing
		}
		if got := w.Job().Annotations[datav1alpha1.AnnotationMinParallelism]; got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}
