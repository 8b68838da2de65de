package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// What is proved of parts is so in every format, in shards, whatever shares are measured in and however rows are drawn.
func TestPartsOfOtherMixesAreProved(t *testing.T) {
	drawn := recipes.Exporting(recipe.JSONL, 1)
	drawn.Resample = recipe.WithReplacement
	bytes := recipes.Measured(recipe.InBytes, recipe.Tokenizer{})
	bytes.Output.Exports = recipes.Exporting(recipe.JSONL, 1).Output.Exports
	several := recipes.Exporting(recipe.JSONLZstd, 3)
	several.Output.Exports = append(several.Output.Exports, recipe.Export{Name: "sft", Format: recipe.ExportSFT})
	one := recipes.Exporting(recipe.JSONL, 1)
	one.Splits = one.Splits[:1]
	for what, r := range map[string]recipe.Recipe{
		"Parquet in shards": recipes.Exporting(recipe.Parquet, 3), "several exports": several, "drawn": drawn, "bytes": bytes, "one split": one,
	} {
		for _, parts := range [][]recipe.RevisionPart{{recipe.MixedPart}, {recipe.RawPart, recipe.MixedPart}, {recipe.TestPart}, {recipe.ProcessedPart}, {recipe.RawPart}} {
			r.Output.Keep = parts
			if err := forgery.Check(filled(t).revision(r)); err != nil {
				t.Errorf("%s, %v: %v", what, parts, err)
			}
		}
	}
}

// exportedFrom makes a file of the export again, from rows that are changed.
func exportedFrom(r recipe.Recipe, split string, mixed []byte, other func([][]byte) [][]byte) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		t.Helper()
		rows, err := export.Of(r, "rl", split, 0)
		must(t, err)
		var out bytes.Buffer
		table := encode.NewTable(&out, rows.Fields())
		for _, line := range other(forgery.Lines(mixed)) {
			must(t, rows.Add(line, table))
		}
		must(t, table.Close())
		forgery.Change(t, filepath.Join(folder, revision.ExportFile(recipe.Shard{Split: split, Count: 1, Export: "rl"})), func([]byte) []byte { return out.Bytes() })
	}
}

// datasetOf returns the data set of a row.
func datasetOf(line []byte) string {
	name, _, _ := strings.Cut(string(line)[len(`{"id":"`):], "_")
	return name
}

// like finds the first row from an index on that is another one of the same data set.
func like(rows [][]byte, of []byte, from int) int {
	return from + slices.IndexFunc(rows[from:], func(row []byte) bool { return datasetOf(row) == datasetOf(of) && !bytes.Equal(row, of) })
}

