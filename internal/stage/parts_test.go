package stage

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// holding is a recipe with an export whose revisions hold some parts.
func holding(parts ...recipe.RevisionPart) recipe.Recipe {
	r := exporting(recipe.JSONL, 1)
	r.Output.Keep = parts
	return r
}

// choices are all that a revision can hold.
func choices() (all [][]recipe.RevisionPart) {
	parts := recipe.RevisionParts()
	for set := 1; set < 1<<len(parts)-1; set++ {
		var some []recipe.RevisionPart
		for i, part := range parts {
			if set&(1<<i) != 0 {
				some = append(some, part)
			}
		}
		all = append(all, some)
	}
	return all
}

// folders are the folders of a revision, by what keeps them.
var folders = map[recipe.RevisionPart]string{recipe.RawPart: "raw", recipe.ProcessedPart: "processed", recipe.MixedPart: "mixed", recipe.TestPart: "test"}

// A revision holds what is kept and nothing else, whose bytes are those of a revision that holds all; it is proved, its units are, and
// what is made of them by Jobs.
func TestRevisionsHoldWhatIsKept(t *testing.T) {
	whole := filled(t)
	whole.build(exporting(recipe.JSONL, 1))
	for _, parts := range choices() {
		w, r := filled(t), holding(parts...)
		_, graph := w.jobs(r, map[string]pipeline.Result{}, "")
		var found []string
		root := filepath.Join(w.worker.Volume, "mix", "current") + "/"
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			name := strings.TrimPrefix(path, root)
			if err == nil && strings.Contains(name, "/") && !entry.IsDir() && strings.HasSuffix(name, "l") {
				if got, want := w.read("mix/current/"+name), whole.read("mix/current/"+name); got != want {
					t.Errorf("%v: %s has other bytes", parts, name)
				}
			}
			if top, _, below := strings.Cut(name, "/"); below && !slices.Contains(found, top) {
				found = append(found, top)
			}
			return err
		})
		must(t, err)
		want := []string{"exports"}
		for _, part := range parts {
			want = append(want, folders[part])
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%v (-want +holds):\n%s", parts, diff)
		}
		if raw := slices.Contains(parts, recipe.RawPart); raw != (len(w.glob(".stages/split/*/raw.jsonl")) > 0) {
			t.Errorf("%v: all rows are written: %v", parts, !raw)
		}
		step, _ := graph.Step(pipeline.StageMix)
		if units := map[bool]int{true: 4, false: 2}[slices.Contains(parts, recipe.MixedPart)]; len(step.Nodes) != units {
			t.Errorf("%v: the mix stage has %d units, want %d", parts, len(step.Nodes), units)
		}
		proof, err := verify.Revision(context.Background(), filepath.Join(w.worker.Volume, "mix", "current"), verify.Options{Digest: graph.Published.Digest})
		if err != nil {
			t.Errorf("%v: %v", parts, err)
		}
		saysWhatIsNotProved(t, parts, proof)
	}
}

// saysWhatIsNotProved: a proof names the parts that it lacks.
func saysWhatIsNotProved(t *testing.T, parts []recipe.RevisionPart, proof verify.Proof) {
	t.Helper()
	unproved := strings.Join(proof.Claims().NotProved, "\n")
	for part, claim := range map[recipe.RevisionPart]string{recipe.RawPart: "raw is not kept", recipe.ProcessedPart: "processed is not kept"} {
		if said := strings.Contains(unproved, claim); said == slices.Contains(parts, part) {
			t.Errorf("%v: it is said that %s: %v", parts, claim, said)
		}
	}
}

// glob finds files below the mix's folder.
func (w *world) glob(pattern string) []string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", pattern))
	must(w.t, err)
	return found
}

