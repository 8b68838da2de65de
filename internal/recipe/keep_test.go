package recipe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestKept(t *testing.T) {
	names := func(r recipe.Record) (out []string) {
		for _, m := range r.Kept() {
			words := []string{m.Name}
			for _, mark := range []struct {
				on   bool
				sign string
			}{{m.Whole, "*"}, {m.Text, "text"}, {m.Asked, "asked"}} {
				if mark.on {
					words = append(words, mark.sign)
				}
			}
			out = append(out, strings.Join(words, " "))
		}
		return out
	}
	for _, c := range []struct {
		what string
		of   recipe.Record
		want []string
	}{
		{"nothing", recipe.Record{Question: "row.q"}, nil},
		{"a preset that keeps nothing", recipe.Record{Preset: "gsm8k"}, nil},
		{"a preset's own", recipe.Record{Preset: "messages"}, []string{"messages", "tools"}},
		{"beside a preset", recipe.Record{Preset: "messages", Keep: []string{"id2", "tools"}, KeepAsText: []string{"messages"}}, []string{"id2 asked", "messages text asked", "tools asked"}},
		{"the whole row", recipe.Record{Keep: []string{"*", "s", "a"}}, []string{"a asked", "row * asked", "s asked"}},
	} {
		if got := names(c.of); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestScorers(t *testing.T) {
	for _, c := range []struct {
		of         recipe.Record
		answerType string
		want       recipe.Scorer
		label      string
	}{
		{recipe.Record{Question: "row.q"}, "numeric", recipe.NumericScorer, "numeric"},
		{recipe.Record{Question: "row.q"}, "text", recipe.TextScorer, "text"},
		{recipe.Record{Question: "row.q"}, "code", recipe.CodeScorer, "code"},
		{recipe.Record{Question: "row.q", Scorer: recipe.FormulaScorer}, "text", recipe.FormulaScorer, "formula"},
		{recipe.Record{Preset: "gsm8k"}, "numeric", recipe.NumericScorer, "numeric"},
		{recipe.Record{Preset: "math"}, "text", recipe.FormulaScorer, "formula"},
		{recipe.Record{Preset: "math", Scorer: recipe.TextScorer}, "text", recipe.TextScorer, "text"},
		{recipe.Record{Preset: "squad2"}, "text", recipe.NoAnswerTextScorer, "no-answer text"},
		{recipe.Record{Preset: "hotpotqa-context"}, "text", recipe.YesNoTextScorer, "yes-no text"},
		{recipe.Record{Preset: recipe.PresetVersion("mbpp")}, "code", recipe.CodeScorer, "code"},
	} {
		if got := c.of.ScorerOf(c.answerType); got != c.want || got.Label() != c.label {
			t.Errorf("%+v of %s: %s, %q", c.of, c.answerType, got, got.Label())
		}
	}
}

// TestPresetVersions: a recipe names the mapping, so the name of one that changed is another.
func TestPresetVersions(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range recipe.Presets() {
		found, ok := recipe.FindPreset(recipe.PresetVersion(p.Name))
		if !ok || found.Name != p.Name || seen[p.Name] || seen[p.Version] || (p.Version == p.Name) != (p.Changed == "") {
			t.Errorf("the preset %s has the version %q, which changed %q", p.Name, p.Version, p.Changed)
		}
		seen[p.Name], seen[p.Version] = true, true
	}
	if got := recipe.PresetVersion("mbpp"); got != "mbpp/v2" {
		t.Errorf("mbpp is %q in a recipe", got)
	}
	if got := recipe.PresetVersion("none"); got != "none" {
		t.Errorf("a preset that is unknown is %q", got)
	}
}

func TestRecordsOfRecipes(t *testing.T) {
	for _, c := range []struct {
		change  func(*recipe.Record)
		message string
	}{
		{func(r *recipe.Record) { r.Keep = []string{"b", "a"} }, "not sorted"},
		{func(r *recipe.Record) { r.KeepAsText = []string{"metadata"} }, "none of them"},
		{func(r *recipe.Record) { r.Keep = strings.Split(strings.Repeat("a ", 16)+"b", " ") }, "17 members that it keeps"},
		{func(r *recipe.Record) { r.Decontaminate = make([]string, 9) }, "9 expressions of texts"},
		{func(r *recipe.Record) { r.Scorer = "Vibes" }, `scorer is "Vibes"`},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&r.Domains[0].Datasets[0].Record)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%v\nshould say %s", err, c.message)
		}
	}
}
