package controllers

import (
	"errors"
	"strings"
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/status"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// A mistake that no data can mend stalls a mix before anything is made for it; the mix goes on when it is corrected.
func TestAMistakeStallsBeforeAnythingIsMade(t *testing.T) {
	w := newWorld(t)
	before := datav1alpha1.Record{}
	record := func(mix *datav1alpha1.DatasetMix) *datav1alpha1.Record {
		return &mix.Spec.Domains[0].Datasets[0].Record
	}
	w.edit(func(mix *datav1alpha1.DatasetMix) {
		before = *record(mix)
		*record(mix) = datav1alpha1.Record{Question: "row.question +", ReferenceAnswer: "row.answer", AnswerType: "text"}
	})
	w.reconcileAll()
	mix := w.mix()
	stalled := status.Condition(mix, datav1alpha1.ConditionStalled)
	for _, part := range []string{"Data set qa-set", "row.question +", "Syntax error", "correct it"} {
		if !strings.Contains(stalled.Message, part) {
			t.Errorf("%q does not say %q", stalled.Message, part)
		}
	}
	if stalled.Reason != datav1alpha1.ReasonInvalidSpec || len(w.jobs()) != 0 || *mix.Status.ObservedGeneration != mix.Generation {
		t.Errorf("stalled with %q, %d Jobs, generation %d of %d", stalled.Reason, len(w.jobs()), *mix.Status.ObservedGeneration, mix.Generation)
	}
	w.edit(func(mix *datav1alpha1.DatasetMix) { *record(mix) = before })
	w.reconcileAll()
	if len(w.jobs()) != 1 {
		t.Errorf("%d Jobs after it was corrected, want 1", len(w.jobs()))
	}
}

// A mix is judged once per generation and object, and forgotten with it.
func TestVerdictsAreKept(t *testing.T) {
	w := newWorld(t)
	of := &w.reconciler.verdicts
	w.reconcileAll()
	first := of.of[worldKey]
	if first.generation != 1 || first.uid != "u" || first.err != nil {
		t.Fatalf("the first verdict is %+v", first)
	}
	// as if the next compilation would find something: it is not made
	of.of[worldKey] = verdictOf{"u", 1, errors.New("kept")}
	if err := of.judge(w.mix(), recipe.Recipe{}); err == nil || err.Error() != "kept" {
		t.Errorf("judged again: %v", err)
	}
	w.edit(func(*datav1alpha1.DatasetMix) {})
	w.reconcileAll()
	if got := of.of[worldKey]; got.generation != 2 || got.err != nil {
		t.Errorf("after an edit the verdict is %+v", got)
	}
	mix := w.mix()
	if err := w.client.Delete(t.Context(), mix); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: worldKey}); err != nil || len(of.of) != 0 {
		t.Errorf("after the mix is gone there are %d verdicts: %v", len(of.of), err)
	}
}

func (w *world) mix() *datav1alpha1.DatasetMix {
	w.t.Helper()
	mix := &datav1alpha1.DatasetMix{}
	w.get(worldKey, mix)
	return mix
}

// A source of a kind that names no license is refused before anything is made, where the policy wants one.
func TestAPolicyStallsBeforeAnythingIsMade(t *testing.T) {
	w := newWorld(t)
	w.edit(func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Domains[0].Datasets[0].Source = datav1alpha1.Source{HTTP: &datav1alpha1.HTTPSource{URLs: []datav1alpha1.HTTPFile{{URL: "https://example.org/rows.jsonl"}}}}
		mix.Spec.Policy = &datav1alpha1.Policy{Licenses: []string{"MIT"}}
	})
	for _, unknown := range []datav1alpha1.UnknownLicenses{"", datav1alpha1.UnknownLicensesAllow} {
		w.edit(func(mix *datav1alpha1.DatasetMix) { mix.Spec.Policy.UnknownLicenses = unknown })
		w.reconcileAll()
		stalled, jobs := status.Condition(w.mix(), datav1alpha1.ConditionStalled), len(w.jobs())
		if unknown == datav1alpha1.UnknownLicensesAllow {
			if jobs != 1 {
				t.Errorf("%d Jobs after unknown licenses were allowed, want 1: %+v", jobs, stalled)
			}
			continue
		}
		if want := "names no license, and policy.licenses allows mit alone"; stalled.Reason != datav1alpha1.ReasonLicenseRefused || !strings.Contains(stalled.Message, want) || jobs != 0 {
			t.Errorf("stalled with %q, %q, %d Jobs", stalled.Reason, stalled.Message, jobs)
		}
	}
}
