package follow

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/term"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/live"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/stage"
)

// file is an output that is a file, and no terminal.
type file struct{ bytes.Buffer }

func (*file) File() *os.File { return os.Stdin }

func TestOpen(t *testing.T) {
	var out bytes.Buffer
	for mode, want := range map[string]struct{ shows, json bool }{"auto": {}, "plain": {}, "json": {true, true}} {
		display, err := Open(mode, &out)
		if err != nil || display.Shows() != want.shows || display.IsJSON() != want.json {
			t.Errorf("%s: %+v, %v", mode, display, err)
		}
	}
	if display, err := Open("auto", &file{}); err != nil || display.Shows() != term.IsTerminal(int(os.Stdin.Fd())) {
		t.Errorf("standard input: %+v, %v", display, err)
	}
	for _, mode := range []string{"tty", "", "tyt"} {
		if _, err := Open(mode, &out); contract.ReasonOf(err) != contract.InvalidTask {
			t.Errorf("%q: %v", mode, err)
		}
	}
}

// TestRunShowsTheEnd: however short a build is, its end is shown, and stop may be called twice.
func TestRunShowsTheEnd(t *testing.T) {
	var out bytes.Buffer
	display, err := Open("json", &out)
	if err != nil {
		t.Fatal(err)
	}
	state := "building"
	stop := display.Run(func(time.Time) live.Build { return live.Build{Name: "mix", State: state} })
	state = "published"
	stop()
	stop()
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "published") {
		t.Errorf("%q", got)
	}
}

func pair() recipe.Recipe {
	return recipe.Recipe{
		Name: "pair", Splits: []recipe.Split{{Name: "train", Share: 1}},
		Domains: []recipe.Domain{{Name: "math", Share: 1, Datasets: []recipe.Dataset{{Name: "a"}, {Name: "b"}}}},
	}
}

// TestLocal: a build's state follows from what its observer is told and its meters count.
func TestLocal(t *testing.T) {
	var out bytes.Buffer
	l := NewLocal(&out, &Display{}, pair())
	step := pipeline.Step{Stage: pipeline.StageDownload, Missing: []pipeline.Node{{Name: "a"}, {Name: "b"}}}
	l.Begin(step)
	a, b := l.Meter(step.Stage, step.Missing[0]), l.Meter(step.Stage, step.Missing[1])
	a.Begin("fetch", 99, 0, 100)
	b.Begin("fetch", 99, 0, 100)
	b.Add(0, 50)
	l.Done(step.Stage, step.Missing[0], pipeline.Result{Download: &pipeline.DownloadResult{Files: 1, Bytes: 100}}, stage.Way{How: stage.Built})
	l.Note("a note")
	wantHalf(t, l.State(time.Now()))
	if want := " download  1/2  a            built       1 files, 100 bytes, revision -\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("the line: %q", out.String())
	}
	l.End(errors.New("it fails"))
	if got := l.State(time.Now()); got.Outcome != live.Failed || got.Stages[0].Outcome != live.Failed || got.Stages[0].Units[1].Outcome != live.Failed || got.Stages[0].Units[0].Outcome != live.Done {
		t.Errorf("failed: %+v", got)
	}
}

// wantHalf wants one of two downloads done, the other half, and nothing else begun.
func wantHalf(t *testing.T, got live.Build) {
	t.Helper()
	if s := got.Stages[0]; s.Outcome != live.Running || s.Done != 1 || s.Total != 2 || s.Units[0].Outcome != live.Done || s.Units[1].Percent != 49 {
		t.Errorf("%+v", s)
	}
	if got.Percent() != 22 || got.Outcome != live.Running || cmp.Diff([]string{"a note"}, got.Notes) != "" {
		t.Errorf("%d percent, %+v", got.Percent(), got)
	}
	for _, s := range got.Stages[1:] {
		if s.Outcome != live.Waiting || s.Done != 0 || s.Total == 0 || len(s.Units) != s.Total {
			t.Errorf("%+v", s)
		}
	}
}

// TestLocalLeft: what was there before the build is not counted as its work.
func TestLocalLeft(t *testing.T) {
	l := NewLocal(&bytes.Buffer{}, &Display{}, pair())
	nodes := []pipeline.Node{{Name: "a"}, {Name: "b"}}
	for _, name := range []pipeline.Stage{pipeline.StageDownload, pipeline.StageSplit} {
		for i, unit := range nodes {
			result, how := pipeline.Result{Download: &pipeline.DownloadResult{}}, stage.Reused
			if name == pipeline.StageSplit {
				result = pipeline.Result{Split: &pipeline.SplitResult{}}
				if i == 1 {
					how = stage.Built
				}
			}
			l.Meter(name, unit)
			l.Done(name, unit, result, stage.Way{How: how})
		}
	}
	l.started = time.Now().Add(-20 * time.Second)
	got := l.State(time.Now())
	if left := got.Left.Round(time.Second); got.Percent() != 70 || left != 30*time.Second { // 20 of 50 percent in 20 s
		t.Errorf("%d percent, %s left", got.Percent(), left)
	}
}

