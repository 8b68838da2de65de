package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// with returns the scope of the small mix after an edit of its recipe.
func (b builder) with(change func(*recipe.Recipe)) builder {
	b.With(change)
	return b
}

// mixes finishes the mix stage with files that report on code-set and qa-set: other units in each file, the same draws in all.
func (b builder) mixes() builder {
	for i, unit := range b.Target.Graph.Next().Missing {
		b.Ledger.Results[unit.Key] = pipeline.Result{Mix: &pipeline.MixResult{Datasets: []pipeline.MixedDataset{
			{Unique: 9, MaxRepeats: 3, Units: 100}, {Unique: 17, MaxRepeats: 4, Units: int64(300 + i)},
		}}}
	}
	b.Walk()
	return b
}

// TestUnits: with several files per split, shares are those of the sums of their units, once all are there.
func TestUnits(t *testing.T) {
	n, milli := ptr.To[int64], ptr.To[int32]
	b := small().with(func(r *recipe.Recipe) { r.Unit, r.Output.Shards = recipe.InTokens, 2 }).finish(3).ends(outcome.Progress("x"))
	before := b.status(fixture.At(1))
	if diff := cmp.Diff([]datav1alpha1.DomainSplitStatus{
		{Name: "train", Rows: n(13), TargetMilli: milli(333)}, {Name: "test", Rows: n(7), TargetMilli: milli(333)},
	}, before.Domains[0].Splits); diff != "" {
		t.Errorf("code before the files are made (-want +got):\n%s", diff)
	}
	if before.Summary.Domains != "" {
		t.Errorf("a summary of what is not known: %s", before.Summary.Domains)
	}
	after := b.mixes().status(fixture.At(1))
	if diff := cmp.Diff([]datav1alpha1.DomainSplitStatus{
		{Name: "train", Rows: n(13), Units: n(200), TargetMilli: milli(333), AchievedMilli: milli(250)},
		{Name: "test", Rows: n(7), Units: n(200), TargetMilli: milli(333), AchievedMilli: milli(248)},
	}, after.Domains[0].Splits); diff != "" {
		t.Errorf("code (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]datav1alpha1.SplitStatus{
		{Name: "train", Rows: n(39), Unique: n(33), Units: n(801)}, {Name: "test", Rows: n(20), Unique: n(17), Units: n(805)},
	}, after.Splits); diff != "" {
		t.Errorf("splits (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(datav1alpha1.DatasetSplitStatus{
		Name: "train", Rows: n(20), Balanced: n(20), Mixed: n(26), Unique: n(20), MaxRepeats: n(2), Overlap: n(0), Units: n(601),
	}, after.Datasets[1].Splits[0]); diff != "" {
		t.Errorf("qa-set in train (-want +got):\n%s", diff)
	}
	if want := "qa 75.0% code 25.0%"; after.Summary.Domains != want {
		t.Errorf("domains: got %s, want %s", after.Summary.Domains, want)
	}
	if stage := after.Stages[3]; *stage.Done != 4 || *stage.Total != 4 {
		t.Errorf("the mix stage: %d of %d", *stage.Done, *stage.Total)
	}
}

// TestCountsOfExports: where no mixed file is kept, the files of the first export say what the mix has, and their units are all that the stage has.
func TestCountsOfExports(t *testing.T) {
	held := func(keep []recipe.RevisionPart, exports ...recipe.Export) datav1alpha1.DatasetMixStatus {
		return small().with(func(r *recipe.Recipe) {
			r.Unit, r.Output.Shards, r.Output.Keep, r.Output.Exports = recipe.InTokens, 2, keep, exports
		}).finish(3).ends(outcome.Progress("x")).mixes().status(fixture.At(1))
	}
	mixed, exported := held(nil), held([]recipe.RevisionPart{recipe.TestPart}, recipe.Export{Name: "sft", Format: recipe.ExportSFT})
	for what, diff := range map[string]string{
		"domains": cmp.Diff(mixed.Domains, exported.Domains), "splits": cmp.Diff(mixed.Splits, exported.Splits), "data sets": cmp.Diff(mixed.Datasets, exported.Datasets),
		"stages": cmp.Diff(mixed.Stages[3].Total, exported.Stages[3].Total),
	} {
		if diff != "" {
			t.Errorf("%s (-of mixed files +of exports):\n%s", what, diff)
		}
	}
}

