package envtest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

var all = []string{"gsm8k", "hotpotqa", "humaneval", "math", "mbpp", "squad2"}

// TestBuild: the six data sets come to the numbers that README shows, and kubectl shows them.
func TestBuild(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	mix := create(t, space, nil)
	if mix.Status.ObservedGeneration == nil || *mix.Status.ObservedGeneration != -1 {
		t.Errorf("observedGeneration before the first pass: got %v, want -1", mix.Status.ObservedGeneration)
	}
	if got := kstatus(t, mix); got != status.InProgressStatus {
		t.Errorf("kstatus before the first pass: got %s, want InProgress", got)
	}
	published(t, mix)

	if diff := cmp.Diff([]string{"test", "train"}, d.ran(pipeline.StageMix)); diff != "" {
		t.Errorf("mixed (-want +got):\n%s", diff)
	}
	name, path := mix.Status.Published.Revision, mix.Status.Published.Path
	if path != "grpo-six/revisions/"+name || mix.Status.Published.ClaimName != "grpo-six-data" {
		t.Errorf("published at %s on %s", path, mix.Status.Published.ClaimName)
	}
	want := []string{"grpo-six", "True", "Published", "-", "-", "160107", "32022", "math 40.0% qa 30.0% code 30.0%"}
	if diff := cmp.Diff(want, columns(t, mix)[:8]); diff != "" {
		t.Errorf("what kubectl get shows (-want +got):\n%s", diff)
	}
	wantEval := datav1alpha1.DatasetSplitStatus{
		Name: "train", Rows: ptr.To[int64](137), Balanced: ptr.To[int64](356), Mixed: ptr.To[int64](24016),
		Unique: ptr.To[int64](137), MaxRepeats: ptr.To[int64](176), Overlap: ptr.To[int64](0), Variants: ptr.To[int64](0),
	}
	if diff := cmp.Diff(wantEval, mix.Status.Datasets[2].Splits[0]); diff != "" {
		t.Errorf("humaneval (-want +got):\n%s", diff)
	}
	wantEvents := []string{
		"RevisionPublished", "StageStarted", "StageStarted", "StageStarted", // download, split, and all the rest by the pod that split
		"StageSucceeded", "StageSucceeded",
	}
	eventually(t, "events", func() string { return cmp.Diff(wantEvents, events(t, space)) })
}

// columns returns the row that kubectl get prints.
func columns(t *testing.T, mix *datav1alpha1.DatasetMix) []string {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(server)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := clientset.RESTClient().Get().AbsPath("/apis/data.datasetmix.io/v1alpha1").
		Namespace(mix.Namespace).Resource("datasetmixes").Name(mix.Name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(encoded, table); err != nil {
		t.Fatal(err)
	}
	var cells []string
	for i, cell := range table.Rows[0].Cells {
		if table.ColumnDefinitions[i].Priority == 0 {
			text, err := json.Marshal(cell)
			if err != nil {
				t.Fatal(err)
			}
			cells = append(cells, strings.Trim(string(text), `"`))
		}
	}
	return cells
}

func events(t *testing.T, namespace string) []string {
	t.Helper()
	list := &eventsv1.EventList{}
	if err := api.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, event := range list.Items {
		times := int32(1)
		if event.Series != nil {
			times = event.Series.Count
		}
		for range times {
			reasons = append(reasons, event.Reason)
		}
	}
	return sorted(reasons)
}

// TestQuiet: a mix that is Ready causes no write.
func TestQuiet(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	newDriver(t, space)
	mix := create(t, space, nil)
	published(t, mix)
	time.Sleep(time.Second)
	before := versions(t, space)
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Annotations = map[string]string{"poke": "1"} })
	before[mix.Name] = mix.ResourceVersion
	time.Sleep(3 * time.Second)
	if diff := cmp.Diff(before, versions(t, space)); diff != "" {
		t.Errorf("resource versions moved (-before +after):\n%s", diff)
	}
}

func versions(t *testing.T, namespace string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, list := range []client.ObjectList{&datav1alpha1.DatasetMixList{}, &corev1.ConfigMapList{}, &corev1.PersistentVolumeClaimList{}} {
		if err := api.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		switch list := list.(type) {
		case *datav1alpha1.DatasetMixList:
			for _, item := range list.Items {
				all[item.Name] = item.ResourceVersion
			}
		case *corev1.ConfigMapList:
			for _, item := range list.Items {
				all["config "+item.Name] = item.ResourceVersion
			}
		case *corev1.PersistentVolumeClaimList:
			for _, item := range list.Items {
				all["claim "+item.Name] = item.ResourceVersion
			}
		}
	}
	return all
}