// What the parts that are held can show is proved, whichever they are.
func TestVerifyFindsForgeriesInParts(t *testing.T) {
	const train, test = "mixed/train_mixed.jsonl", "mixed/test_mixed.jsonl"
	w := filled(t)
	whole := w.revision(recipes.Two())
	trained, err := os.ReadFile(filepath.Join(whole, train))
	must(t, err)
	tested, err := os.ReadFile(filepath.Join(whole, test))
	must(t, err)
	another := func(rows [][]byte) [][]byte { rows[0] = rows[like(rows, rows[0], 1)]; return rows }
	leaking := func(rows [][]byte) [][]byte {
		other := forgery.Lines(tested)
		rows[0] = other[like(other, rows[0], 0)]
		return rows
	}
	exchanged := func(rows [][]byte) [][]byte {
		other := forgery.FirstOther(rows)
		rows[0], rows[other] = rows[other], rows[0]
		return rows
	}
	asking := func(rows [][]byte) [][]byte { // a row of the facts, which are not repeated, asks what is tested
		at := slices.IndexFunc(rows, func(row []byte) bool { return datasetOf(row) == "facts" })
		tests := forgery.Lines(tested)
		question := func(line []byte) []byte {
			return line[bytes.Index(line, []byte(`"question"`)):bytes.Index(line, []byte(`,"reference_answer"`))]
		}
		rows[at] = bytes.Replace(rows[at], question(rows[at]), question(tests[like(tests, rows[at], 0)]), 1)
		return rows
	}
	beyond := func(rows [][]byte) [][]byte {
		at := slices.IndexFunc(rows, func(row []byte) bool { return datasetOf(row) == "facts" })
		rows[at] = append([]byte(`{"id":"facts_999"`), rows[at][bytes.IndexByte(rows[at], ','):]...)
		return rows
	}
	changed := func(rows [][]byte) [][]byte { // one of the places of a row that is repeated
		at := slices.IndexFunc(rows, func(row []byte) bool { return datasetOf(row) == "products" })
		rows[at] = bytes.Replace(rows[at], []byte(`"reference_answer":"`), []byte(`"reference_answer":"1`), 1)
		return rows
	}
	less := func(rows [][]byte) [][]byte { return rows[1:] }
	plain := func(parts ...recipe.RevisionPart) recipe.Recipe {
		r := recipes.Two()
		r.Output.Keep = parts
		return r
	}
	for _, c := range []struct {
		recipe    recipe.Recipe
		forgeries map[string]forgery.Case
	}{
		{plain(recipe.MixedPart), map[string]forgery.Case{
			"a row in the place of another":         {forgery.Edit(train, another), "different, each"},
			"a row of the other split":              {forgery.Edit(train, leaking), "is in the splits train and test"},
			"rows of two data sets exchanged":       {forgery.Edit(train, exchanged), "the row is of data set"},
			"a question that is tested":             {forgery.Edit(train, asking), "of split"},
			"a row that the data set does not have": {forgery.Edit(train, beyond), "data set facts has 300 rows"},
			"a repeated row that is changed once":   {forgery.Edit(train, changed), "is not the same in all files"},
			"a row less":                            {forgery.Edit(train, func(rows [][]byte) [][]byte { return rows[:len(rows)-1] }), "rows, the plan says"},
			"files exchanged":                       {func(t *testing.T, folder string, _ *revision.Manifest) { forgery.Swapped(t, folder, train, test) }, "mixed/"},
		}},
		{plain(recipe.MixedPart, recipe.TestPart), map[string]forgery.Case{
			"a row of the other split":  {forgery.Edit(train, leaking), "is in the splits train and test"},
			"a question that is tested": {forgery.Edit(train, asking), "of split"},
			"a tested row exchanged":    {forgery.Edit(test, exchanged), test},
			"another row to test":       {forgery.Edit("test/facts_test.jsonl", another), "is not one of split test"},
		}},
		{plain(recipe.RawPart, recipe.MixedPart), map[string]forgery.Case{
			"a row that says something else": {forgery.Says(`"reference_answer":"A7"`, `"reference_answer":"A8"`), ""},
			"a row that raw does not have":   {forgery.Edit("raw/qa/facts.jsonl", less), "has 299 rows"},
			"another row in raw": {forgery.Edit("raw/qa/facts.jsonl", func(rows [][]byte) [][]byte {
				last := append(bytes.Clone(rows[299]), '\n')
				return append(rows[1:299:299], last, bytes.Replace(last, []byte("facts_299"), []byte("facts_300"), 1))
			}), "facts_"},
			"a mixed row that is changed": {forgery.Edit(train, beyondRaw), "is not the same in all files"},
		}},
		{plain(recipe.ProcessedPart, recipe.MixedPart), map[string]forgery.Case{
			"a row in the place of another": {forgery.Edit("processed/facts/train.jsonl", another), "is there twice"},
			"a row of the other split":      {forgery.Edit(train, leaking), "is not one of split train"},
		}},
		{recipes.Keeping(recipe.ProcessedPart), map[string]forgery.Case{
			"another row exported":    {exportedFrom(recipes.Keeping(), "train", trained, another), "exports/rl/train.parquet: rows 1 to"},
			"a row more in its split": {forgery.Edit("processed/facts/train.jsonl", another), "is there twice"},
		}},
		{recipes.Keeping(recipe.RawPart, recipe.MixedPart), map[string]forgery.Case{
			"another row exported": {exportedFrom(recipes.Keeping(), "train", trained, another), "exports/rl/train.parquet: rows 1 to"},
		}},
		{recipes.Keeping(recipe.TestPart), map[string]forgery.Case{
			"another row exported":            {exportedFrom(recipes.Keeping(), "train", trained, another), "different, each"},
			"a row of the other split":        {exportedFrom(recipes.Keeping(), "train", trained, leaking), "is in the splits train and test"},
			"a question that is tested":       {exportedFrom(recipes.Keeping(), "train", trained, asking), "of split"},
			"rows of two data sets exchanged": {exportedFrom(recipes.Keeping(), "train", trained, exchanged), "is next in the order"},
			"a row less":                      {exportedFrom(recipes.Keeping(), "train", trained, less), "exports/rl/train.parquet"},
			"another row tested":              {exportedFrom(recipes.Keeping(), "test", tested, another), "exports/rl/test.parquet: rows 1 to"},
		}},
	} {
		t.Run(strings.Trim(strings.ReplaceAll(strings.Join(names(c.recipe.Output.Keep), " "), "/", ""), " "), func(t *testing.T) {
			for what, f := range c.forgeries {
				t.Run(what, func(t *testing.T) {
					folder := filled(t).revision(c.recipe)
					must(t, forgery.Check(folder))
					forgery.Forge(t, folder, f.Forge, forgery.Resealed, forgery.ToldAgain)
					err := forgery.Check(folder)
					if (err == nil) != (f.Want == "") || err != nil && !strings.Contains(err.Error(), f.Want) {
						t.Errorf("the message is %v, want %q in it", err, f.Want)
					}
				})
			}
		})
	}
}

// beyondRaw changes a row that is there once.
func beyondRaw(rows [][]byte) [][]byte {
	at := slices.IndexFunc(rows, func(row []byte) bool { return datasetOf(row) == "facts" })
	rows[at] = bytes.Replace(rows[at], []byte(`"reference_answer":"A`), []byte(`"reference_answer":"B`), 1)
	return rows
}

func names(parts []recipe.RevisionPart) (all []string) {
	for _, part := range parts {
		all = append(all, string(part))
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