// TestDraws: what is drawn with replacement is known when it is drawn, not before.
func TestDraws(t *testing.T) {
	n := ptr.To[int64]
	b := small().with(func(r *recipe.Recipe) { r.Resample = recipe.WithReplacement }).finish(3).ends(outcome.Progress("x"))
	before, after := b.status(fixture.At(1)), b.mixes().status(fixture.At(1))
	for _, step := range []struct {
		status datav1alpha1.DatasetMixStatus
		splits []datav1alpha1.SplitStatus
		set    datav1alpha1.DatasetSplitStatus
	}{
		{before, []datav1alpha1.SplitStatus{{Name: "train", Rows: n(39)}, {Name: "test", Rows: n(20)}},
			datav1alpha1.DatasetSplitStatus{Name: "train", Rows: n(20), Balanced: n(19), Mixed: n(13), Overlap: n(1)}},
		{after, []datav1alpha1.SplitStatus{{Name: "train", Rows: n(39), Unique: n(26)}, {Name: "test", Rows: n(20), Unique: n(26)}},
			datav1alpha1.DatasetSplitStatus{Name: "train", Rows: n(20), Balanced: n(19), Mixed: n(13), Unique: n(9), MaxRepeats: n(3), Overlap: n(1)}},
	} {
		if diff := cmp.Diff(step.splits, step.status.Splits); diff != "" {
			t.Errorf("splits (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(step.set, step.status.Datasets[0].Splits[0]); diff != "" {
			t.Errorf("code-set in train (-want +got):\n%s", diff)
		}
	}
}

// TestDroppedForReasons: each reason has its own number, where the mix asks for it.
func TestDroppedForReasons(t *testing.T) {
	n := ptr.To[int64]
	b := small().with(func(r *recipe.Recipe) {
		r.Duplicates, r.NearDuplicates = recipe.DropDuplicates, &recipe.NearDuplicates{Percent: 80}
	}).finish(2).ends(outcome.Progress("x"))
	planned, err := plan.New(b.Target.Recipe, plan.Counts{"qa-set": {Rows: []int64{20, 10}}, "code-set": {Rows: []int64{14, 10}}})
	if err != nil {
		t.Fatal(err)
	}
	b.Ledger.Results[b.Target.Graph.Next().Missing[0].Key] = pipeline.Result{Balance: &pipeline.BalanceResult{
		Overlap: pipeline.DroppedRows{{1, 0}, {0, 0}}, Duplicates: pipeline.DroppedRows{{2, 0}, {0, 0}}, NearDuplicates: pipeline.DroppedRows{{3, 0}, {0, 0}},
		Plan: planned.Digest(),
	}}
	b.Walk()
	if b.Target.Err != nil {
		t.Fatal(b.Target.Err)
	}
	got := b.status(fixture.At(1)).Datasets[0].Splits
	want := []datav1alpha1.DatasetSplitStatus{
		{Name: "train", Rows: n(20), Overlap: n(1), Duplicates: n(2), NearDuplicates: n(3)},
		{Name: "test", Rows: n(10), Overlap: n(0), Duplicates: n(0), NearDuplicates: n(0)},
	}
	for i := range got {
		got[i].Balanced, got[i].Mixed, got[i].Unique, got[i].MaxRepeats = nil, nil, nil, nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("code-set (-want +got):\n%s", diff)
	}
}

// TestStagesWithProbes: a probe is a unit of the download stage only.
func TestStagesWithProbes(t *testing.T) {
	b := small().with(func(r *recipe.Recipe) {
		r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{{Name: "p", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "p"}}, Preset: "math"}}}
	}).ends(outcome.Progress("x"))
	stages := b.status(fixture.At(1)).Stages
	if *stages[0].Total != 3 || *stages[1].Total != 2 || len(b.finish(1).status(fixture.At(1)).Datasets) != 2 {
		t.Errorf("downloads %d, splits %d", *stages[0].Total, *stages[1].Total)
	}
}