func building() *datav1alpha1.DatasetMix {
	end := metav1.NewTime(time.Now().Add(time.Minute))
	return &datav1alpha1.DatasetMix{
		ObjectMeta: metav1.ObjectMeta{Namespace: "training", Name: "pair", Generation: 1},
		Status: datav1alpha1.DatasetMixStatus{
			Conditions: []metav1.Condition{{Type: "Ready", Status: "Unknown", Reason: "Progressing", ObservedGeneration: 1},
				{Type: "Reconciling", Status: "True", Reason: "Progressing", ObservedGeneration: 1, LastTransitionTime: metav1.NewTime(time.Now().Add(-10 * time.Second))}},
			Summary: &datav1alpha1.Summary{Percent: 30, EstimatedCompletionTime: &end},
			Stages: []datav1alpha1.StageStatus{
				{Name: "download", State: datav1alpha1.StageSucceeded, Done: ptr.To[int32](2), Total: ptr.To[int32](2)},
				{Name: "split", State: datav1alpha1.StageRunning, Done: ptr.To[int32](0), Total: ptr.To[int32](2), StartTime: ptr.To(metav1.Now())},
				{Name: "balance", State: datav1alpha1.StagePending, Done: ptr.To[int32](0), Total: ptr.To[int32](1)},
			},
		},
	}
}

// TestCluster: the stages are those of the status, the units those of the logs.
func TestCluster(t *testing.T) {
	c := NewCluster(nil)
	if got := c.State(time.Now()); got.Outcome != live.Running {
		t.Errorf("before the first answer: %+v", got)
	}
	c.See(building())
	now := time.Now()
	c.tell(progress.Line{Time: now, Stage: "split", Unit: "b", Phase: "read", Bytes: 10, OfBytes: 20, Percent: 30})
	c.tell(progress.Line{Time: now, Stage: "split", Unit: "a", Phase: "write", Percent: 100})
	c.tell(progress.Line{Time: now.Add(-time.Minute), Stage: "split", Unit: "a", Phase: "read", Percent: 1}) // of an earlier attempt
	c.tell(progress.Line{Time: now, Stage: "balance", Unit: "pair", Phase: "compare", Percent: 50})          // by the same pod
	for _, refused := range []bool{true, true, false} {                                                      // said once
		if err := map[bool]error{true: &kube.ForbiddenError{Verb: "get", Resource: "pods/log"}, false: errors.New("other")}[refused]; c.refused(err) != refused {
			t.Errorf("%v is refused: %v", err, !refused)
		}
	}
	got := c.State(now)
	if split := got.Stages[1]; split.Outcome != live.Running || split.Done != 1 || split.Units[0].Name != "a" || split.Units[0].Outcome != live.Done || split.Units[1].Percent != 30 {
		t.Errorf("%+v", split)
	}
	if balance := got.Stages[2]; balance.Outcome != live.Running {
		t.Errorf("%+v", balance)
	}
	if got.Name != "training/pair" || got.Percent() != 57 || got.Left < 50*time.Second || got.Elapsed < 9*time.Second || cmp.Diff([]string{"not permitted: get pods/log"}, got.Notes) != "" {
		t.Errorf("%d percent: %+v", got.Percent(), got)
	}
}

// TestClusterEnds: with what the status says, or with what the command saw.
func TestClusterEnds(t *testing.T) {
	c, now := NewCluster(nil), time.Now()
	done := building()
	done.Status.ObservedGeneration = ptr.To[int64](1)
	done.Status.Published = &datav1alpha1.Published{Revision: "3f9c2a1b0d"}
	done.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "True", Reason: "Published", ObservedGeneration: 1}}
	c.See(done)
	if got := c.State(now); got.Outcome != live.Done || got.State != "Ready, Published, revision 3f9c2a1b0d" {
		t.Errorf("%+v", got)
	}
	c.Fail()
	if got := c.State(now); got.Outcome != live.Failed {
		t.Errorf("%+v", got)
	}
}

// TestPodsAreTakenOnce, when they have a log.
func TestPodsAreTakenOnce(t *testing.T) {
	c := NewCluster(nil)
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	if c.take(pod) {
		t.Error("a pending pod has no log")
	}
	pod.Status.Phase = corev1.PodRunning
	if !c.take(pod) || c.take(pod) {
		t.Error("a running pod is taken once")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.ReadLogs(ctx) // ends with its context
}

// TestDroppedRowsAreSaid: by reason, in one line.
func TestDroppedRowsAreSaid(t *testing.T) {
	got := describe(pipeline.Result{Split: &pipeline.SplitResult{Read: 12345, Dropped: map[string]int64{"where": 1000, "malformed": 2}, Rows: []int64{9000, 2343}}})
	if want := "12,345 rows, 1,002 dropped (2 malformed, 1,000 where) → [9,000 2,343]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = describe(pipeline.Result{Split: &pipeline.SplitResult{Read: 3, Rows: []int64{2, 1}}})
	if want := "3 rows, 0 dropped → [2 1]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
