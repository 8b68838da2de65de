package stage

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

// realSix returns the six data sets from their original files: JSON Lines, nested SQuAD, JSON arrays, gzip.
func realSix() recipe.Recipe {
	dataset := func(name, file string) recipe.Dataset {
		return recipe.Dataset{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: file}}, Record: recipe.Record{Preset: recipe.PresetVersion(name)}}
	}
	r := recipes.Two()
	r.Splits[1].Size.Policy = recipe.KeepTotal
	r.Domains = []recipe.Domain{
		{Name: "math", Share: 4, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("gsm8k", "gsm8k/train.jsonl"), dataset("math", "math/train.jsonl")}},
		{Name: "qa", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("squad2", "squad2/dev-v2.0.json"), dataset("hotpotqa", "hotpotqa/hotpot_dev_v1_simplified.json")}},
		{Name: "code", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("humaneval", "humaneval/HumanEval.jsonl.gz"), dataset("mbpp", "mbpp/sanitized-mbpp.json")}},
	}
	return r
}

// The real duplicates of squad2 are in the input, and on one side each of every published file. Of mbpp, two tasks stand in two rows each, with
// other tests, which make them other questions.
func TestTheRealDuplicatesDoNotLeak(t *testing.T) {
	w := newWorld(t)
	w.claims = realrows.Folder(t)
	w.build(realSix())
	for dataset, file := range map[string]string{"squad2": "raw/qa/squad2.jsonl", "mbpp": "raw/code/mbpp.jsonl"} {
		questions := map[string]int{}
		for _, row := range w.records(file) {
			questions[row.Question]++
		}
		pairs := 0
		for _, n := range questions {
			if n > 1 {
				pairs++
			}
		}
		if want := map[string]int{"squad2": 4, "mbpp": 0}[dataset]; pairs != want {
			t.Errorf("%s has %d pairs of equal questions in the input, want %d", dataset, pairs, want)
		}
	}
	train := map[string]string{}
	files := func(split string) []string {
		out := []string{revision.MixedFile(recipe.Shard{Split: split}, recipe.JSONL)}
		for _, name := range realSix().DatasetNames() {
			out = append(out, revision.ProcessedFile(name, split))
		}
		return out
	}
	for _, file := range files("train") {
		for _, row := range w.records(file) {
			train[row.Question] = row.ID
		}
	}
	for _, file := range append(files("test"), "test/squad2_test.jsonl", "test/mbpp_test.jsonl") {
		for _, row := range w.records(file) {
			if other, both := train[row.Question]; both {
				t.Errorf("%s: the question of %s is that of %s in train", file, row.ID, other)
			}
		}
	}
}

// records parses a published file.
func (w *world) records(file string) []record.Record {
	w.t.Helper()
	var rows []record.Record
	for _, line := range strings.Split(strings.TrimSuffix(w.read("mix/current/"+file), "\n"), "\n") {
		rows = append(rows, parsed(w.t, []byte(line)))
	}
	return rows
}

// parsed returns a row, with or without its line end.
func parsed(t *testing.T, line []byte) record.Record {
	t.Helper()
	row, err := record.Parse(bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return row
}

// A Parquet file cut short, and one with a damaged row group: the message says which, and nothing is published.
func TestDamagedParquet(t *testing.T) {
	var whole []byte
	for _, repo := range repos.Generated(0.1) {
		if repo.ID == "openai/gsm8k" {
			whole = repo.Files["main/train-00000-of-00001.parquet"].Content
		}
	}
	if len(whole) == 0 {
		t.Fatal("there is no Parquet file to damage")
	}
	damaged := bytes.Clone(whole)
	for i := len(whole) / 2; i < len(whole)/2+200; i++ {
		damaged[i] ^= 0x55
	}
	for what, c := range map[string]struct {
		content []byte
		parts   []string
	}{
		"cut in the middle":    {whole[:len(whole)/2], []string{"data set sums", "sums.parquet"}},
		"cut by one byte":      {whole[:len(whole)-1], []string{"data set sums", "sums.parquet"}},
		"a damaged row group":  {damaged, []string{"data set sums", "sums.parquet", "row group"}},
		"only the magic bytes": {whole[:4], []string{"data set sums", "sums.parquet"}},
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			before := w.build(recipes.Two()).Published.Revision
			if err := os.WriteFile(filepath.Join(w.claims, "sums.parquet"), c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			r := recipes.Two()
			r.Domains[0].Datasets[0].Source.Volume.Path = "sums.parquet"
			w.fails(r, contract.InvalidData, c.parts...)
			if w.current() != before || len(w.revisions()) != 1 {
				t.Errorf("current is %s of %v", w.current(), w.revisions())
			}
		})
	}
}
