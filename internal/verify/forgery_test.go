package verify_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// The list of the rows that a split left out and the rows that it kept are the source, each row once.
func TestVerifyFindsForgedListsOfLeftOutRows(t *testing.T) {
	const list = "dropped/math/sums.jsonl"
	replace := func(from, to string) func([][]byte) [][]byte {
		return func(rows [][]byte) [][]byte {
			rows[0] = bytes.Replace(rows[0], []byte(from), []byte(to), 1)
			return rows
		}
	}
	forgery.WantFound(t, func(t *testing.T) string {
		w := filled(t)
		w.put("sums.jsonl", recipes.Sums("What is the sum of", 120)+"{\n{\n"+recipes.Sums("And of", 3))
		r := recipes.Skipping(0)
		r.Domains[0].Datasets[0].Record.Where = `!row.question.startsWith("And")`
		return w.revision(r)
	}, map[string]forgery.Case{
		"a line less":         {forgery.Edit(list, func(rows [][]byte) [][]byte { return rows[1:] }), "lists 1 rows with the reason malformed, the manifest says 2"},
		"a line twice":        {forgery.Edit(list, func(rows [][]byte) [][]byte { return append(rows[:1:1], rows...) }), "row 2: the number 120 is not above the one before it"},
		"another reason":      {forgery.Edit(list, replace("malformed", "wrong-shape")), "with the reason malformed"},
		"a row that was kept": {forgery.Edit(list, replace(`"row":120`, `"row":7`)), "raw/math/sums.jsonl"},
		"a number that is none": {forgery.Edit(list, func(rows [][]byte) [][]byte {
			rows[4] = bytes.Replace(rows[4], []byte(`"row":124`), []byte(`"row":125`), 1)
			return rows
		}), "not one of the 125 rows"},
		"a line in another form":   {forgery.Edit(list, replace(`"row"`, `"line"`)), list},
		"a list that is left out":  {func(_ *testing.T, _ string, m *revision.Manifest) { forgery.Drop(m, list) }, "does not list " + list},
		"two lines in wrong order": {forgery.Edit(list, func(rows [][]byte) [][]byte { rows[0], rows[1] = rows[1], rows[0]; return rows }), "not above the one before it"},
	})
}

// Where duplicates are dropped, no two rows of a split say the same, in one data set or in two.
func TestVerifyFindsDuplicates(t *testing.T) {
	revision := func(t *testing.T) string {
		w := filled(t)
		// Every question is there twice, with two answers, and so on one side.
		w.put("sums.jsonl", recipes.Sums("What is the sum of", 60)+strings.ReplaceAll(recipes.Sums("What is the sum of", 60), "#### ", "#### 9"))
		w.put("products.jsonl", recipes.Sums("What is the product of", 61))
		r := recipes.Two()
		r.Duplicates = recipe.DropDuplicates
		return w.revision(r)
	}
	forgery.WantFound(t, revision, map[string]forgery.Case{
		"one answer made another": {forgery.Says(`"question":"What is the sum of 7?","reference_answer":"97"`, `"question":"What is the sum of 7?","reference_answer":"7"`), "of the same split, and duplicates are dropped"},
	})
	// Who keeps duplicates may have them.
	w := filled(t)
	w.put("sums.jsonl", recipes.Sums("What is the sum of", 60)+recipes.Sums("What is the sum of", 60))
	if err := forgery.Check(w.revision(recipes.Two())); err != nil {
		t.Error(err)
	}
}

// The list of what balance dropped has the reasons that were counted.
func TestVerifyFindsForgedListsOfDroppedRows(t *testing.T) {
	const list = revision.DroppedFile
	replace := func(from, to string) func(*testing.T, string, *revision.Manifest) {
		return forgery.Edit(list, func(rows [][]byte) [][]byte {
			rows[0] = bytes.Replace(rows[0], []byte(from), []byte(to), 1)
			return rows
		})
	}
	revision := func(t *testing.T) string {
		w, again := filled(t), strings.SplitAfter(recipes.Sums("What is the sum of", 120), "\n")[:20]
		w.put("sums.jsonl", recipes.Sums("What is the sum of", 120)+strings.Join(again, ""))
		r := recipes.Two()
		r.Duplicates = recipe.DropDuplicates
		return w.revision(r)
	}
	forgery.WantFound(t, revision, map[string]forgery.Case{
		"another reason": {replace(`"reason":"duplicate"`, `"reason":"overlap"`), "with the reason overlap, the manifest says"},
		"no reason":      {replace(`"reason":"duplicate"`, `"reason":"other"`), `"other"`},
		"another split":  {replace(`"split":"train"`, `"split":"test"`), "the manifest says"},
		"a line less":    {forgery.Edit(list, func(rows [][]byte) [][]byte { return rows[1:] }), "with the reason duplicate"},
	})
}

// The bytes and tokens are those of the rows.
func TestVerifyFindsOtherUnits(t *testing.T) {
	for what, r := range map[string]recipe.Recipe{
		"bytes":    recipes.Measured(recipe.InBytes, recipe.Tokenizer{}),
		"estimate": recipes.Measured(recipe.InTokens, recipe.Tokenizer{}),
		"encoding": recipes.Measured(recipe.InTokens, recipe.Tokenizer{Encoding: "cl100k_base"}),
	} {
		t.Run(what, func(t *testing.T) {
			revision := func(t *testing.T) string {
				w := filled(t)
				w.put("products.jsonl", recipes.Sums("What is the product of", 61)+recipes.Sums("What is the sum of", 90)) // some overlap
				w.put("facts.jsonl", recipes.Facts(300))
				return w.revision(r)
			}
			forgery.WantFound(t, revision, map[string]forgery.Case{
				"of a split":   {forgery.Rekeyed(func(result *pipeline.Result) { addUnits(result.Split) }), "and what was dropped of it have"},
				"of what left": {forgery.Rekeyed(func(result *pipeline.Result) { addUnitsLeft(result.Balance) }), "the manifest says"},
			})
		})
	}
}

func addUnits(divided *pipeline.SplitResult) {
	if divided != nil {
		divided.Units[0]++
	}
}

func addUnitsLeft(balanced *pipeline.BalanceResult) {
	if balanced != nil {
		balanced.Units[0][1]++
	}
}
