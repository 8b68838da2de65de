package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// reexported makes a file of an export again, from other rows of its mixed file.
func reexported(r recipe.Recipe, shard recipe.Shard, other func([][]byte) [][]byte) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		t.Helper()
		mixed, err := os.ReadFile(filepath.Join(folder, revision.MixedFile(shard, r.Output.Format)))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := export.Of(r, "rl", shard.Split, 0)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		table := encode.NewTable(&out, rows.Fields())
		for _, line := range other(forgery.Lines(mixed)) {
			if err := rows.Add(line, table); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		shard.Export = "rl"
		forgery.Change(t, filepath.Join(folder, revision.ExportFile(shard)), func([]byte) []byte { return out.Bytes() })
	}
}

func TestVerifyFindsForgedExports(t *testing.T) {
	const train, test, rewards = "exports/rl/train.parquet", "exports/rl/test.parquet", "exports/rl/rewards.py"
	r := recipes.Exporting(recipe.JSONL, 1)
	shard := recipe.Shard{Split: "train", Count: 1}
	prompted := recipes.Exporting(recipe.JSONL, 1)
	prompted.Output.Exports[0].SystemPrompt = "Be long."
	same := func(rows [][]byte) [][]byte { return rows }
	forgery.WantFound(t, func(t *testing.T) string { return filled(t).revision(r) }, map[string]forgery.Case{
		"a row in the place of another": {reexported(r, shard, func(rows [][]byte) [][]byte { rows[1] = rows[0]; return rows }), train + ": rows 1 to"},
		"two rows exchanged": {reexported(r, shard, func(rows [][]byte) [][]byte {
			other := forgery.FirstOther(rows)
			rows[0], rows[other] = rows[other], rows[0]
			return rows
		}), train + ": rows 1 to"},
		"a row less": {reexported(r, shard, func(rows [][]byte) [][]byte { return rows[1:] }), train + ": rows 1 to"},
		"a row more": {reexported(r, shard, func(rows [][]byte) [][]byte { return append(rows, rows[0]) }), train + ": rows 1 to"},
		"another answer": {reexported(r, shard, func(rows [][]byte) [][]byte {
			rows[0] = bytes.Replace(rows[0], []byte(`"reference_answer":"`), []byte(`"reference_answer":"1`), 1)
			return rows
		}), "column reward_model.ground_truth"},
		"another prompt":  {reexported(prompted, shard, same), "column prompt.list.element.content"},
		"files exchanged": {func(t *testing.T, folder string, _ *revision.Manifest) { forgery.Swapped(t, folder, train, test) }, "exports/rl/"},
		"half a file": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, train), func(c []byte) []byte { return c[:len(c)/2] })
		}, train},
		"bytes behind the end": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, train), func(c []byte) []byte { return append(c, "PAR1"...) })
		}, train},
		"a footer with a member": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, train), func(c []byte) []byte { c[len(c)-20] ^= 1; return c })
		}, train},
		"another scorer": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, rewards), func(c []byte) []byte { return append(c, "\nMAX_ANSWER = 1\n"...) })
		}, "the recipe's scorer has"},
		"no scorer": {func(t *testing.T, folder string, m *revision.Manifest) {
			forgery.Drop(m, rewards)
			if err := os.Remove(filepath.Join(folder, rewards)); err != nil {
				t.Fatal(err)
			}
		}, "does not list " + rewards},
		"no export": {func(t *testing.T, folder string, m *revision.Manifest) {
			forgery.Drop(m, train)
			if err := os.Remove(filepath.Join(folder, train)); err != nil {
				t.Fatal(err)
			}
		}, "does not list " + train},
	})
}

// Any bit of an export that changes is found by its digest; and where that was put right, by what it is made of.
func TestVerifyFindsChangedBitsOfExports(t *testing.T) {
	const name = "exports/rl/test.parquet"
	folder := filled(t).revision(recipes.Exporting(recipe.JSONL, 1))
	forgery.WantChangedBitsFound(t, folder, name)
}
