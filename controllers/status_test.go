package controllers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// scopeBuilder makes the scope of a small mix, with as many finished stages as a test needs.
type scopeBuilder struct{ *scope }

func small() scopeBuilder {
	split := func(name string, share int64) recipe.Split {
		return recipe.Split{Name: name, Share: share, Size: recipe.Size{Policy: recipe.KeepTotal}}
	}
	domain := func(name string, share int64) recipe.Domain {
		return recipe.Domain{Name: name, Share: share, Balance: recipe.Largest, Datasets: []recipe.Dataset{{
			Name: name + "-set", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: name}}, Record: recipe.Record{Preset: "gsm8k"},
		}}}
	}
	s := &scope{
		mix: &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Name: "m", Namespace: "n", UID: "u", Generation: 3}},
		recipe: recipe.Recipe{
			Name: "m", Seed: 1, Order: recipe.Shuffled,
			Splits:  []recipe.Split{split("train", 2), split("test", 1)},
			Domains: []recipe.Domain{domain("qa", 2), domain("code", 1)},
			Output:  recipe.Output{Path: "m", Format: recipe.JSONL, KeepRevisions: 3},
		},
		location: render.Location{ClaimName: "c", ClaimUID: "cu", Path: "m"},
		claim:    &corev1.PersistentVolumeClaim{},
		record:   readRecord(nil, render.Location{}),
	}
	return scopeBuilder{s}.walk()
}

func (b scopeBuilder) walk() scopeBuilder {
	graph, err := pipeline.Walk(b.recipe, b.record.results)
	b.graph, b.graphErr = &graph, err
	return b
}

// finish gives every unit of the next stages a result.
func (b scopeBuilder) finish(stages int) scopeBuilder {
	for range stages {
		step := b.graph.Next()
		for i, unit := range step.Missing {
			result, err := b.resultOf(step.Stage, i, unit)
			if err != nil {
				panic(err)
			}
			b.record.results[unit.Key] = result
		}
		b.walk()
	}
	return b
}

// resultOf is what a worker reports. The error is that there is no plan.
func (b scopeBuilder) resultOf(stage pipeline.Stage, index int, unit pipeline.Node) (pipeline.Result, error) {
	switch stage {
	case pipeline.StageDownload:
		return pipeline.Result{Download: &pipeline.DownloadResult{Files: 1, Bytes: 10, Digest: fmt.Sprint("d", index)}}, nil
	case pipeline.StageSplit:
		divided := pipeline.SplitResult{Read: 32, Dropped: map[string]int64{"empty": 2}, Rows: []int64{20, 10}, Digest: fmt.Sprint("s", index)}
		if b.recipe.Measured() {
			divided.Units = []int64{200, 100}
		}
		return pipeline.Result{Split: &divided}, nil
	case pipeline.StageBalance:
		counts := plan.Counts{"qa-set": {Rows: []int64{20, 10}}, "code-set": {Rows: []int64{19, 10}}}
		if b.recipe.Measured() {
			for name, count := range counts {
				counts[name] = plan.Count{Rows: count.Rows, Units: []int64{200, 100}}
			}
		}
		planned, err := plan.New(b.recipe, counts)
		return pipeline.Result{Balance: &pipeline.BalanceResult{Overlap: [][]int64{{1, 0}, {0, 0}}, Plan: planned.Digest()}}, err
	case pipeline.StageMix:
		return pipeline.Result{Mix: &pipeline.MixResult{Rows: 1, Digest: "m"}}, nil
	default:
		return pipeline.Result{Publish: &pipeline.PublishResult{Revision: pipeline.RevisionName(unit.Key), Digest: "p", Bytes: 99}}, nil
	}
}

func (b scopeBuilder) ends(o *outcome.Outcome) scopeBuilder {
	b.outcome = o
	return b
}

// job adds a Job for what is missing.
func (b scopeBuilder) job(number int, status batchv1.JobStatus) scopeBuilder {
	step := b.graph.Next()
	work := render.Work{Mix: b.mix, Recipe: b.recipe, Step: *step, Attempt: number, Location: b.location, Sharing: render.OneNode}
	job := work.Job()
	job.UID, job.CreationTimestamp, job.Status = "job"+job.UID, fixture.At(int64(number)), status
	b.jobs = append(b.jobs, job)
	return b
}

func complete(seconds int64) batchv1.JobStatus {
	return batchv1.JobStatus{CompletionTime: ptr.To(fixture.At(seconds)), Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}
}