// TestEdits: an edit builds again what depends on it, and nothing else; the published revision stays until the next one is.
func TestEdits(t *testing.T) {
	needAPI(t)
	tests := []struct {
		name string
		edit func(*datav1alpha1.DatasetMix)
		want map[pipeline.Stage][]string
	}{
		{
			name: "share",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[0].Share = resource.MustParse("5") },
			want: map[pipeline.Stage][]string{pipeline.StageBalance: {"grpo-six"}, pipeline.StageMix: {"test", "train"}, pipeline.StagePublish: {"grpo-six"}},
		},
		{
			name: "equal-share",
			edit: func(mix *datav1alpha1.DatasetMix) {
				for i, share := range []string{"0.4", "0.3", "0.3"} {
					mix.Spec.Domains[i].Share = resource.MustParse(share)
				}
			},
		},
		{
			name: "size-of-test",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Splits[1].Size.Policy = datav1alpha1.SizeNoRepeat },
			want: map[pipeline.Stage][]string{pipeline.StageBalance: {"grpo-six"}, pipeline.StageMix: {"test"}, pipeline.StagePublish: {"grpo-six"}},
		},
		{
			name: "order",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Order = datav1alpha1.OrderInterleaved },
			want: map[pipeline.Stage][]string{pipeline.StageMix: {"test", "train"}, pipeline.StagePublish: {"grpo-six"}},
		},
		{
			name: "revision-of-one",
			edit: func(mix *datav1alpha1.DatasetMix) {
				mix.Spec.Domains[0].Datasets[0].Source.HuggingFace.Revision = "e53f048856ff4f594e959d75785d2c2d37b678ee"
			},
			want: map[pipeline.Stage][]string{
				pipeline.StageDownload: {"gsm8k"}, pipeline.StageSplit: {"gsm8k"}, pipeline.StageBalance: {"grpo-six"},
				pipeline.StageMix: {"test", "train"}, pipeline.StagePublish: {"grpo-six"},
			},
		},
		{
			name: "worker",
			edit: func(mix *datav1alpha1.DatasetMix) {
				mix.Spec.Worker = &datav1alpha1.Worker{PriorityClassName: "batch"}
			},
		},
		{
			name: "path",
			edit: func(mix *datav1alpha1.DatasetMix) { mix.Spec.Output.Path = "elsewhere" },
			want: map[pipeline.Stage][]string{
				pipeline.StageDownload: all, pipeline.StageSplit: all, pipeline.StageBalance: {"grpo-six"},
				pipeline.StageMix: {"test", "train"}, pipeline.StagePublish: {"grpo-six"},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			space := namespace(t)
			d := newDriver(t, space)
			mix := create(t, space, nil)
			first := published(t, mix)
			d.forget()
			update(t, mix, test.edit)
			second := published(t, mix)
			got := map[pipeline.Stage][]string{}
			for _, stage := range pipeline.Stages() {
				if ran := d.ran(stage); len(ran) > 0 {
					got[stage] = ran
				}
			}
			want := test.want
			if want == nil {
				want = map[pipeline.Stage][]string{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("built again (-want +got):\n%s", diff)
			}
			if same := cmp.Equal(first, second); same != (test.want == nil) {
				t.Errorf("published %v, then %v", first, second)
			}
		})
	}
}

// TestPublishedStays: the last revision remains while the next one is built, and if that fails.
func TestPublishedStays(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	mix := create(t, space, nil)
	first := published(t, mix)
	d.does(func(contract.Task, pipeline.Node) ending { return ending{hang: true} })
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Seed = ptr.To[int64](43) })
	eventually(t, "splitting", func() string {
		read(t, mix)
		return cmp.Diff("split 0/6", mix.Status.Summary.Stage+" "+mix.Status.Summary.Progress)
	})
	if got := kstatus(t, mix); got != status.InProgressStatus {
		t.Errorf("kstatus: got %s, want InProgress", got)
	}
	if diff := cmp.Diff(first, mix.Status.Published); diff != "" {
		t.Errorf("published (-before +now):\n%s", diff)
	}
	d.does(worker)
	second := published(t, mix)
	want := []string{second.Revision, first.Revision}
	if diff := cmp.Diff(want, []string{mix.Status.History[0].Revision, mix.Status.History[1].Revision}); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// TestEditWhileBuilding: the Job that an edit overtakes is ended, what it finished is kept, and its pods end before others
// start.
func TestEditWhileBuilding(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if dataset, _, _ := task.Recipe.Dataset(unit.Name); unit.Name == "hotpotqa" && dataset.Source.HuggingFace.Revision != "main" {
			return ending{hang: true}
		}
		return worker(task, unit)
	})
	mix := create(t, space, nil)
	eventually(t, "downloading", func() string {
		read(t, mix)
		if mix.Status.Summary == nil {
			return "no summary"
		}
		return cmp.Diff("download 5/6", mix.Status.Summary.Stage+" "+mix.Status.Summary.Progress)
	})
	d.forget()
	update(t, mix, func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Domains[1].Datasets[1].Source.HuggingFace.Revision = "main"
	})
	published(t, mix)
	if diff := cmp.Diff([]string{"hotpotqa"}, d.ran(pipeline.StageDownload)); diff != "" {
		t.Errorf("downloaded again (-want +got):\n%s", diff)
	}
	if len(d.jobs()) < 2 { // download, and all the rest; that of the first download goes at any time
		t.Errorf("Jobs: %v", d.jobs())
	}
}

// TestSuspend: no Job starts while suspend is true, and a running one stops.
func TestSuspend(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
	becomes(t, mix, metav1.ConditionFalse, datav1alpha1.ReasonSuspended, status.InProgressStatus)
	if jobs := d.jobs(); len(jobs) > 0 {
		t.Errorf("Jobs of a suspended mix: %v", jobs)
	}
	d.does(func(contract.Task, pipeline.Node) ending { return ending{hang: true} })
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(false) })
	eventually(t, "a running pod", func() string {
		if podsRunning(t, space) == 0 {
			return "none"
		}
		return ""
	})
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
	becomes(t, mix, metav1.ConditionFalse, datav1alpha1.ReasonSuspended, status.InProgressStatus)
	eventually(t, "no running pod", func() string {
		if podsRunning(t, space) > 0 {
			return "some"
		}
		return ""
	})
	d.does(worker)
	update(t, mix, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = nil })
	published(t, mix)
}

func podsRunning(t *testing.T, namespace string) int {
	t.Helper()
	list := &corev1.PodList{}
	if err := api.List(context.WithoutCancel(t.Context()), list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	running := 0
	for _, pod := range list.Items {
		if pod.Status.Phase == corev1.PodRunning {
			running++
		}
	}
	return running
}