// What is proved of parts is so in every format, in shards, whatever shares are measured in and however rows are drawn.
func TestPartsOfOtherMixesAreProved(t *testing.T) {
	drawn := exporting(recipe.JSONL, 1)
	drawn.Resample = recipe.WithReplacement
	bytes := measured(recipe.InBytes, recipe.Tokenizer{})
	bytes.Output.Exports = exporting(recipe.JSONL, 1).Output.Exports
	several := exporting(recipe.JSONLZstd, 3)
	several.Output.Exports = append(several.Output.Exports, recipe.Export{Name: "sft", Format: recipe.ExportSFT})
	one := exporting(recipe.JSONL, 1)
	one.Splits = one.Splits[:1]
	for what, r := range map[string]recipe.Recipe{
		"Parquet in shards": exporting(recipe.Parquet, 3), "several exports": several, "drawn": drawn, "bytes": bytes, "one split": one,
	} {
		for _, parts := range [][]recipe.RevisionPart{{recipe.MixedPart}, {recipe.RawPart, recipe.MixedPart}, {recipe.TestPart}, {recipe.ProcessedPart}, {recipe.RawPart}} {
			r.Output.Keep = parts
			if err := check(filled(t).revision(r)); err != nil {
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
		for _, line := range other(lines(mixed)) {
			must(t, rows.Add(line, table))
		}
		must(t, table.Close())
		change(t, filepath.Join(folder, revision.ExportFile(recipe.Shard{Split: split, Count: 1, Export: "rl"})), func([]byte) []byte { return out.Bytes() })
	}
}

// datasetOf is the data set of a row.
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
	whole := w.revision(two())
	trained, err := os.ReadFile(filepath.Join(whole, train))
	must(t, err)
	tested, err := os.ReadFile(filepath.Join(whole, test))
	must(t, err)
	another := func(rows [][]byte) [][]byte { rows[0] = rows[like(rows, rows[0], 1)]; return rows }
	leaking := func(rows [][]byte) [][]byte {
		other := lines(tested)
		rows[0] = other[like(other, rows[0], 0)]
		return rows
	}
	exchanged := func(rows [][]byte) [][]byte {
		other := firstOther(rows)
		rows[0], rows[other] = rows[other], rows[0]
		return rows
	}
	asking := func(rows [][]byte) [][]byte { // a row of the facts, which are not repeated, asks what is tested
		at := slices.IndexFunc(rows, func(row []byte) bool { return datasetOf(row) == "facts" })
		tests := lines(tested)
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
		r := two()
		r.Output.Keep = parts
		return r
	}
	for _, c := range []struct {
		recipe    recipe.Recipe
		forgeries map[string]forgery
	}{
		{plain(recipe.MixedPart), map[string]forgery{
			"a row in the place of another":         {edit(train, another), "different, each"},
			"a row of the other split":              {edit(train, leaking), "is in the splits train and test"},
			"rows of two data sets exchanged":       {edit(train, exchanged), "the row is of data set"},
			"a question that is tested":             {edit(train, asking), "of split"},
			"a row that the data set does not have": {edit(train, beyond), "data set facts has 300 rows"},
			"a repeated row that is changed once":   {edit(train, changed), "is not the same in all files"},
			"a row less":                            {edit(train, func(rows [][]byte) [][]byte { return rows[:len(rows)-1] }), "rows, the plan says"},
			"files exchanged":                       {func(t *testing.T, folder string, _ *revision.Manifest) { swapped(t, folder, train, test) }, "mixed/"},
		}},
		{plain(recipe.MixedPart, recipe.TestPart), map[string]forgery{
			"a row of the other split":  {edit(train, leaking), "is in the splits train and test"},
			"a question that is tested": {edit(train, asking), "of split"},
			"a tested row exchanged":    {edit(test, exchanged), test},
			"another row to test":       {edit("test/facts_test.jsonl", another), "is not one of split test"},
		}},
		{plain(recipe.RawPart, recipe.MixedPart), map[string]forgery{
			"a row that says something else": {says(`"reference_answer":"A7"`, `"reference_answer":"A8"`), ""},
			"a row that raw does not have":   {edit("raw/qa/facts.jsonl", less), "has 299 rows"},
			"another row in raw": {edit("raw/qa/facts.jsonl", func(rows [][]byte) [][]byte {
				last := append(bytes.Clone(rows[299]), '\n')
				return append(rows[1:299:299], last, bytes.Replace(last, []byte("facts_299"), []byte("facts_300"), 1))
			}), "facts_"},
			"a mixed row that is changed": {edit(train, beyondRaw), "is not the same in all files"},
		}},
		{plain(recipe.ProcessedPart, recipe.MixedPart), map[string]forgery{
			"a row in the place of another": {edit("processed/facts/train.jsonl", another), "is there twice"},
			"a row of the other split":      {edit(train, leaking), "is not one of split train"},
		}},
		{holding(recipe.ProcessedPart), map[string]forgery{
			"another row exported":    {exportedFrom(holding(), "train", trained, another), "exports/rl/train.parquet: rows 1 to"},
			"a row more in its split": {edit("processed/facts/train.jsonl", another), "is there twice"},
		}},
		{holding(recipe.RawPart, recipe.MixedPart), map[string]forgery{
			"another row exported": {exportedFrom(holding(), "train", trained, another), "exports/rl/train.parquet: rows 1 to"},
		}},
		{holding(recipe.TestPart), map[string]forgery{
			"another row exported":            {exportedFrom(holding(), "train", trained, another), "different, each"},
			"a row of the other split":        {exportedFrom(holding(), "train", trained, leaking), "is in the splits train and test"},
			"a question that is tested":       {exportedFrom(holding(), "train", trained, asking), "of split"},
			"rows of two data sets exchanged": {exportedFrom(holding(), "train", trained, exchanged), "is next in the order"},
			"a row less":                      {exportedFrom(holding(), "train", trained, less), "exports/rl/train.parquet"},
			"another row tested":              {exportedFrom(holding(), "test", tested, another), "exports/rl/test.parquet: rows 1 to"},
		}},
	} {
		t.Run(strings.Trim(strings.ReplaceAll(strings.Join(names(c.recipe.Output.Keep), " "), "/", ""), " "), func(t *testing.T) {
			for what, f := range c.forgeries {
				t.Run(what, func(t *testing.T) {
					folder := filled(t).revision(c.recipe)
					must(t, check(folder))
					forge(t, folder, f.forge, resealed, toldAgain)
					err := check(folder)
					if (err == nil) != (f.want == "") || err != nil && !strings.Contains(err.Error(), f.want) {
						t.Errorf("the message is %v, want %q in it", err, f.want)
					}
				})
			}
		})
	}
}

// resealed makes the results of the mix stage those of the files, and all keys.
func resealed(t *testing.T, folder string, m *revision.Manifest) {
	t.Helper()
	next := 0
	rekeyed(func(result *pipeline.Result) {
		if result.Mix == nil {
			return
		}
		name := revision.FileOf(m.Recipe.Files()[next], m.Recipe.Output.Format)
		next++
		i := slices.IndexFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == name })
		done := *result.Mix
		done.Bytes, done.Digest = m.Files[i].Bytes, m.Files[i].SHA256
		result.Mix = &done
	})(t, folder, m)
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
