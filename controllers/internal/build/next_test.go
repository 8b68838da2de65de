package build_test

import (
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// refreshing returns a small mix whose sources are looked at every minute, looked at last at second 0.
func refreshing() fixture.Build {
	b := fixture.Small()
	b.Mix.Spec.Refresh = &datav1alpha1.Refresh{EverySeconds: 60}
	b.Ledger.Requests.At = fixture.At(0)
	return b
}

// TestNextRefresh: the clock asks only when nothing is being built, and only of what can change.
func TestNextRefresh(t *testing.T) {
	pinned := refreshing()
	for d := range pinned.Target.Recipe.Domains {
		pinned.Target.Recipe.Domains[d].Datasets[0].Source = recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "u", SHA256: "s"}}}}
	}
	suspended := refreshing().Finish(5)
	suspended.Mix.Spec.Suspend = ptr.To(true)
	never := fixture.Small().Finish(5)
	never.Ledger.Requests.At = fixture.At(0)
	drifted := refreshing()
	drifted.Target.Recipe.Domains[0].Datasets[0].Source.Expect = &recipe.Expect{SHA256: "other"}
	tests := []struct {
		name string
		b    fixture.Build
		now  int64
		want time.Duration
		ok   bool
	}{
		{name: "published, a third of the time over", b: refreshing().Finish(5), now: 20, want: 40 * time.Second, ok: true},
		{name: "published, and due", b: refreshing().Finish(5), now: 60, ok: true},
		{name: "published, and long due", b: refreshing().Finish(5), now: 6000, ok: true},
		{name: "between two stages", b: refreshing().Finish(2), now: 6000},
		{name: "a Job runs", b: refreshing().Job(1, batchv1.JobStatus{}), now: 6000},
		{name: "a Job has failed for good", b: refreshing().Job(1, fixture.JobFailed(batchv1.JobReasonPodFailurePolicy)), now: 6000, ok: true},
		{name: "the source has drifted", b: drifted.Finish(1), now: 6000, ok: true},
		{name: "no source can change", b: pinned.Walked().Finish(5), now: 6000},
		{name: "suspended", b: suspended, now: 6000},
		{name: "not asked for", b: never, now: 6000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := test.b.NextRefresh(fixture.At(test.now).Time)
			if got != test.want || ok != test.ok {
				t.Errorf("the next look is in %s, %t; want %s, %t", got, ok, test.want, test.ok)
			}
		})
	}
}
