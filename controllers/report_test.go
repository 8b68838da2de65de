package controllers

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
)

// TestNothingIsToldBeforeTheStatus: a pass whose status cannot be written counts nothing and records no Event; the next one that
// succeeds does, once.
func TestNothingIsToldBeforeTheStatus(t *testing.T) {
	s := &scope{build: *fixture.Small().Build, outcome: outcome.Stall("SourceNotFound", "No such revision.")}
	s.tally.wrote("create", "Job")
	var refusal error
	api := fake.NewClientBuilder().WithScheme(Scheme()).WithObjects(s.build.Mix).WithStatusSubresource(s.build.Mix).WithInterceptorFuncs(interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			if refusal != nil {
				return refusal
			}
			return c.SubResource(name).Patch(ctx, object, patch, options...)
		},
	}).Build()
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(s.build.Mix), s.build.Mix); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	recorder := &recorded{}
	r := &DatasetMixReconciler{Client: api, Events: recorder, Clock: clocktesting.NewFakePassiveClock(fixture.At(0).Time), Metrics: NewMetrics(registry)}

	refusal = errors.New("etcd has no leader")
	if err := r.report(t.Context(), s, nil); !errors.Is(err, refusal) {
		t.Errorf("the pass ends with %v", err)
	}
	if got := samples(t, registry); len(got) > 0 || len(recorder.reasons) > 0 {
		t.Errorf("told before the status was written: %v, %v", got, recorder.reasons)
	}
	refusal = nil
	for range 2 {
		if err := r.report(t.Context(), s, nil); err != nil {
			t.Fatal(err)
		}
		s.tally = tally{}
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(s.build.Mix), s.build.Mix); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]float64{
		"datasetmix_reconcile_writes_total{kind=Job,verb=create}": 1, "datasetmix_reconcile_writes_total{kind=DatasetMix,verb=patch}": 1,
		"datasetmix_revisions_total{result=stalled}": 1, "datasetmix_stalls_total{reason=SourceNotFound}": 1,
		"datasetmix_resource_stalled{name=m,namespace=n}": 1, "datasetmix_resource_writes_total{name=m,namespace=n}": 2,
	}
	if diff := cmp.Diff(want, samples(t, registry)); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"SourceNotFound"}, recorder.reasons); diff != "" {
		t.Errorf("Events (-want +got):\n%s", diff)
	}
}

// recorded keeps the reasons of Events.
type recorded struct {
	events.EventRecorder
	reasons []string
}

func (r *recorded) Eventf(_ runtime.Object, _ runtime.Object, _, reason, _, _ string, _ ...any) {
	r.reasons = append(r.reasons, reason)
}
