package envtest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// floating makes the source of hotpotqa a branch.
func floating(mix *datav1alpha1.DatasetMix) {
	mix.Spec.Domains[1].Datasets[1].Source.HuggingFace.Revision = "main"
}

func annotate(name, value string) func(*datav1alpha1.DatasetMix) {
	return func(mix *datav1alpha1.DatasetMix) {
		if mix.Annotations == nil {
			mix.Annotations = map[string]string{}
		}
		mix.Annotations[name] = value
		if value == "" {
			delete(mix.Annotations, name)
		}
	}
}

// contentDigest returns what a download of a data set reports, for as long as the data set does not change.
func contentDigest(name string, change int32) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, name, change)))
}

// resolving returns a worker whose downloads depend on what the sources hold, not on when they are looked at.
func resolving(change *atomic.Int32) func(contract.Task, pipeline.Node) ending {
	return func(task contract.Task, unit pipeline.Node) ending {
		if task.Stage != pipeline.StageDownload {
			return worker(task, unit)
		}
		return reports(task, unit, pipeline.Result{Download: &pipeline.DownloadResult{
			License: "mit", Files: 1, Bytes: 1000, Digest: contentDigest(unit.Name, change.Load()),
			Listed: []pipeline.OriginalFile{{Path: "a.parquet", Size: 1000, SHA256: strings.Repeat("0", 64)}},
		}})
	}
}

// handled waits until the status says that a value of requestedAt was acted upon and the mix is published.
func handled(t *testing.T, mix *datav1alpha1.DatasetMix, value string) *datav1alpha1.Published {
	t.Helper()
	eventually(t, "requestedAt "+value, func() string {
		read(t, mix)
		return cmp.Diff(value, mix.Status.LastHandledRequestedAt)
	})
	return published(t, mix)
}

// ran returns the units of every stage that ran.
func ran(d *driver) map[pipeline.Stage][]string {
	got := map[pipeline.Stage][]string{}
	for _, stage := range pipeline.Stages() {
		if units := d.ran(stage); len(units) > 0 {
			got[stage] = units
		}
	}
	return got
}

// branch returns a mix with a branch among its sources, published, and what its workers find there.
func branch(t *testing.T) (*driver, *datav1alpha1.DatasetMix, *atomic.Int32) {
	t.Helper()
	space := namespace(t)
	d := newDriver(t, space)
	change := &atomic.Int32{}
	d.does(resolving(change))
	mix := create(t, space, floating)
	published(t, mix)
	d.forget()
	return d, mix, change
}

// TestSourceStatus: what a source was resolved to.
func TestSourceStatus(t *testing.T) {
	needAPI(t)
	_, mix, _ := branch(t)
	if mix.Status.LastHandledRequestedAt != "" || mix.Status.LastRefreshTime != nil {
		t.Errorf("nobody asked, and the status tells of %q at %v", mix.Status.LastHandledRequestedAt, mix.Status.LastRefreshTime)
	}
	want := &datav1alpha1.SourceStatus{
		Request: "huggingFace hotpotqa/hotpot_qa at main, config distractor, split train", License: "mit", FileCount: ptr.To[int32](1), Bytes: ptr.To[int64](1000),
		Digest: contentDigest("hotpotqa", 0), Rows: ptr.To(rows["hotpotqa"] + 1),
		Files: []datav1alpha1.SourceFile{{Path: "a.parquet", Bytes: ptr.To[int64](1000), SHA256: strings.Repeat("0", 64)}},
	}
	if diff := cmp.Diff(want, mix.Status.Datasets[1].Source); diff != "" {
		t.Errorf("the source of hotpotqa (-want +got):\n%s", diff)
	}
}

// TestRefresh: a floating source is looked at again when somebody asks, and only then. If it holds what it held, nothing else
// runs and the revision stays.
func TestRefresh(t *testing.T) {
	needAPI(t)
	d, mix, _ := branch(t)
	first := mix.Status.Published.DeepCopy()
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, "2026-11-24T20:00:00Z"))
	second := handled(t, mix, "2026-11-24T20:00:00Z")
	if diff := cmp.Diff(map[pipeline.Stage][]string{pipeline.StageDownload: {"hotpotqa"}}, ran(d)); diff != "" {
		t.Errorf("an unchanged source (-want +ran):\n%s", diff)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("published (-before +after):\n%s", diff)
	}
	if mix.Status.LastRefreshTime == nil {
		t.Error("the status does not tell when the source was looked at")
	}
	d.forget()
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, ""))
	quiet(t, mix)
	if got := ran(d); len(got) > 0 || mix.Status.LastHandledRequestedAt == "" {
		t.Errorf("the annotation went, %v ran, and %q was handled", got, mix.Status.LastHandledRequestedAt)
	}
}

