package status

import (
	"fmt"
	"strings"
	"testing"

	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/controllers/internal/readers"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// builder makes what is observed of a small mix.
type builder struct {
	fixture.Build
	end   *outcome.Outcome
	of    *readers.Readers
	asked ledger.Requests
}

func small() builder { return builder{Build: fixture.Small()} }

func (b builder) finish(stages int) builder {
	b.Finish(stages)
	return b
}

func (b builder) job(number int, status batchv1.JobStatus) builder {
	b.Job(number, status)
	return b
}

// status returns the status of what was observed.
func (b builder) status(now metav1.Time) datav1alpha1.DatasetMixStatus {
	return Of(Observed{Build: b.Build.Build, Outcome: b.end, Readers: b.of, Recorded: b.asked}, now)
}

func (b builder) ends(o *outcome.Outcome) builder {
	b.end = o
	return b
}

// TestConditions: kstatus, to the letter.
func TestConditions(t *testing.T) {
	tests := []struct {
		name  string
		scope builder
		want  []string
		seen  kstatus.Status
	}{
		{name: "progressing", scope: small().ends(outcome.Progress("Stage download: 0 of 2 done.")), seen: kstatus.InProgressStatus,
			want: []string{"Ready=Unknown Progressing", "Reconciling=True Progressing"}},
		{name: "waiting", scope: small().ends(outcome.Wait(datav1alpha1.ReasonWaitingForVolume, "x")), seen: kstatus.InProgressStatus,
			want: []string{"Ready=Unknown WaitingForVolume", "Reconciling=True WaitingForVolume"}},
		{name: "suspended", scope: small().ends(outcome.Suspend(&pipeline.Step{})), seen: kstatus.InProgressStatus,
			want: []string{"Ready=False Suspended"}},
		{name: "stalled", scope: small().ends(outcome.Stall(datav1alpha1.ReasonSourceNotFound, "x")), seen: kstatus.FailedStatus,
			want: []string{"Ready=False SourceNotFound", "Stalled=True SourceNotFound"}},
		{name: "published", scope: small().finish(5), seen: kstatus.CurrentStatus,
			want: []string{"Ready=True Published"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := test.scope.Mix.DeepCopy()
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
			if got := fixture.KStatus(mix); got != test.seen {
				t.Errorf("kstatus: got %s, want %s", got, test.seen)
			}
		})
	}
}

// TestStable: the same scope at a later time gives the same status, so that nothing is written.
func TestStable(t *testing.T) {
	for finished := range 6 {
		b := small()
		for range finished {
			b.job(1, fixture.Complete(50)).finish(1)
		}
		if finished < 5 {
			b = b.ends(outcome.Progress("going on"))
		}
		first := b.status(fixture.At(100))
		b.Mix.Status = first
		if diff := cmp.Diff(first, b.status(fixture.At(200))); diff != "" {
			t.Errorf("after %d stages (-first +later):\n%s", finished, diff)
		}
	}
}

// TestTransitionTime: it moves with the status of a condition, not with its reason or message.
func TestTransitionTime(t *testing.T) {
	b := small().ends(outcome.Progress("one"))
	b.Mix.Status = b.status(fixture.At(100))
	b.Mix.Status = b.ends(outcome.Wait(datav1alpha1.ReasonWaitingForPods, "two")).status(fixture.At(200))
	if got := b.Mix.Status.Conditions[0].LastTransitionTime; got != fixture.At(100) {
		t.Errorf("another reason moved the time to %s", got)
	}
	b.Mix.Status = b.ends(outcome.Stall("SourceNotFound", "three")).status(fixture.At(300))
	if got := b.Mix.Status.Conditions[0].LastTransitionTime; got != fixture.At(300) {
		t.Errorf("another status left the time at %s", got)
	}
}

func TestObservedGeneration(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	if got := *b.status(fixture.At(1)).ObservedGeneration; got != -1 {
		t.Errorf("at first: got %d, want -1", got)
	}
	b.Mix.Status.ObservedGeneration = ptr.To[int64](2)
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
		scope builder
		want  []string
		short string
	}{
		{name: "nothing yet", scope: small().ends(outcome.Progress("x")), short: "download 0/2", want: []string{
			"download Pending 0/2 #0", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "running", scope: small().job(1, running).ends(outcome.Progress("x")), short: "download 1/2", want: []string{
			"download Running 1/2 #1", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "a pod failed", scope: small().job(1, retrying).ends(outcome.Progress("x")), short: "download 0/2", want: []string{
			"download Retrying 0/2 #1", "split Pending 0/2 #0", "balance Pending 0/1 #0", "mix Pending 0/2 #0", "publish Pending 0/1 #0"}},
		{name: "a second attempt", scope: small().job(1, fixture.Complete(2)).job(2, running).ends(outcome.Progress("x")), short: "download 1/2", want: []string{
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
	revision := b.Target.Graph.Published.Revision
	for i := range 12 {
		b.Mix.Status.History = append(b.Mix.Status.History, datav1alpha1.HistoryEntry{Revision: fmt.Sprint("r", i), Generation: 1})
	}
	b.Mix.Status.History[4].Revision = revision // it was published before, and comes back
	var got []string
	for _, entry := range b.status(fixture.At(1)).History {
		got = append(got, entry.Revision)
	}
	want := []string{revision, "r0", "r1", "r2", "r3", "r5", "r6", "r7", "r8", "r9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// TestPublishedStaysInStatus: an earlier revision remains in the status while the next one is built.
func TestPublishedStaysInStatus(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	old := &datav1alpha1.Published{Revision: "old", Digest: "d"}
	b.Mix.Status.Published = old
	if diff := cmp.Diff(old, b.status(fixture.At(1)).Published); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestTransitions(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	b.Mix.Status = b.status(fixture.At(0))
	tests := []struct {
		name string
		next func() builder
		want []string
	}{
		{name: "nothing new", next: func() builder { return b }},
		{name: "a Job", next: func() builder { return b.job(1, batchv1.JobStatus{Active: 2}) },
			want: []string{"Normal StageStarted: Stage download started."}},
		{name: "another attempt", next: func() builder { return b.job(2, batchv1.JobStatus{Active: 2}) },
			want: []string{"Warning StageRetried: Stage download: attempt 2."}},
		{name: "a stall", next: func() builder { return b.ends(outcome.Stall("SourceNotFound", "No such revision.")) },
			want: []string{"Warning SourceNotFound: No such revision."}},
		{name: "a done stage and a suspension", next: func() builder {
			return b.finish(1).ends(outcome.Suspend(&pipeline.Step{Stage: pipeline.StageSplit}))
		}, want: []string{"Normal StageSucceeded: Stage download is done, 2 of 2.", "Normal Suspended: Stage split comes next; set spec.suspend to false to go on."}},
		{name: "a publication", next: func() builder { return b.finish(4).ends(nil) },
			want: []string{"Normal RevisionPublished: Published revision R on claim c at m/revisions/R.", "Normal Resumed: The build goes on."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := b.Mix.DeepCopy()
			after := before.DeepCopy()
			after.Status = test.next().status(fixture.At(1))
			b.Mix.Status = after.Status
			var got []string
			for _, e := range Transitions(before, after) {
				got = append(got, e.Kind+" "+e.Reason+": "+e.Note)
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
	b.Mix.Status = b.status(fixture.At(0))
	before := b.Mix.DeepCopy()
	work := render.Work{Mix: b.Mix, Recipe: b.Target.Recipe, Step: *b.Target.Graph.Next(), Attempt: 1, Location: b.Target.Location, Chain: b.Target.Chain}
	job := work.Job()
	job.CreationTimestamp, job.Status = fixture.At(1), fixture.Complete(2)
	b.Jobs = append(b.Jobs, job)
	after := before.DeepCopy()
	after.Status = b.finish(3).ends(nil).status(fixture.At(3))
	var got []string
	for _, e := range Transitions(before, after) {
		got = append(got, e.Reason+": "+e.Note)
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

// TestHandled: the status has the requests that are recorded, whatever else was asked.
func TestHandled(t *testing.T) {
	b := small().ends(outcome.Progress("x"))
	b.Ledger.Requests = ledger.Requests{RequestedAt: "unrecorded"}
	status := b.status(fixture.At(1))
	if status.LastHandledRequestedAt != "" || status.LastRefreshTime != nil {
		t.Errorf("the status tells of %q, which is not recorded", status.LastHandledRequestedAt)
	}
	b.asked = ledger.Requests{RequestedAt: "1", ForceAt: "1", Request: "a", Again: "b", At: fixture.At(7)}
	status = b.status(fixture.At(1))
	if status.LastHandledRequestedAt != "1" || status.LastHandledForceAt != "1" || !status.LastRefreshTime.Equal(ptr.To(fixture.At(7))) {
		t.Errorf("the status tells of %q, %q, %v", status.LastHandledRequestedAt, status.LastHandledForceAt, status.LastRefreshTime)
	}
}

// reader returns a pod that was made at a second, and mounts a folder of the claim since another.
func reader(name, folder string, made, started int64) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: fixture.At(made)}}
	p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}}}}
	p.Spec.Containers = []corev1.Container{{Name: "train", VolumeMounts: []corev1.VolumeMount{{Name: "v", SubPath: folder}}}}
	running := &corev1.ContainerStateRunning{StartedAt: fixture.At(started)}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "train", State: corev1.ContainerState{Running: running}}}}
	return p
}

// TestHeldRevisions: the status names the old revisions that pods read and who reads them, and the history keeps them.
func TestHeldRevisions(t *testing.T) {
	b := small().finish(5)
	b.Target.Recipe.Output.KeepRevisions = 1
	for i := range 14 { // published an hour apart, each a hundred bytes larger
		b.Mix.Status.History = append(b.Mix.Status.History, datav1alpha1.HistoryEntry{
			Revision: fmt.Sprint("r", 14-i), Generation: 1, Bytes: ptr.To(int64(100 * (14 - i))), Time: fixture.At(int64(3600 * (14 - i))),
		})
	}
	b.of = readers.Find([]corev1.Pod{
		reader("early", "m/current", 3600, 3700), reader("late", "m/current", 9*3600, 9*3600+100), reader("late-too", "m/revisions/r9", 0, 1),
	}, b.Mix.UID, b.Target.Location)
	status := b.status(fixture.At(20 * 3600))
	var got []string
	for _, held := range status.Held {
		got = append(got, fmt.Sprintf("%s %d by %v", held.Revision, *held.Bytes, held.Pods))
	}
	want := []string{"r9 900 by [late late-too]", "r8 800 by [late]", "r1 100 by [early]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	if n := len(status.History); n != historyLimit+1 || status.History[n-1].Revision != "r1" {
		t.Errorf("%d revisions in the history, the last is %s, want r1 behind the last %d", n, status.History[n-1].Revision, historyLimit)
	}
	b.of = &readers.Readers{}
	if held := b.status(fixture.At(20 * 3600)).Held; held != nil {
		t.Errorf("held by nobody: %v", held)
	}
	b.Mix.Status.Held, b.of = status.Held, nil
	if diff := cmp.Diff(status.Held, b.status(fixture.At(20*3600)).Held); diff != "" {
		t.Errorf("held, where it was not asked (-before +after):\n%s", diff)
	}
}