// TestConditions: kstatus, to the letter.
func TestConditions(t *testing.T) {
	tests := []struct {
		name  string
		scope scopeBuilder
		want  []string
		seen  status.Status
	}{
		{name: "progressing", scope: small().ends(outcome.Progress("Stage download: 0 of 2 done.")), seen: status.InProgressStatus,
			want: []string{"Ready=Unknown Progressing", "Reconciling=True Progressing"}},
		{name: "waiting", scope: small().ends(outcome.Wait(datav1alpha1.ReasonWaitingForVolume, "x")), seen: status.InProgressStatus,
			want: []string{"Ready=Unknown WaitingForVolume", "Reconciling=True WaitingForVolume"}},
		{name: "suspended", scope: small().ends(outcome.Suspend("x")), seen: status.InProgressStatus,
			want: []string{"Ready=False Suspended"}},
		{name: "stalled", scope: small().ends(outcome.Stall(datav1alpha1.ReasonSourceNotFound, "x")), seen: status.FailedStatus,
			want: []string{"Ready=False SourceNotFound", "Stalled=True SourceNotFound"}},
		{name: "published", scope: small().finish(5), seen: status.CurrentStatus,
			want: []string{"Ready=True Published"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := test.scope.mix.DeepCopy()
			mix.Status = test.scope.status(fixture.At(100))
			var got []string
			for _, condition := range mix.Status.Conditions {
				got = append(got, fmt.Sprintf("%s=%s %s", condition.Type, condition.Status, condition.Reason))
				if condition.ObservedGeneration != 3 || condition.LastTransitionTime != fixture.At(100) || condition.Message == "" {
					t.Errorf("condition %+v", condition)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if got := seen(t, mix); got != test.seen {
				t.Errorf("kstatus: got %s, want %s", got, test.seen)
			}
		})
	}
}

func seen(t *testing.T, mix *datav1alpha1.DatasetMix) status.Status {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(mix)
	if err != nil {
		t.Fatal(err)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

// TestStable: the same scope at a later time gives the same status, so that nothing is written.
func TestStable(t *testing.T) {
	for finished := range 6 {
		b := small()
		for range finished {
			b.job(1, complete(50)).finish(1)
		}
		if finished < 5 {
			b.ends(outcome.Progress("going on"))
		}
		first := b.status(fixture.At(100))
		b.mix.Status = first
		if diff := cmp.Diff(first, b.status(fixture.At(200))); diff != "" {
			t.Errorf("after %d stages (-first +later):\n%s", finished, diff)
		}
	}
}

// TestTransitionTime: it moves with the status of a condition, not with its reason or message.
func TestTransitionTime(t *testing.T) {
	b := small().ends(outcome.Progress("one"))
	b.mix.Status = b.status(fixture.At(100))
	b.mix.Status = b.ends(outcome.Wait(datav1alpha1.ReasonWaitingForPods, "two")).status(fixture.At(200))
	if got := b.mix.Status.Conditions[0].LastTransitionTime; got != fixture.At(100) {
		t.Errorf("another reason moved the time to %s", got)
	}
	b.mix.Status = b.ends(outcome.Stall("SourceNotFound", "three")).status(fixture.At(300))
	if got := b.mix.Status.Conditions[0].LastTransitionTime; got != fixture.At(300) {
		t.Errorf("another status left the time at %s", got)
	}
}

func TestObservedGeneration(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	if got := *b.status(fixture.At(1)).ObservedGeneration; got != -1 {
		t.Errorf("at first: got %d, want -1", got)
	}
	b.mix.Status.ObservedGeneration = ptr.To[int64](2)
	if got := *b.status(fixture.At(1)).ObservedGeneration; got != 2 {
		t.Errorf("in progress: got %d, want 2, of the generation that was Ready", got)
	}
	if got := *b.ends(outcome.Stall("x", "y")).status(fixture.At(1)).ObservedGeneration; got != 3 {
		t.Errorf("stalled: got %d, want 3", got)
	}
}

// TestStages: one line per case, as people read it.
func TestStages(t *testing.T) {
	running := batchv1.JobStatus{Active: 1, Succeeded: 1}
	retrying := batchv1.JobStatus{Active: 1, Failed: 1}
	tests := []struct {
		name  string
		scope scopeBuilder
		want  []string
		short string
	}{
		{name: "nothing yet", scope: small().ends(outcome.Progress("x")), short: "download 0/2", want: []string{
			"download Pending 0/2 #0", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "running", scope: small().job(1, running).ends(outcome.Progress("x")), short: "download 1/2", want: []string{
			"download Running 1/2 #1", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "a pod failed", scope: small().job(1, retrying).ends(outcome.Progress("x")), short: "download 0/2", want: []string{
			"download Retrying 0/2 #1", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "a second attempt", scope: small().job(1, complete(2)).job(2, running).ends(outcome.Progress("x")), short: "download 1/2", want: []string{
			"download Retrying 1/2 #2", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "suspended", scope: small().finish(1).ends(&outcome.Outcome{Verdict: outcome.Suspended}), short: "split 0/2", want: []string{
			"download Succeeded 2/2 #0", "split Suspended 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "failed", scope: small().finish(2).ends(outcome.Stall("x", "y")), short: "balance 0/1", want: []string{
			"download Succeeded 2/2 #0", "split Succeeded 2/2 #0", "balance Failed 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "published", scope: small().finish(5), short: "- -", want: []string{
			"download Succeeded 2/2 #0", "split Succeeded 2/2 #0", "balance Succeeded 1/1 #0", "mix Succeeded 2/2 #0", "publish Succeeded 1/1 #0"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status := test.scope.status(fixture.At(1))
			var got []string
			for _, stage := range status.Stages {
				got = append(got, fmt.Sprintf("%s %s %d/%d #%d", stage.Name, stage.State, *stage.Done, *stage.Total, stage.Attempt))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
			if got := status.Summary.Stage + " " + status.Summary.Progress; got != test.short {
				t.Errorf("summary: got %s, want %s", got, test.short)
			}
		})
	}
}

// TestCounts: 40 rows of two data sets, one of which had one row too many.
func TestCounts(t *testing.T) {
	status := small().finish(3).ends(outcome.Progress("x")).status(fixture.At(1))
	n := ptr.To[int64]
	want := datav1alpha1.DatasetStatus{
		Name: "code-set", Domain: "code", Rows: n(30),
		Source:  &datav1alpha1.SourceStatus{Request: "volume code", Digest: "d0", FileCount: ptr.To[int32](1), Bytes: n(10), Rows: n(32)},
		Dropped: []datav1alpha1.DroppedRows{{Reason: "empty", Rows: n(2)}},
		Splits: []datav1alpha1.DatasetSplitStatus{
			{Name: "train", Rows: n(20), Balanced: n(19), Mixed: n(13), Unique: n(13), MaxRepeats: n(1), Overlap: n(1)},
			{Name: "test", Rows: n(10), Balanced: n(10), Mixed: n(7), Unique: n(7), MaxRepeats: n(1), Overlap: n(0)},
		},
	}
	if diff := cmp.Diff(want, status.Datasets[0]); diff != "" {
		t.Errorf("data set (-want +got):\n%s", diff)
	}
	wantSplits := []datav1alpha1.SplitStatus{{Name: "train", Rows: n(39), Unique: n(33)}, {Name: "test", Rows: n(20), Unique: n(17)}}
	if diff := cmp.Diff(wantSplits, status.Splits); diff != "" {
		t.Errorf("splits (-want +got):\n%s", diff)
	}
	if want := "qa 66.7% code 33.3%"; status.Summary.Domains != want {
		t.Errorf("domains: got %s, want %s, in the order of the manifest", status.Summary.Domains, want)
	}
	if got := status.Domains[0]; got.Name != "code" || *got.Splits[1].TargetMilli != 333 || *got.Splits[1].AchievedMilli != 350 {
		t.Errorf("domain %s: target %d, achieved %d", got.Name, *got.Splits[1].TargetMilli, *got.Splits[1].AchievedMilli)
	}
}

func TestMilli(t *testing.T) {
	for _, test := range []struct {
		part, whole int64
		want        int32
	}{{1, 3, 333}, {2, 3, 667}, {1, 2, 500}, {1, 2000, 1}, {1, 2001, 0}, {7, 7, 1000}, {640_000_000_000, 640_000_000_000, 1000}} {
		if got := *milli(test.part, test.whole); got != test.want {
			t.Errorf("%d of %d: got %d, want %d", test.part, test.whole, got, test.want)
		}
	}
}

// TestHistory: newest first, without doubles, at most ten.
func TestHistory(t *testing.T) {
	b := small().finish(5)
	revision := b.graph.Published.Revision
	for i := range 12 {
		b.mix.Status.History = append(b.mix.Status.History, datav1alpha1.HistoryEntry{Revision: fmt.Sprint("r", i), Generation: 1})
	}
	b.mix.Status.History[4].Revision = revision // it was published before, and comes back
	var got []string
	for _, entry := range b.status(fixture.At(1)).History {
		got = append(got, entry.Revision)
	}
	want := []string{revision, "r0", "r1", "r2", "r3", "r5", "r6", "r7", "r8", "r9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// TestPublishedStaysInStatus: an earlier revision stands while the next is built.
func TestPublishedStaysInStatus(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	old := &datav1alpha1.Published{Revision: "old", Digest: "d"}
	b.mix.Status.Published = old
	if diff := cmp.Diff(old, b.status(fixture.At(1)).Published); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestTransitions(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	b.mix.Status = b.status(fixture.At(0))
	tests := []struct {
		name string
		next func() scopeBuilder
		want []string
	}{
		{name: "nothing new", next: func() scopeBuilder { return b }},
		{name: "a Job", next: func() scopeBuilder { return b.job(1, batchv1.JobStatus{Active: 2}) },
			want: []string{"Normal StageStarted: Stage download started."}},
		{name: "another attempt", next: func() scopeBuilder { return b.job(2, batchv1.JobStatus{Active: 2}) },
			want: []string{"Warning StageRetried: Stage download: attempt 2."}},
		{name: "a stall", next: func() scopeBuilder { return b.ends(outcome.Stall("SourceNotFound", "No such revision.")) },
			want: []string{"Warning SourceNotFound: No such revision."}},
		{name: "a done stage and a suspension", next: func() scopeBuilder {
			return b.finish(1).ends(outcome.Suspend("Stage split comes next."))
		}, want: []string{"Normal StageSucceeded: Stage download is done, 2 of 2.", "Normal Suspended: Stage split comes next."}},
		{name: "a publication", next: func() scopeBuilder { return b.finish(4).ends(nil) },
			want: []string{"Normal RevisionPublished: Published revision R on claim c at m/revisions/R.", "Normal Resumed: The build goes on."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := b.mix.DeepCopy()
			after := before.DeepCopy()
			after.Status = test.next().status(fixture.At(1))
			b.mix.Status = after.Status
			var got []string
			for _, e := range transitions(before, after) {
				got = append(got, e.kind+" "+e.reason+": "+e.note)
			}
			if after.Status.Published != nil {
				for i := range got {
					got[i] = strings.ReplaceAll(got[i], after.Status.Published.Revision, "R")
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEventsOfOnePass: of stages that one pod built, and that are told at once, there is one Event of a kind with a note of each.
func TestEventsOfOnePass(t *testing.T) {
	b := small().finish(2).ends(outcome.Progress("x"))
	b.mix.Status = b.status(fixture.At(0))
	before := b.mix.DeepCopy()
	work := render.Work{Mix: b.mix, Recipe: b.recipe, Step: *b.graph.Next(), Attempt: 1, Location: b.location, Chain: b.chain()}
	job := work.Job()
	job.CreationTimestamp, job.Status = fixture.At(1), complete(2)
	b.jobs = append(b.jobs, job)
	after := before.DeepCopy()
	after.Status = b.finish(3).ends(nil).status(fixture.At(3))
	var got []string
	for _, e := range transitions(before, after) {
		got = append(got, e.reason+": "+e.note)
	}
	want := []string{
		"StageStarted: Stage balance started. Stage mix started. Stage publish started.",
		"StageSucceeded: Stage balance is done, 1 of 1. Stage mix is done, 2 of 2. Stage publish is done, 1 of 1.",
		"RevisionPublished: Published revision " + after.Status.Published.Revision + " on claim c at " + after.Status.Published.Path + ".",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestRecord: what is written is read again, and another location's record is none.
func TestRecord(t *testing.T) {
	b := small().finish(5)
	b.record.failures["job"] = jobs.Failure{FailureNote: contract.FailureNote{Reason: contract.FetchFailed, Message: "no route"}, Pod: "p"}
	data, err := b.record.data()
	if err != nil {
		t.Fatal(err)
	}
	config := render.Results(b.mix, b.location, data)
	if diff := cmp.Diff(b.record, readRecord(config, b.location), cmp.AllowUnexported(record{})); diff != "" {
		t.Errorf("record (-written +read):\n%s", diff)
	}
	config.Data["broken"] = "{"
	if got := readRecord(config, b.location); len(got.results) != len(b.record.results) {
		t.Errorf("an entry that cannot be read: got %d results, want %d", len(got.results), len(b.record.results))
	}
	moved := b.location
	moved.ClaimUID = "made again"
	if got := readRecord(config, moved); len(got.results)+len(got.failures) != 0 {
		t.Errorf("the record of another claim: %v", got)
	}
}
