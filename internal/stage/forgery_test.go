package stage

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// forgery changes a published revision; the proof must find it and say want.
type forgery struct {
	forge func(*testing.T, string, *contract.Manifest)
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
			err := check(folder)
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
		"a list that is left out":  {func(_ *testing.T, _ string, m *contract.Manifest) { drop(m, list) }, "does not list " + list},
		"two lines in wrong order": {edit(list, func(rows [][]byte) [][]byte { rows[0], rows[1] = rows[1], rows[0]; return rows }), "not above the one before it"},
	})
}

// drop takes a file out of a manifest.
func drop(m *contract.Manifest, path string) {
	for i, file := range m.Files {
		if file.Path == path {
			m.Files = append(m.Files[:i:i], m.Files[i+1:]...)
			return
		}
	}
}
