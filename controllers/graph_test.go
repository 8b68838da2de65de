package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// renewing returns a published mix with one pinned and one floating source, and a reconciler with a clock to set.
func renewing(t *testing.T) (*scope, *clocktesting.FakePassiveClock, func()) {
	t.Helper()
	b := fixture.Small()
	b.Mix.Spec.Refresh = &datav1alpha1.Refresh{EverySeconds: 60}
	b.Ledger.Requests.At = fixture.At(0)
	b.Target.Recipe.Domains[0].Datasets[0].Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "a/b", Revision: strings.Repeat("0", 40)}}
	s := &scope{build: *b.Walked().Finish(5).Build}
	now := clocktesting.NewFakePassiveClock(fixture.At(0).Time)
	r := &DatasetMixReconciler{Client: fake.NewClientBuilder().WithScheme(Scheme()).Build(), Clock: now}
	s.results = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "m-results"}}
	if err := r.Create(t.Context(), s.results); err != nil {
		t.Fatal(err)
	}
	return s, now, func() {
		t.Helper()
		if outcome, err := r.scheduleRefresh(t.Context(), s); outcome != nil || err != nil {
			t.Fatal(outcome, err)
		}
	}
}

// TestRenew: a look is a new key for floating downloads alone, and is recorded before anything is done.
func TestRenew(t *testing.T) {
	s, now, renew := renewing(t)
	now.SetTime(fixture.At(59).Time)
	before := s.build.Ledger.Requests
	if renew(); s.build.Ledger.Requests != before || s.build.Target.Graph.Next() != nil {
		t.Fatalf("asked %+v a second too early", s.build.Ledger.Requests)
	}
	now.SetTime(fixture.At(61).Time)
	renew()
	if s.build.Ledger.Requests.Request == "" || !s.build.Ledger.Requests.At.Equal(ptr.To(fixture.At(61))) {
		t.Errorf("asked %+v", s.build.Ledger.Requests)
	}
	if next := s.build.Target.Graph.Next(); next == nil || next.Stage != pipeline.StageDownload || len(next.Missing) != 1 || next.Missing[0].Name != "code-set" {
		t.Fatalf("next is %+v, want the download of the floating source alone", next)
	}
	if got := ledger.ReadRequests(s.results); !cmp.Equal(got, s.build.Ledger.Requests) {
		t.Errorf("recorded %+v, asked %+v", got, s.build.Ledger.Requests)
	}
}

// TestRenewAgain: the next look waits for the end of the build that the last one began.
func TestRenewAgain(t *testing.T) {
	s, now, renew := renewing(t)
	now.SetTime(fixture.At(61).Time)
	renew()
	first := s.build.Ledger.Requests.Request
	now.SetTime(fixture.At(6000).Time)
	if renew(); s.build.Ledger.Requests.Request != first {
		t.Error("asked again while the download is missing")
	}
	// The download finds what was there: nothing else is missing.
	step, _ := s.build.Target.Graph.Step(pipeline.StageDownload)
	s.build.Ledger.Results[step.Missing[0].Key] = pipeline.Result{Download: &pipeline.DownloadResult{Files: 1, Bytes: 10, Digest: "d0"}}
	s.build.Walk()
	if s.build.Target.Graph.Next() != nil {
		t.Errorf("next is %+v after an unchanged download", s.build.Target.Graph.Next())
	}
	if renew(); s.build.Ledger.Requests.Request == first {
		t.Error("not asked again once the build is at its end")
	}
}

// TestWake: the next pass comes when the first of what is waited for does, and never at once.
func TestWake(t *testing.T) {
	s, now, _ := renewing(t)
	for _, test := range []struct {
		now                       int64
		hindrance, askAgain, want time.Duration
	}{
		{now: 20, want: 40 * time.Second},
		{now: 60, want: soonest},
		{now: 20, hindrance: 4 * time.Second, want: 4 * time.Second},
		{now: 20, hindrance: 4 * time.Second, askAgain: time.Millisecond, want: soonest},
		{now: 20, askAgain: time.Hour, want: 40 * time.Second},
	} {
		now.SetTime(fixture.At(test.now).Time)
		s.hindrance.again, s.askAgain = test.hindrance, test.askAgain
		if got := s.wake(now.Now()); got != test.want {
			t.Errorf("%+v: the next pass is in %s", test, got)
		}
	}
}
