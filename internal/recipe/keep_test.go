package recipe

import (
	"slices"
	"strings"
	"testing"
)

func TestKept(t *testing.T) {
	names := func(r Record) (out []string) {
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
		of   Record
		want []string
	}{
		{"nothing", Record{Question: "row.q"}, nil},
		{"a preset that keeps nothing", Record{Preset: "gsm8k"}, nil},
		{"a preset's own", Record{Preset: "messages"}, []string{"messages", "tools"}},
		{"beside a preset", Record{Preset: "messages", Keep: []string{"id2", "tools"}, KeepAsText: []string{"messages"}}, []string{"id2 asked", "messages text asked", "tools asked"}},
		{"the whole row", Record{Keep: []string{"*", "s", "a"}}, []string{"a asked", "row * asked", "s asked"}},
	} {
		if got := names(c.of); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestKeysOfKeptMembers: what is kept is in the key of the data set's split, and in those of mixed files where they are tables; the scorer
// is in no key but that of the publication, which tells the recipe.
func TestKeysOfKeptMembers(t *testing.T) {
	keys := func(format Format, change func(*Record)) map[string]string {
		r := six(KeepTotal, KeepTotal)
		r.Output.Format = format
		change(&r.Domains[0].Datasets[0].Record)
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		of := map[string]string{}
		for _, step := range graph.Steps {
			for _, unit := range step.Units {
				of[string(step.Stage)+" "+unit.Name] = unit.Key
			}
		}
		return of
	}
	for _, c := range []struct {
		what   string
		format Format
		change func(*Record)
		stages []string
	}{
		{"a scorer", JSONL, func(r *Record) { r.Scorer = FormulaScorer }, []string{"publish"}},
		{"a member", JSONL, func(r *Record) { r.Keep = []string{"a"} }, []string{"split", "balance", "mix", "publish"}},
		{"a member as a text", Parquet, func(r *Record) { r.KeepAsText = []string{"a"} }, []string{"split", "balance", "mix", "publish"}},
	} {
		before, after := keys(c.format, func(*Record) {}), keys(c.format, c.change)
		for name, key := range before {
			stage, unit, _ := strings.Cut(name, " ")
			changes := slices.Contains(c.stages, stage) && (stage != "split" || unit == six(KeepTotal, KeepTotal).Domains[0].Datasets[0].Name)
			if (after[name] != key) != changes {
				t.Errorf("%s: the key of %s changes: %t", c.what, name, !changes)
			}
		}
	}
	r := six(KeepTotal, KeepTotal)
	r.Domains[0].Datasets[0].Record.Keep = []string{"a"}
	if r.columns() != nil {
		t.Error("rows that are lines have columns")
	}
	if r.Output.Format = Parquet; !slices.Equal(r.columns(), []string{"a"}) {
		t.Errorf("the columns are %q", r.columns())
	}
}

func TestScorers(t *testing.T) {
	for _, c := range []struct {
		of         Record
		answerType string
		want       Scorer
		label      string
	}{
		{Record{Question: "row.q"}, "numeric", NumericScorer, "numeric"},
		{Record{Question: "row.q"}, "text", TextScorer, "text"},
		{Record{Question: "row.q"}, "code", CodeScorer, "code"},
		{Record{Question: "row.q", Scorer: FormulaScorer}, "text", FormulaScorer, "formula"},
		{Record{Preset: "gsm8k"}, "numeric", NumericScorer, "numeric"},
		{Record{Preset: "math"}, "text", FormulaScorer, "formula"},
		{Record{Preset: "math", Scorer: TextScorer}, "text", TextScorer, "text"},
		{Record{Preset: "squad2"}, "text", NoAnswerTextScorer, "no-answer text"},
		{Record{Preset: "hotpotqa-context"}, "text", YesNoTextScorer, "yes-no text"},
		{Record{Preset: PresetVersion("mbpp")}, "code", CodeScorer, "code"},
	} {
		if got := c.of.ScorerOf(c.answerType); got != c.want || got.Label() != c.label {
			t.Errorf("%+v of %s: %s, %q", c.of, c.answerType, got, got.Label())
		}
	}
}

// TestPresetVersions: a recipe names the mapping, so the name of one that changed is another.
func TestPresetVersions(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Presets() {
		found, ok := FindPreset(PresetVersion(p.Name))
		if !ok || found.Name != p.Name || seen[p.Name] || seen[p.Version] || (p.Version == p.Name) != (p.Changed == "") {
			t.Errorf("the preset %s has the version %q, which changed %q", p.Name, p.Version, p.Changed)
		}
		seen[p.Name], seen[p.Version] = true, true
	}
	if got := PresetVersion("mbpp"); got != "mbpp/v2" {
		t.Errorf("mbpp is %q in a recipe", got)
	}
	if got := PresetVersion("none"); got != "none" {
		t.Errorf("a preset that is unknown is %q", got)
	}
}

func TestRecordsOfRecipes(t *testing.T) {
	for _, c := range []struct {
		change  func(*Record)
		message string
	}{
		{func(r *Record) { r.Keep = []string{"b", "a"} }, "not sorted"},
		{func(r *Record) { r.KeepAsText = []string{"metadata"} }, "none of them"},
		{func(r *Record) { r.Keep = strings.Split(strings.Repeat("a ", 16)+"b", " ") }, "17 members that it keeps"},
		{func(r *Record) { r.Decontaminate = make([]string, 9) }, "9 expressions of texts"},
		{func(r *Record) { r.Scorer = "Vibes" }, `scorer is "Vibes"`},
	} {
		r := six(KeepTotal, KeepTotal)
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&r.Domains[0].Datasets[0].Record)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%v\nshould say %s", err, c.message)
		}
	}
}