// TestRefreshOfAChangedSource builds what depends on it.
func TestRefreshOfAChangedSource(t *testing.T) {
	needAPI(t)
	d, mix, change := branch(t)
	first := mix.Status.Published.DeepCopy()
	change.Store(1)
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, "1"))
	second := handled(t, mix, "1")
	want := map[pipeline.Stage][]string{
		pipeline.StageDownload: {"hotpotqa"}, pipeline.StageSplit: {"hotpotqa"}, pipeline.StageBalance: {"grpo-six"}, pipeline.StageMix: {"test", "train"}, pipeline.StagePublish: {"grpo-six"},
	}
	if diff := cmp.Diff(want, ran(d)); diff != "" {
		t.Errorf("a changed source (-want +ran):\n%s", diff)
	}
	if second.Revision == first.Revision || len(mix.Status.History) != 2 || mix.Status.History[0].Generation != mix.Generation {
		t.Errorf("published %s after %s, history %+v", second.Revision, first.Revision, mix.Status.History)
	}
}

// quiet pokes a mix, which starts a pass, and fails when that changes anything.
func quiet(t *testing.T, mix *datav1alpha1.DatasetMix) {
	t.Helper()
	update(t, mix, annotate("poke", "1"))
	version := mix.ResourceVersion
	time.Sleep(time.Second)
	if read(t, mix); mix.ResourceVersion != version {
		t.Errorf("a pass changed the mix: %+v", mix.Status)
	}
}

// TestRefreshByTheClock: after the time that the spec says, a pass comes by itself, looks at floating sources, and counts anew.
func TestRefreshByTheClock(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	var change atomic.Int32
	d.does(resolving(&change))
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) {
		floating(mix)
		mix.Spec.Refresh = &datav1alpha1.Refresh{EverySeconds: 3600}
	})
	first := published(t, mix)
	begun := mix.Status.LastRefreshTime
	if begun == nil {
		t.Fatal("the status does not tell since when the clock runs")
	}
	d.forget()
	quiet(t, mix)
	if got := ran(d); len(got) > 0 {
		t.Fatalf("long before the time, %v ran", got)
	}
	t.Cleanup(func() { managerClock.set(0) })
	managerClock.set(time.Until(begun.Add(time.Hour - 3*time.Second))) // three seconds before it is due
	update(t, mix, annotate("poke", "2"))                              // the last time that anybody does anything
	eventually(t, "a look", func() string { return cmp.Diff([]string{"hotpotqa"}, d.ran(pipeline.StageDownload)) })
	if diff := cmp.Diff(first, published(t, mix)); diff != "" {
		t.Errorf("published (-before +after):\n%s", diff)
	}
	if got := ran(d); len(got) != 1 {
		t.Errorf("an unchanged source, and %v ran", got)
	}
	if !mix.Status.LastRefreshTime.After(begun.Add(time.Hour - time.Second)) {
		t.Errorf("looked at %v, and before at %v", mix.Status.LastRefreshTime, begun)
	}
	d.forget()
	quiet(t, mix)
	if got := ran(d); len(got) > 0 {
		t.Errorf("looked twice: %v ran", got)
	}
}

// TestRefreshOfPinnedSources is acted upon, and finds nothing to do.
func TestRefreshOfPinnedSources(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	mix := create(t, space, nil)
	first := published(t, mix)
	d.forget()
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, "1"))
	if diff := cmp.Diff(first, handled(t, mix, "1")); diff != "" {
		t.Errorf("published (-before +after):\n%s", diff)
	}
	if got := ran(d); len(got) > 0 {
		t.Errorf("ran %v", got)
	}
}

