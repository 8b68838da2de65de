package recipe

import (
	"strings"
	"testing"
)

// What no export can be is refused before anything is built, by its name and that of the data set.
func TestExportsAreJudged(t *testing.T) {
	digest := strings.Repeat("0", 64)
	many := make([]Export, maxExports+1)
	for i := range many {
		many[i] = Export{Name: strings.Repeat("a", i+1), Format: ExportText}
	}
	for want, exports := range map[string][]Export{
		"": {{Name: "rl", Format: ExportRL, Scorer: digest}, {Name: "sft", Format: ExportSFT, SystemPrompt: "Be brief."}, {Name: "text", Format: ExportText}},
		"export dpo of format Preference cannot hold data set gsm8k, whose rows keep no member chosen": {{Name: "dpo", Format: ExportPreference}},
		`a export is called "A"`:       {{Name: "A", Format: ExportText}},
		"two exports are called text":  {{Name: "text", Format: ExportText}, {Name: "text", Format: ExportText}},
		"format is \"CSV\"":            {{Name: "text", Format: "CSV"}},
		`export rl has the scorer ""`:  {{Name: "rl", Format: ExportRL}},
		"export text has the scorer":   {{Name: "text", Format: ExportText, Scorer: digest}},
		"a system prompt of more than": {{Name: "sft", Format: ExportSFT, SystemPrompt: strings.Repeat("ä", maxSystemPrompt+1)}},
		"an instruction of more than":  {{Name: "sft", Format: ExportSFT, Instructions: Instructions{Code: strings.Repeat("ä", maxInstruction+1)}}},
		"9 exports":                    many,
	} {
		r := six(KeepTotal, KeepTotal)
		r.Output.Exports = exports
		if err := r.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	pairs := six(KeepTotal, KeepTotal)
	pairs.Output.Exports = []Export{{Name: "dpo", Format: ExportPreference}}
	for d := range pairs.Domains {
		for s := range pairs.Domains[d].Datasets {
			pairs.Domains[d].Datasets[s].Record = Record{Preset: "preference"}
		}
	}
	if err := pairs.Validate(); err != nil {
		t.Error(err)
	}
}

// The key of an exported file has what its rows depend on, and nothing else.
func TestKeysOfExports(t *testing.T) {
	digest := strings.Repeat("0", 64)
	unit := func(edit func(*Recipe)) (key string) {
		r := six(KeepTotal, KeepTotal)
		r.Output.Exports = []Export{{Name: "rl", Format: ExportRL, Scorer: digest}}
		edit(&r)
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		step, _ := graph.Step(Mixing)
		for _, unit := range step.Units {
			if unit.Name == "rl/train" || unit.Name == "rl/train.00000" {
				return unit.Key
			}
		}
		t.Fatalf("no unit of the export among %v", step.Units)
		return ""
	}
	plain := unit(func(*Recipe) {})
	for what, c := range map[string]struct {
		edit func(*Recipe)
		same bool
	}{
		"the format of mixed files":  {func(r *Recipe) { r.Output.Format = Parquet }, true},
		"the scorer":                 {func(r *Recipe) { r.Output.Exports[0].Scorer = strings.Repeat("1", 64) }, true},
		"another export":             {func(r *Recipe) { r.Output.Exports = append(r.Output.Exports, Export{Name: "sft", Format: ExportSFT}) }, true},
		"the system prompt":          {func(r *Recipe) { r.Output.Exports[0].SystemPrompt = "Be brief." }, false},
		"an instruction":             {func(r *Recipe) { r.Output.Exports[0].Instructions.Text = "Briefly." }, false},
		"the order":                  {func(r *Recipe) { r.Order = Interleaved }, false},
		"the shards":                 {func(r *Recipe) { r.Output.Shards = 2 }, false},
		"the scorer of one data set": {func(r *Recipe) { r.Domains[0].Datasets[0].Record.Scorer = TextScorer }, false},
	} {
		if got := unit(c.edit) == plain; got != c.same {
			t.Errorf("%s leaves the key: %v", what, got)
		}
	}
}
