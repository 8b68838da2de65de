package recipes

import (
	"fmt"
	"strings"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/python"
)

// Two returns a mix of two domains, each of one or two small data sets.
func Two() recipe.Recipe {
	dataset := func(name, preset string) recipe.Dataset {
		return recipe.Dataset{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: name + ".jsonl"}}, Record: recipe.Record{Preset: preset}}
	}
	return recipe.Recipe{
		Name: "mix", Seed: 42, Order: recipe.Shuffled, Output: recipe.Output{Path: "mix", Format: recipe.JSONL, KeepRevisions: 3},
		Splits: []recipe.Split{{Name: "train", Share: 5, Size: recipe.Size{Policy: recipe.KeepTotal}}, {Name: "test", Share: 1, Size: recipe.Size{Policy: recipe.NoRepeat}}},
		Domains: []recipe.Domain{
			{Name: "math", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("sums", "gsm8k"), dataset("products", "gsm8k")}},
			{Name: "qa", Share: 2, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("facts", "hotpotqa")}},
		},
	}
}

// Sums returns rows of the gsm8k form, each with its own question.
func Sums(what string, rows int) string { return lines(what, "#### ", rows) }

// Facts returns rows of the hotpotqa form, each with its own question.
func Facts(rows int) string { return lines("Who is", "A", rows) }

// lines returns rows whose questions and answers begin alike and end in the number of the row.
func lines(question, answer string, rows int) string {
	var out strings.Builder
	for i := range rows {
		fmt.Fprintf(&out, "{\"question\":\"%s %d?\",\"answer\":\"%s%d\"}\n", question, i, answer, i)
	}
	return out.String()
}

// In returns Two in so many files of a format.
func In(format recipe.Format, shards int) recipe.Recipe {
	r := Two()
	r.Output.Format = format
	if shards > 1 {
		r.Output.Shards = shards
	}
	return r
}

// Drawn returns Two, drawn with replacement.
func Drawn(format recipe.Format, shards int) recipe.Recipe {
	r := In(format, shards)
	r.Resample = recipe.WithReplacement
	r.Splits[1].Size = recipe.Size{Policy: recipe.KeepTotal}
	return r
}

// Measured returns Two with its shares in a unit.
func Measured(unit recipe.ShareUnit, tokenizer recipe.Tokenizer) recipe.Recipe {
	r := Two()
	r.Unit, r.Tokenizer = unit, tokenizer
	r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows, Rows: 400}
	return r
}

// Skipping returns Two with a data set sums that skips bad rows.
func Skipping(most int64) recipe.Recipe {
	r := Two()
	r.Domains[0].Datasets[0].Read = recipe.Read{OnBadRow: recipe.SkipBadRow, MaxBadRows: most}
	return r
}

// Exporting returns a recipe with an export of format RL.
func Exporting(format recipe.Format, shards int) recipe.Recipe {
	r := In(format, shards)
	r.Output.Exports = []recipe.Export{{Name: "rl", Format: recipe.ExportRL, SystemPrompt: "Be brief.", Scorer: python.RewardsSHA256(), Instructions: recipe.Instructions{Numeric: "A number."}}}
	return r
}

// Keeping returns a recipe with an export whose revisions hold some parts.
func Keeping(parts ...recipe.RevisionPart) recipe.Recipe {
	r := Exporting(recipe.JSONL, 1)
	r.Output.Keep = parts
	return r
}

// TwoFiles returns the files that Two reads, by name.
func TwoFiles() map[string]string {
	return map[string]string{"sums.jsonl": Sums("What is the sum of", 120), "products.jsonl": Sums("What is the product of", 61), "facts.jsonl": Facts(300)}
}

// Formats returns all formats of mixed files.
func Formats() []recipe.Format {
	return []recipe.Format{recipe.JSONL, recipe.JSONLZstd, recipe.JSONLGzip, recipe.Parquet}
}
