package recipe_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// What no export can be is refused before anything is built, by its name and that of the data set.
func TestExportsAreJudged(t *testing.T) {
	digest := strings.Repeat("0", 64)
	many := make([]recipe.Export, 8+1)
	for i := range many {
		many[i] = recipe.Export{Name: strings.Repeat("a", i+1), Format: recipe.ExportText}
	}
	for want, exports := range map[string][]recipe.Export{
		"": {{Name: "rl", Format: recipe.ExportRL, Scorer: digest}, {Name: "sft", Format: recipe.ExportSFT, SystemPrompt: "Be brief."}, {Name: "text", Format: recipe.ExportText}},
		"export dpo of format Preference cannot hold data set gsm8k, whose rows keep no member chosen": {{Name: "dpo", Format: recipe.ExportPreference}},
		`a export is called "A"`:       {{Name: "A", Format: recipe.ExportText}},
		"two exports are called text":  {{Name: "text", Format: recipe.ExportText}, {Name: "text", Format: recipe.ExportText}},
		"format is \"CSV\"":            {{Name: "text", Format: "CSV"}},
		`export rl has the scorer ""`:  {{Name: "rl", Format: recipe.ExportRL}},
		"export text has the scorer":   {{Name: "text", Format: recipe.ExportText, Scorer: digest}},
		"a system prompt of more than": {{Name: "sft", Format: recipe.ExportSFT, SystemPrompt: strings.Repeat("ä", 8192+1)}},
		"an instruction of more than":  {{Name: "sft", Format: recipe.ExportSFT, Instructions: recipe.Instructions{Code: strings.Repeat("ä", 2048+1)}}},
		"9 exports":                    many,
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Exports = exports
		if err := r.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

// holding is a data set's record, and whether an export can hold its rows.
type holding struct {
	record recipe.Record
	held   bool
}

func wantHeld(t *testing.T, export recipe.Export, records []holding) {
	t.Helper()
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Output.Exports = []recipe.Export{export}
	want := fmt.Sprintf("export %s of format %s cannot hold data set gsm8k, whose rows have no reference answer", export.Name, export.Format)
	for _, c := range records {
		r.Domains[0].Datasets[0].Record = c.record
		if err := r.Validate(); (err == nil) != c.held || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: the error is %v", c.record, err)
		}
	}
}

// TestExportsHoldTheirRows: a data set whose rows cannot have what a format needs is refused by its name.
func TestExportsHoldTheirRows(t *testing.T) {
	wantHeld(t, recipe.Export{Name: "sft", Format: recipe.ExportSFT}, []holding{
		{recipe.Record{Preset: "text"}, false},
		{recipe.Record{Preset: "text", Keep: []string{"messages"}}, true},
		{recipe.Record{Question: "row.q", ReferenceAnswer: " '' ", AnswerType: `"text"`}, false},
		{recipe.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: `"text"`}, true},
		{recipe.Record{Preset: "messages"}, true},
	})
	wantHeld(t, recipe.Export{Name: "rl", Format: recipe.ExportRL, Scorer: strings.Repeat("0", 64)}, []holding{
		{recipe.Record{Preset: "text"}, false},
		{recipe.Record{Preset: "text", Keep: []string{"messages"}}, false},
		{recipe.Record{Question: "row.q", ReferenceAnswer: "''", AnswerType: "numeric"}, false},
		{recipe.Record{Question: "row.q", ReferenceAnswer: "''", AnswerType: "'code'"}, true},
		{recipe.Record{Question: "row.q", ReferenceAnswer: "''", AnswerType: "text", Metadata: []recipe.Metadata{{Name: "answers", Value: "row.answers"}}}, true},
		{recipe.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text"}, true},
		{recipe.Record{Preset: "messages"}, true},
	})
	wantHeld(t, recipe.Export{Name: "text", Format: recipe.ExportText}, []holding{{recipe.Record{Preset: "text"}, true}})
	pairs := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	pairs.Output.Exports = []recipe.Export{{Name: "dpo", Format: recipe.ExportPreference}}
	for d := range pairs.Domains {
		for s := range pairs.Domains[d].Datasets {
			pairs.Domains[d].Datasets[s].Record = recipe.Record{Preset: "preference"}
		}
	}
	if err := pairs.Validate(); err != nil {
		t.Error(err)
	}
}
