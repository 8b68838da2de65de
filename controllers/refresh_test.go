package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

func annotated(requestedAt, forceAt string) map[string]string {
	return map[string]string{datav1alpha1.AnnotationRequestedAt: requestedAt, datav1alpha1.AnnotationForceAt: forceAt}
}

// TestObserved: every new value of an annotation asks once; force counts only with the value of requestedAt.
func TestObserved(t *testing.T) {
	first := requests{RequestedAt: "1", Request: requestName("requestedAt", "1"), At: fixture.At(1)}
	forced := first
	forced.ForceAt, forced.Again = "1", requestName("forceAt", "1")
	long := strings.Repeat("x", shownLimit+1)
	tests := []struct {
		name        string
		have        requests
		annotations map[string]string
		want        requests
	}{
		{name: "nothing asked"},
		{name: "a first value", annotations: annotated("1", ""), want: first},
		{name: "the same value", have: first, annotations: annotated("1", ""), want: first},
		{name: "another value", have: first, annotations: annotated("0", ""), want: requests{RequestedAt: "0", Request: requestName("requestedAt", "0"), At: fixture.At(1)}},
		{name: "the value is taken away", have: first, want: first},
		{name: "with force", annotations: annotated("1", "1"), want: forced},
		{name: "force a moment later", have: first, annotations: annotated("1", "1"), want: forced},
		{name: "force twice", have: forced, annotations: annotated("1", "1"), want: forced},
		{name: "force alone", annotations: annotated("", "1")},
		{name: "an old force", have: first, annotations: annotated("1", "0"), want: first},
		{name: "asked after force", have: forced, annotations: annotated("2", "1"),
			want: requests{RequestedAt: "2", ForceAt: "1", Request: requestName("requestedAt", "2"), Again: requestName("forceAt", "1"), At: fixture.At(1)}},
		{name: "a long value", annotations: annotated(long, ""), want: requests{RequestedAt: shown(long), Request: requestName("requestedAt", shown(long)), At: fixture.At(1)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.have.observed(test.annotations, fixture.At(1))); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
	if got := shown(long); len(got) > shownLimit {
		t.Errorf("%d characters do not fit into the status", len(got))
	}
}

// refreshing is a small mix whose sources are looked at every minute, looked at last at second 0.
func refreshing() scopeBuilder {
	b := small()
	b.mix.Spec.Refresh = &datav1alpha1.Refresh{EverySeconds: 60}
	b.asked.At = fixture.At(0)
	return b
}

// TestNextLook: the clock asks only when nothing is being built, and only of what can change.
func TestNextLook(t *testing.T) {
	pinned := refreshing()
	for d := range pinned.recipe.Domains {
		pinned.recipe.Domains[d].Datasets[0].Source = recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "u", SHA256: "s"}}}}
	}
	suspended := refreshing().finish(5)
	suspended.mix.Spec.Suspend = ptr.To(true)
	never := small().finish(5)
	never.asked.At = fixture.At(0)
	failed := batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: "True", Reason: batchv1.JobReasonPodFailurePolicy}}}
	drifted := refreshing()
	drifted.recipe.Domains[0].Datasets[0].Source.Expect = &recipe.Expect{SHA256: "other"}
	tests := []struct {
		name string
		b    scopeBuilder
		now  int64
		want time.Duration
		ok   bool
	}{
		{name: "published, a third of the time over", b: refreshing().finish(5), now: 20, want: 40 * time.Second, ok: true},
		{name: "published, and due", b: refreshing().finish(5), now: 60, ok: true},
		{name: "published, and long due", b: refreshing().finish(5), now: 6000, ok: true},
		{name: "between two stages", b: refreshing().finish(2), now: 6000},
		{name: "a Job runs", b: refreshing().job(1, batchv1.JobStatus{}), now: 6000},
		{name: "a Job has failed for good", b: refreshing().job(1, failed), now: 6000, ok: true},
		{name: "the source has drifted", b: drifted.finish(1), now: 6000, ok: true},
		{name: "no source can change", b: pinned.walk().finish(5), now: 6000},
		{name: "suspended", b: suspended, now: 6000},
		{name: "not asked for", b: never, now: 6000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := test.b.nextLook(fixture.At(test.now).Time)
			if got != test.want || ok != test.ok {
				t.Errorf("the next look is in %s, %t; want %s, %t", got, ok, test.want, test.ok)
			}
			want := time.Duration(0)
			if test.ok {
				want = max(time.Second, test.want)
			}
			if got := test.b.wake(fixture.At(test.now).Time); got != want {
				t.Errorf("the next pass is in %s, want %s", got, want)
			}
		})
	}
}