// TestForce: with the value of requestedAt, everything is built again, for that request, and the revision is the same.
func TestForce(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	var change atomic.Int32
	d.does(resolving(&change))
	mix := create(t, space, nil)
	first := published(t, mix)
	d.forget()
	var unforced atomic.Int32
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		if task.Again == "" {
			unforced.Add(1)
		}
		return resolving(&change)(task, unit)
	})
	update(t, mix, annotate(datav1alpha1.AnnotationForceAt, "1"))
	quiet(t, mix)
	if got := ran(d); len(got) > 0 {
		t.Errorf("forceAt alone ran %v", got)
	}
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, "1"))
	second := handled(t, mix, "1")
	want := map[pipeline.Stage][]string{
		pipeline.StageDownload: all, pipeline.StageSplit: all, pipeline.StageBalance: {"grpo-six"}, pipeline.StageMix: {"test", "train"}, pipeline.StagePublish: {"grpo-six"},
	}
	if diff := cmp.Diff(want, ran(d)); diff != "" {
		t.Errorf("built again (-want +ran):\n%s", diff)
	}
	if unforced.Load() > 0 {
		t.Errorf("%d units were not told to build again", unforced.Load())
	}
	if second.Revision != first.Revision || second.Digest != first.Digest || mix.Status.LastHandledForceAt != "1" {
		t.Errorf("published %+v, then %+v; handled %q", first, second, mix.Status.LastHandledForceAt)
	}
	// The next request without force builds nothing: what was built by force counts.
	d.forget()
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, "2"))
	handled(t, mix, "2")
	if got := ran(d); len(got) > 0 {
		t.Errorf("a request after force ran %v", got)
	}
}

// TestARequestTriesAgain what has failed for good.
func TestARequestTriesAgain(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(task contract.Task, unit pipeline.Node) ending {
		return fails(task, unit, contract.AuthenticationFailed, "the token was revoked")
	})
	mix := create(t, space, nil)
	stalls(t, mix, datav1alpha1.ReasonAuthenticationFailed)
	d.does(worker)
	update(t, mix, annotate(datav1alpha1.AnnotationRequestedAt, "1"))
	handled(t, mix, "1")
}

// TestLicenses: a policy refuses what was downloaded by its license, by name, and builds nothing when it is met.
func TestLicenses(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	policy := func(licenses ...string) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) { mix.Spec.Policy = &datav1alpha1.Policy{Licenses: licenses} }
	}
	mix := create(t, space, policy("Apache-2.0"))
	names(t, stalls(t, mix, datav1alpha1.ReasonLicenseRefused), "mit", "policy.licenses", "apache-2.0")
	if got := d.ran(pipeline.StageSplit); len(got) > 0 {
		t.Errorf("rows of %v were read", got)
	}
	d.forget()
	update(t, mix, policy("Apache-2.0", "MIT"))
	published(t, mix)
	if got := d.ran(pipeline.StageDownload); len(got) > 0 || len(d.ran(pipeline.StageSplit)) != 6 {
		t.Errorf("downloaded %v and split %v", got, d.ran(pipeline.StageSplit))
	}
}

// TestDrift: a source that is not what was expected stalls the mix; correcting the expectation downloads nothing again.
func TestDrift(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	var change atomic.Int32
	d.does(resolving(&change))
	expect := func(e *datav1alpha1.Expect) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[1].Datasets[1].Source.Expect = e }
	}
	wrong := strings.Repeat("0", 64)
	mix := create(t, space, expect(&datav1alpha1.Expect{SHA256: wrong}))
	names(t, stalls(t, mix, datav1alpha1.ReasonSourceDrifted), "hotpotqa", wrong, contentDigest("hotpotqa", 0), "source.expect")
	if got := slices.Sorted(maps.Keys(ran(d))); !slices.Equal(got, []pipeline.Stage{pipeline.StageDownload}) {
		t.Errorf("stages %v ran", got)
	}
	d.forget()
	update(t, mix, expect(&datav1alpha1.Expect{SHA256: contentDigest("hotpotqa", 0), Rows: 5}))
	names(t, stalls(t, mix, datav1alpha1.ReasonSourceDrifted), "hotpotqa", " 5 ", "88967", "source.expect")
	update(t, mix, expect(&datav1alpha1.Expect{SHA256: contentDigest("hotpotqa", 0), Rows: 88967}))
	published(t, mix)
	if got := d.ran(pipeline.StageDownload); len(got) > 0 || len(d.ran(pipeline.StageSplit)) != 6 {
		t.Errorf("downloaded %v and split %v", got, d.ran(pipeline.StageSplit))
	}
}
