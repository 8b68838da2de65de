package stage

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// forgery changes a published revision; the proof must find it and say want.
type forgery struct {
	forge func(*testing.T, string, *revision.Manifest)
	want  string
}

// revision is the folder of a recipe's revision.
func (w *world) revision(r recipe.Recipe) string {
	w.t.Helper()
	return filepath.Join(w.worker.Volume, "mix", "revisions", w.build(r).Published.Revision)
}

// findsForgeries builds a revision for each forgery.
func findsForgeries(t *testing.T, revision func(*testing.T) string, forgeries map[string]forgery) {
	t.Helper()
	if err := check(revision(t)); err != nil {
		t.Fatalf("what was published is refused: %v", err)
	}
	for what, c := range forgeries {
		t.Run(what, func(t *testing.T) {
			folder := revision(t)
			forge(t, folder, c.forge)
			_, err := verify.Revision(context.Background(), folder, verify.Options{})
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the message is %q, want %q in it", err, c.want)
			}
		})
	}
}

// The list of the rows that a split left out and the rows that it kept are the source, each row once.
func TestVerifyFindsForgedListsOfLeftOutRows(t *testing.T) {
	const list = "dropped/math/sums.jsonl"
	replace := func(from, to string) func([][]byte) [][]byte {
		return func(rows [][]byte) [][]byte {
			rows[0] = bytes.Replace(rows[0], []byte(from), []byte(to), 1)
			return rows
		}
	}
	findsForgeries(t, func(t *testing.T) string {
		w := filled(t)
		w.put("sums.jsonl", sums("What is the sum of", 120)+"{\n{\n"+sums("And of", 3))
		r := skipping(0)
		r.Domains[0].Datasets[0].Record.Where = `!row.question.startsWith("And")`
		return w.revision(r)
	}, map[string]forgery{
		"a line less":         {edit(list, func(rows [][]byte) [][]byte { return rows[1:] }), "lists 1 rows with the reason malformed, the manifest says 2"},
		"a line twice":        {edit(list, func(rows [][]byte) [][]byte { return append(rows[:1:1], rows...) }), "row 2: the number 120 is not above the one before it"},
		"another reason":      {edit(list, replace("malformed", "wrong-shape")), "with the reason malformed"},
		"a row that was kept": {edit(list, replace(`"row":120`, `"row":7`)), "lists row 7 as left out, and it stands in raw/math/sums.jsonl"},
		"a number that is none": {edit(list, func(rows [][]byte) [][]byte {
			rows[4] = bytes.Replace(rows[4], []byte(`"row":124`), []byte(`"row":125`), 1)
			return rows
		}), "not one of the 125 rows"},
		"a line in another form":   {edit(list, replace(`"row"`, `"line"`)), list},
		"a list that is left out":  {func(_ *testing.T, _ string, m *revision.Manifest) { drop(m, list) }, "does not list " + list},
		"two lines in wrong order": {edit(list, func(rows [][]byte) [][]byte { rows[0], rows[1] = rows[1], rows[0]; return rows }), "not above the one before it"},
	})
}

// drop takes a file out of a manifest.
func drop(m *revision.Manifest, path string) {
	for i, file := range m.Files {
		if file.Path == path {
			m.Files = append(m.Files[:i:i], m.Files[i+1:]...)
			return
		}
	}
}

// says makes rows say something else in every file that has them, so that all counts and places stay.
func says(text, as string) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, folder string, m *revision.Manifest) {
		for _, file := range m.Files {
			if file.Rows != nil {
				change(t, filepath.Join(folder, file.Path), func(content []byte) []byte {
					return bytes.ReplaceAll(content, []byte(text), []byte(as))
				})
			}
		}
	}
}

// Where duplicates are dropped, no two rows of a split say the same, in one data set or in two.
func TestVerifyFindsDuplicates(t *testing.T) {
	revision := func(t *testing.T) string {
		w := filled(t)
		// Every question is there twice, with two answers, and so on one side.
		w.put("sums.jsonl", sums("What is the sum of", 60)+strings.ReplaceAll(sums("What is the sum of", 60), "#### ", "#### 9"))
		w.put("products.jsonl", sums("What is the product of", 61))
		r := two()
		r.Duplicates = recipe.DropDuplicates
		return w.revision(r)
	}
	findsForgeries(t, revision, map[string]forgery{
		"one answer made another": {says(`"question":"What is the sum of 7?","reference_answer":"97"`, `"question":"What is the sum of 7?","reference_answer":"7"`), "of the same split, and duplicates are dropped"},
	})
	// Who keeps duplicates may have them.
	w := filled(t)
	w.put("sums.jsonl", sums("What is the sum of", 60)+sums("What is the sum of", 60))
	if err := check(w.revision(two())); err != nil {
		t.Error(err)
	}
}

