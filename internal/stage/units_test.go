package stage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/tokens"
)

// unitsOf returns what a row has in a unit, computed in another way.
func unitsOf(t *testing.T, r recipe.Recipe, file []byte, question, answer string) int64 {
	t.Helper()
	if r.Unit == recipe.InBytes {
		return int64(len([]byte(question)) + len([]byte(answer)))
	}
	counter, err := tokens.New(r.Tokenizer, file)
	if err != nil {
		t.Fatal(err)
	}
	return counter.Count(question) + counter.Count(answer)
}

// balancedOf returns the result of a built recipe's balance.
func (w *world) balancedOf(r recipe.Recipe) pipeline.BalanceResult {
	w.t.Helper()
	graph, results := w.results(r)
	step, _ := graph.Step(pipeline.StageBalance)
	return *results[step.Nodes[0].Key].Balance
}

// tokenizerFile returns a byte-level tokenizer without merges: every byte is a token.
func tokenizerFile() string {
	var vocabulary []string
	for id, r := range byteAlphabet() {
		vocabulary = append(vocabulary, fmt.Sprintf("%q:%d", string(r), id))
	}
	return `{"model":{"type":"BPE","vocab":{` + strings.Join(vocabulary, ",") + `},"merges":[]},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}}`
}

// byteAlphabet returns the characters that stand for the 256 bytes in a byte-level vocabulary (GPT-2's bytes_to_unicode).
func byteAlphabet() (alphabet []rune) {
	next := rune(256)
	for b := range rune(256) {
		if b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' {
			alphabet = append(alphabet, b)
			continue
		}
		alphabet = append(alphabet, next)
		next++
	}
	return alphabet
}

// Every row has its units in the index, every split their sum, and balance those of the rows that are left.
func TestUnitsAreCounted(t *testing.T) {
	file := tokenizerFile()
	sum := sha256.Sum256([]byte(file))
	for what, r := range map[string]recipe.Recipe{
		"bytes":     recipes.Measured(recipe.InBytes, recipe.Tokenizer{}),
		"estimate":  recipes.Measured(recipe.InTokens, recipe.Tokenizer{}),
		"encoding":  recipes.Measured(recipe.InTokens, recipe.Tokenizer{Encoding: "cl100k_base"}),
		"tokenizer": recipes.Measured(recipe.InTokens, recipe.Tokenizer{File: "models/tokenizer.json", SHA256: hex.EncodeToString(sum[:])}),
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			w.put("facts.jsonl", goldenRows+recipes.Facts(300))
			w.put("products.jsonl", recipes.Sums("What is the product of", 61)+recipes.Sums("What is the sum of", 90)) // some overlap
			w.give("models/tokenizer.json", file)
			balanced := w.balancedOf(r)
			for d, name := range r.DatasetNames() {
				divided := w.divided(r, name)
				for s, split := range r.Splits {
					var want, left int64
					rows, err := openRows(at(t, w.splitFolder(r, name)), split.Name+".jsonl", 0)
					if err != nil {
						t.Fatal(err)
					}
					for i := range rows.Len() {
						line, entry, err := rows.Row(i)
						if err != nil {
							t.Fatal(err)
						}
						row := parsed(t, line)
						units := unitsOf(t, r, []byte(file), row.Question, row.ReferenceAnswer)
						if entry.Units != units {
							t.Fatalf("%s has %d units, want %d", row.ID, entry.Units, units)
						}
						want += units
					}
					rows.Close()
					for _, row := range w.records(revision.ProcessedFile(name, split.Name)) {
						left += unitsOf(t, r, []byte(file), row.Question, row.ReferenceAnswer)
					}
					if divided.Units[s] != want || balanced.Units[s][d] != left {
						t.Errorf("%s, %s: %d of %d units, %d of %d are left", name, split.Name, divided.Units[s], want, balanced.Units[s][d], left)
					}
				}
			}
			if balanced.Overlap.Total() == 0 {
				t.Error("nothing was dropped")
			}
		})
	}
	w := filled(t)
	if got := w.divided(recipes.Two(), "sums").Units; got != nil {
		t.Errorf("units of a mix in rows: %v", got)
	}
	if got := w.balancedOf(recipes.Two()).Units; got != nil {
		t.Errorf("units of a mix in rows: %v", got)
	}
}

// The mix of shares 3:2 has bytes 3:2, to within what one row has.
func TestSharesInBytes(t *testing.T) {
	w := filled(t)
	w.put("facts.jsonl", strings.ReplaceAll(recipes.Facts(300), "Who is", "Who in the whole wide world could ever be"))
	r := recipes.Measured(recipe.InBytes, recipe.Tokenizer{})
	w.build(r)
	bytes := map[string]int64{}
	for _, row := range w.records("mixed/train_mixed.jsonl") {
		bytes[row.Domain] += int64(len(row.Question) + len(row.ReferenceAnswer))
	}
	if got := float64(bytes["math"]) / float64(bytes["qa"]); got < 1.45 || got > 1.55 {
		t.Errorf("%v bytes are 3:%.2f", bytes, 3/got)
	}
}

// give puts a file on the output volume.
func (w *world) give(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.worker.Volume, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestTokenizersThatCannotBeUsed(t *testing.T) {
	good := tokenizerFile()
	digest := func(content string) string {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:])
	}
	for what, c := range map[string]struct {
		content, file, sha256 string
		reason                contract.Reason
		parts                 []string
	}{
		"a missing file":     {good, "models/other.json", digest(good), contract.SourceNotFound, []string{"models/other.json", "spec.tokenizer.file"}},
		"another file":       {good, "models/tokenizer.json", digest("x"), contract.ChecksumMismatch, []string{digest(good), digest("x"), "spec.tokenizer.sha256"}},
		"no tokenizer":       {"{}", "models/tokenizer.json", digest("{}"), contract.InvalidData, []string{"models/tokenizer.json"}},
		"outside the volume": {good, "../tokenizer.json", digest(good), contract.VolumeInvalid, []string{"../tokenizer.json"}},
		"a folder":           {good, "models", digest(good), contract.VolumeInvalid, []string{"models is no file but a folder"}},
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			w.give("models/tokenizer.json", c.content)
			w.fails(recipes.Measured(recipe.InTokens, recipe.Tokenizer{File: c.file, SHA256: c.sha256}), c.reason, c.parts...)
		})
	}
}

// A tokenizer's file is known by its digest: elsewhere on the volume it counts the same, and no split is made again.
func TestATokenizerMayBeMoved(t *testing.T) {
	w := filled(t)
	file := tokenizerFile()
	sum := sha256.Sum256([]byte(file))
	w.give("a.json", file)
	r := recipes.Measured(recipe.InTokens, recipe.Tokenizer{File: "a.json", SHA256: hex.EncodeToString(sum[:])})
	first := w.splitFolder(r, "sums")
	if err := os.Remove(filepath.Join(w.worker.Volume, "a.json")); err != nil {
		t.Fatal(err)
	}
	r.Tokenizer.File = "b.json"
	if diff := cmp.Diff(first, w.splitFolder(r, "sums")); diff != "" {
		t.Error(diff)
	}
}