// renewing is a published mix with one pinned and one floating source, and a reconciler with a clock to set.
func renewing(t *testing.T) (scopeBuilder, *clocktesting.FakePassiveClock, func()) {
	t.Helper()
	b := refreshing()
	b.recipe.Domains[0].Datasets[0].Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "a/b", Revision: strings.Repeat("0", 40)}}
	b.walk().finish(5)
	now := clocktesting.NewFakePassiveClock(fixture.At(0).Time)
	r := &DatasetMixReconciler{Client: fake.NewClientBuilder().WithScheme(Scheme()).Build(), Clock: now}
	b.results = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "m-results"}}
	if err := r.Create(t.Context(), b.results); err != nil {
		t.Fatal(err)
	}
	return b, now, func() {
		t.Helper()
		if outcome, err := r.scheduleRefresh(t.Context(), b.scope); outcome != nil || err != nil {
			t.Fatal(outcome, err)
		}
	}
}

// TestRenew: a look is a new key for floating downloads alone, and is recorded before anything is done.
func TestRenew(t *testing.T) {
	b, now, renew := renewing(t)
	now.SetTime(fixture.At(59).Time)
	before := b.asked
	if renew(); b.asked != before || b.graph.Next() != nil {
		t.Fatalf("asked %+v a second too early", b.asked)
	}
	now.SetTime(fixture.At(61).Time)
	renew()
	if b.asked.Request == "" || !b.asked.At.Equal(ptr.To(fixture.At(61))) {
		t.Errorf("asked %+v", b.asked)
	}
	if next := b.graph.Next(); next == nil || next.Stage != pipeline.StageDownload || len(next.Missing) != 1 || next.Missing[0].Name != "code-set" {
		t.Fatalf("next is %+v, want the download of the floating source alone", next)
	}
	if got := readAsked(b.results); !cmp.Equal(got, b.asked) {
		t.Errorf("recorded %+v, asked %+v", got, b.asked)
	}
}

// TestRenewAgain: the next look waits for the end of the build that the last one began.
func TestRenewAgain(t *testing.T) {
	b, now, renew := renewing(t)
	now.SetTime(fixture.At(61).Time)
	renew()
	first := b.asked.Request
	now.SetTime(fixture.At(6000).Time)
	if renew(); b.asked.Request != first {
		t.Error("asked again while the download is missing")
	}
	// The download finds what was there: nothing else is missing.
	step, _ := b.graph.Step(pipeline.StageDownload)
	b.record.results[step.Missing[0].Key] = pipeline.Result{Download: &pipeline.DownloadResult{Files: 1, Bytes: 10, Digest: "d0"}}
	b.walk()
	if b.graph.Next() != nil {
		t.Errorf("next is %+v after an unchanged download", b.graph.Next())
	}
	if renew(); b.asked.Request == first {
		t.Error("not asked again once the build is at its end")
	}
}

// TestARequestTriesAgain: what failed before a request says nothing after it.
func TestARequestTriesAgain(t *testing.T) {
	b := small().job(1, batchv1.JobStatus{})
	if !b.sameRequest(b.jobs[0]) {
		t.Error("a Job of this generation and of no request is another's")
	}
	b.asked.Request = "r"
	if b.sameRequest(b.jobs[0]) {
		t.Error("a Job from before the request counts")
	}
	b.jobs[0].Annotations[datav1alpha1.AnnotationRequest] = "r"
	if !b.sameRequest(b.jobs[0]) {
		t.Error("a Job of the request does not count")
	}
}

// TestHandled: the status tells of what is recorded.
func TestHandled(t *testing.T) {
	b := small()
	b.asked = requests{RequestedAt: "unrecorded"}
	status := b.ends(outcome.Progress("x")).status(fixture.At(1))
	if status.LastHandledRequestedAt != "" || status.LastRefreshTime != nil {
		t.Errorf("the status tells of %q, which is not recorded", status.LastHandledRequestedAt)
	}
	b.record.asked = requests{RequestedAt: "1", ForceAt: "1", Request: "a", Again: "b", At: fixture.At(7)}
	data, err := b.record.data()
	if err != nil {
		t.Fatal(err)
	}
	b.results = &corev1.ConfigMap{Data: data}
	status = b.status(fixture.At(1))
	if status.LastHandledRequestedAt != "1" || status.LastHandledForceAt != "1" || !status.LastRefreshTime.Equal(ptr.To(fixture.At(7))) {
		t.Errorf("the status tells of %q, %q, %v", status.LastHandledRequestedAt, status.LastHandledForceAt, status.LastRefreshTime)
	}
	// another location has other results, and knows of the same requests
	if elsewhere := readRecord(b.results, b.location); len(elsewhere.results) != 0 || readAsked(b.results) != b.record.asked {
		t.Errorf("read %+v and %+v", elsewhere, readAsked(b.results))
	}
	if got := readAsked(&corev1.ConfigMap{Data: map[string]string{askedKey: "{"}}); got != (requests{}) {
		t.Errorf("read %+v of what is damaged", got)
	}
}