// The list of what balance dropped has the reasons that were counted.
func TestVerifyFindsForgedListsOfDroppedRows(t *testing.T) {
	const list = revision.DroppedFile
	replace := func(from, to string) func(*testing.T, string, *revision.Manifest) {
		return edit(list, func(rows [][]byte) [][]byte {
			rows[0] = bytes.Replace(rows[0], []byte(from), []byte(to), 1)
			return rows
		})
	}
	revision := func(t *testing.T) string {
		w, r := duplicated(t)
		return w.revision(r)
	}
	findsForgeries(t, revision, map[string]forgery{
		"another reason": {replace(`"reason":"duplicate"`, `"reason":"overlap"`), "with the reason overlap, the manifest says"},
		"no reason":      {replace(`"reason":"duplicate"`, `"reason":"none"`), "which is none"},
		"another split":  {replace(`"split":"train"`, `"split":"test"`), "the manifest says"},
		"a line less":    {edit(list, func(rows [][]byte) [][]byte { return rows[1:] }), "with the reason duplicate"},
	})
}

// rekeyed changes results in a manifest, and then all that follows from them: plan, keys, revision. What is left to find is
// that the rows are others.
func rekeyed(edit func(*pipeline.Result)) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, _ string, m *revision.Manifest) {
		divided := pipeline.Results{}
		results := map[string]pipeline.Result{}
		var mixed []pipeline.Result
		for i := range m.Stages {
			of := &m.Stages[i]
			edit(&of.Result)
			switch {
			case of.Result.Split != nil:
				divided.Add(of.Stage, of.Node.Name, of.Result)
			case of.Result.Balance != nil:
				planned, err := plan.New(m.Recipe, pipeline.Remaining(m.Recipe, divided, *of.Result.Balance))
				if err != nil {
					t.Fatal(err)
				}
				m.Plan, of.Result.Balance.Plan = planned, planned.Digest()
			case of.Result.Mix != nil:
				mixed = append(mixed, of.Result)
				continue
			}
			results[of.Node.Key] = of.Result
		}
		graph, err := pipeline.Walk(m.Recipe, results)
		if err != nil {
			t.Fatal(err)
		}
		step, _ := graph.Step(pipeline.StageMix)
		m.Stages = m.Stages[:len(m.Stages)-len(mixed)]
		for i, unit := range step.Nodes {
			results[unit.Key] = mixed[i]
			m.Stages = append(m.Stages, revision.Finished{Stage: pipeline.StageMix, Node: unit, Result: mixed[i]})
		}
		if graph, err = pipeline.Walk(m.Recipe, results); err != nil {
			t.Fatal(err)
		}
		m.Revision = pipeline.RevisionName(graph.Next().Nodes[0].Key)
	}
}

// The bytes and tokens are those of the rows.
func TestVerifyFindsOtherUnits(t *testing.T) {
	for what, r := range map[string]recipe.Recipe{
		"bytes":    measured(recipe.InBytes, recipe.Tokenizer{}),
		"estimate": measured(recipe.InTokens, recipe.Tokenizer{}),
		"encoding": measured(recipe.InTokens, recipe.Tokenizer{Encoding: "cl100k_base"}),
	} {
		t.Run(what, func(t *testing.T) {
			revision := func(t *testing.T) string {
				w := filled(t)
				w.put("products.jsonl", sums("What is the product of", 61)+sums("What is the sum of", 90)) // some overlap
				w.put("facts.jsonl", goldenRows+facts(300))
				return w.revision(r)
			}
			findsForgeries(t, revision, map[string]forgery{
				"of a split":   {rekeyed(func(result *pipeline.Result) { addUnits(result.Split) }), "and what was dropped of it have"},
				"of what left": {rekeyed(func(result *pipeline.Result) { addUnitsLeft(result.Balance) }), "the manifest says"},
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
