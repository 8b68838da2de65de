package status

import (
	"fmt"
	"strconv"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

func succeeded(n int32, indexes string) batchv1.JobStatus {
	return batchv1.JobStatus{Succeeded: n, CompletedIndexes: indexes}
}

// said returns percent and seconds until the estimated end, in one text.
func said(summary *datav1alpha1.Summary, now metav1.Time) string {
	percent, left := "-", "-"
	if summary.Percent != 0 {
		percent = strconv.Itoa(int(summary.Percent))
	}
	if summary.EstimatedCompletionTime != nil {
		left = strconv.Itoa(int(summary.EstimatedCompletionTime.Sub(now.Time).Seconds()))
	}
	return percent + " " + left
}

func TestEstimate(t *testing.T) {
	going := outcome.Progress("Stage is under way.")
	tests := []struct {
		name  string
		scope builder
		want  string
	}{
		{"nothing is done", small().job(1, batchv1.JobStatus{}).ends(going), "- -"},
		{"half of the downloads, in 99 s", small().job(1, succeeded(1, "0")).ends(going), "15 561"},
		{"half, by number alone", small().job(1, succeeded(1, "")).ends(going), "15 561"},
		{"downloaded, in a second", small().job(1, fixture.Complete(2)).finish(1).job(99, batchv1.JobStatus{}).ends(going), "30 -"},
		{"stalled", small().finish(1).ends(outcome.Stall(datav1alpha1.ReasonSourceNotFound, "x")), "30 -"},
		{"suspended", small().finish(2).ends(outcome.Suspend(&pipeline.Step{})), "70 -"},
		{"all but published", small().finish(4).ends(going), "93 -"},
		{"published", small().finish(5), "100 -"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := said(test.scope.status(fixture.At(100)).Summary, fixture.At(100)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestEstimateWeighsUnits: the split of a data set of nine tenths of the bytes is nine tenths of the stage.
func TestEstimateWeighsUnits(t *testing.T) {
	b := small()
	step := b.Target.Graph.Next()
	for i, unit := range step.Missing {
		bytes := []int64{9_000_000, 1_000_000}[i]
		b.Ledger.Results[unit.Key] = pipeline.Result{Download: &pipeline.DownloadResult{Files: 1, Bytes: bytes, Digest: fmt.Sprint("d", i)}}
	}
	b.Walk()
	for index, want := range []string{"66 50", "34 165"} {
		s := b.ends(outcome.Progress("Stage is under way."))
		s.Jobs = nil
		s = s.job(1, succeeded(1, strconv.Itoa(index)))
		if got := said(s.status(fixture.At(100)).Summary, fixture.At(100)); got[:2] != want[:2] {
			t.Errorf("unit %d done: got %q, want %q", index, got, want)
		}
	}
}

// TestEstimateCostsNoWrite: neither the clock nor a pod that is lost changes what is said, so no pass writes a status for it.
func TestEstimateCostsNoWrite(t *testing.T) {
	b := small().job(1, succeeded(1, "0")).ends(outcome.Progress("Stage is under way."))
	first := b.status(fixture.At(100))
	b.Mix.Status = first
	for _, later := range []int64{101, 1000, 100_000} {
		if got := said(b.status(fixture.At(later)).Summary, fixture.At(100)); got != said(first.Summary, fixture.At(100)) {
			t.Errorf("%d s: %q, was %q", later, got, said(first.Summary, fixture.At(100)))
		}
	}
	b.Jobs[0].Status = succeeded(0, "") // its result is lost with its node
	if got := b.status(fixture.At(200)).Summary.Percent; got != 15 {
		t.Errorf("it falls to %d", got)
	}
	b.Mix.Generation++
	if got := b.status(fixture.At(200)).Summary.Percent; got != 0 {
		t.Errorf("another build begins with %d", got)
	}
}
