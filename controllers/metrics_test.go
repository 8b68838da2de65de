package controllers

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// samples returns the values of a registry other than 0 by name and labels; of a histogram the sum.
func samples(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetHistogram().GetSampleSum()
			if value != 0 {
				values[fmt.Sprintf("%s{%s}", family.GetName(), strings.Join(labels, ","))] = value
			}
		}
	}
	return values
}

// TestCount: what one pass did and changed is counted once.
func TestCount(t *testing.T) {
	before := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "m"}}
	with := func(edit func(*datav1alpha1.DatasetMix)) *datav1alpha1.DatasetMix {
		after := before.DeepCopy()
		edit(after)
		return after
	}
	set := func(mix *datav1alpha1.DatasetMix, kind, reason string) {
		mix.Status.Conditions = append(mix.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason})
	}
	tests := []struct {
		name  string
		tally tally
		after *datav1alpha1.DatasetMix
		want  map[string]float64
	}{
		{name: "nothing", after: before, want: map[string]float64{}},
		{name: "what was done", tally: tally{
			writes: []write{{"create", "Job"}, {"create", "ConfigMap"}, {"create", "ConfigMap"}}, jobs: []pipeline.Stage{pipeline.StageDownload},
			readBack: 1, duplicates: 2, fetchErrors: []contract.Reason{contract.RateLimited},
		}, after: before, want: map[string]float64{
			"datasetmix_reconcile_writes_total{kind=Job,verb=create}": 1, "datasetmix_reconcile_writes_total{kind=ConfigMap,verb=create}": 2,
			"datasetmix_jobs_created_total{stage=download}": 1, "datasetmix_read_back_total{}": 1, "datasetmix_job_duplicate_avoided_total{}": 2,
			"datasetmix_source_fetch_errors_total{reason=RateLimited}": 1,
			"datasetmix_resource_writes_total{name=m,namespace=n}":     3,
		}},
		{name: "stalled while suspended", after: with(func(mix *datav1alpha1.DatasetMix) {
			set(mix, datav1alpha1.ConditionStalled, "SourceNotFound")
			mix.Spec.Suspend = ptr.To(true)
		}), want: map[string]float64{
			"datasetmix_revisions_total{result=stalled}": 1, "datasetmix_stalls_total{reason=SourceNotFound}": 1,
			"datasetmix_resource_stalled{name=m,namespace=n}": 1, "datasetmix_resource_suspended{name=m,namespace=n}": 1,
		}},
		{name: "published", after: with(func(mix *datav1alpha1.DatasetMix) {
			set(mix, datav1alpha1.ConditionReady, datav1alpha1.ReasonPublished)
			mix.Status.Published = &datav1alpha1.Published{Revision: "r", Digest: "d"}
		}), want: map[string]float64{
			"datasetmix_revisions_total{result=published}": 1, "datasetmix_resource_ready{name=m,namespace=n}": 1,
		}},
		{name: "a stage that took 90 seconds", after: with(func(mix *datav1alpha1.DatasetMix) {
			set(mix, datav1alpha1.ConditionReconciling, datav1alpha1.ReasonProgressing)
			mix.Status.Stages = []datav1alpha1.StageStatus{{
				Name: "download", State: datav1alpha1.StageSucceeded, StartTime: ptr.To(fixture.At(0)), CompletionTime: ptr.To(fixture.At(90)),
			}}
			mix.Status.Datasets = []datav1alpha1.DatasetStatus{
				{Name: "a", Source: &datav1alpha1.SourceStatus{Digest: "x", Bytes: ptr.To[int64](10)}},
				{Name: "b", Source: &datav1alpha1.SourceStatus{Digest: "y", Bytes: ptr.To[int64](5)}},
			}
		}), want: map[string]float64{
			"datasetmix_stage_duration_seconds{stage=download}": 90, "datasetmix_source_fetch_bytes_total{}": 15,
			"datasetmix_resource_reconciling{name=m,namespace=n}": 1,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			metrics := NewMetrics(registry)
			metrics.count(test.tally, before, test.after)
			if diff := cmp.Diff(test.want, samples(t, registry)); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			gauges := maps.Clone(test.want)
			maps.DeleteFunc(gauges, func(name string, _ float64) bool { return !strings.Contains(name, "_resource_") })
			metrics.count(tally{}, test.after, test.after)
			if diff := cmp.Diff(test.want, samples(t, registry)); diff != "" {
				t.Errorf("after a pass that found nothing to do (-want +got):\n%s", diff)
			}
			metrics.forget(types.NamespacedName{Namespace: "n", Name: "m"})
			for name := range gauges {
				if value, ok := samples(t, registry)[name]; ok {
					t.Errorf("%s of a mix that is gone is %v", name, value)
				}
			}
		})
	}
	(*Metrics)(nil).count(tally{}, before, before) // a manager without metrics
	(*Metrics)(nil).forget(types.NamespacedName{})
}

// TestThePageOfMetricsIsComplete: docs/metrics.md has every metric with its kind of labels, and no other.
func TestThePageOfMetricsIsComplete(t *testing.T) {
	registry := prometheus.NewRegistry()
	NewMetrics(registry)
	descriptions := make(chan *prometheus.Desc, 100)
	registry.Describe(descriptions)
	close(descriptions)
	var want []string
	pattern := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([\w,]*)\}`)
	for description := range descriptions {
		match := pattern.FindStringSubmatch(description.String())
		if match == nil {
			t.Fatalf("%s", description)
		}
		want = append(want, strings.TrimSpace(match[1]+" "+strings.ReplaceAll(match[2], ",", ", ")))
	}
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| \\w+ \\| ([\\w, –]+) \\|").FindAllStringSubmatch(string(page), -1) {
		got = append(got, strings.TrimSpace(match[1]+" "+strings.Trim(match[2], "–")))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-code +page):\n%s", diff)
	}
}
