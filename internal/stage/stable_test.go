package stage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// The promises about edits, each on whole builds: what changes when one thing changes.

// rowFiles returns the digests of all published files of rows.
func (w *world) rowFiles() map[string]string {
	w.t.Helper()
	var manifest revision.Manifest
	if err := json.Unmarshal([]byte(w.read("mix/current/manifest.json")), &manifest); err != nil {
		w.t.Fatal(err)
	}
	digests := map[string]string{}
	for _, file := range manifest.Files {
		if file.Rows != nil {
			digests[file.Path] = file.SHA256
		}
	}
	return digests
}

// uses counts how often each row stands in the mixed train file.
func (w *world) uses() map[string]int {
	uses := map[string]int{}
	for _, row := range w.records("mixed/train_mixed.jsonl") {
		uses[row.ID]++
	}
	return uses
}

// rowsOf returns two with so many rows in the train mix.
func rowsOf(total int64) recipe.Recipe {
	r := recipes.Two()
	r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows, Rows: total}
	return r
}

// A bigger total has every row of a smaller one at least as often, repeats included.
func TestABiggerMixContainsASmallerOne(t *testing.T) {
	for _, order := range []recipe.Order{recipe.Shuffled, recipe.Interleaved} {
		w := filled(t)
		before := map[string]int{}
		for _, total := range []int64{1, 2, 49, 50, 51, 200, 700, 701, 3000} {
			r := rowsOf(total)
			r.Order = order
			w.build(r)
			uses, rows := w.uses(), 0
			for _, n := range uses {
				rows += n
			}
			if rows != int(total) {
				t.Fatalf("%d rows, want %d", rows, total)
			}
			for id, n := range before {
				if uses[id] < n {
					t.Errorf("%s, %d rows: %s stands there %d times, and %d times in the smaller mix", order, total, id, uses[id], n)
				}
			}
			before = uses
		}
	}
}

// Another data set changes nothing of those in other domains, and leaves those of its own domain the first of their rows.
func TestAnAddedDatasetLeavesTheOthersAlone(t *testing.T) {
	added := recipe.Dataset{Name: "powers", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "powers.jsonl"}}, Record: recipe.Record{Preset: "gsm8k"}}
	w := filled(t)
	w.put("powers.jsonl", recipes.Sums("What is the power of", 77))
	w.build(rowsOf(200))
	files, chosen := w.rowFiles(), map[string][]string{}
	for _, name := range recipes.Two().DatasetNames() {
		chosen[name] = w.chosen(name)
	}
	r := rowsOf(200)
	r.Domains[0].Datasets = append(r.Domains[0].Datasets, added)
	w.build(r)
	after := w.rowFiles()
	for path, digest := range files {
		if !strings.HasPrefix(path, "mixed/") && after[path] != digest {
			t.Errorf("%s has other rows", path)
		}
	}
	for name, before := range chosen {
		got := w.chosen(name)
		if name == "facts" && !slices.Equal(got, before) || len(got) == 0 || len(got) > len(before) || !slices.Equal(got, before[:len(got)]) {
			t.Errorf("%s has other rows than the first of those it had", name)
		}
	}
}

func TestTheOrderOfTheManifestChangesNoRow(t *testing.T) {
	w := filled(t)
	w.build(recipes.Two())
	want := w.rowFiles()
	w.build(reversed(recipes.Two()))
	if diff := cmp.Diff(want, w.rowFiles()); diff != "" {
		t.Errorf("files of rows (-want +got):\n%s", diff)
	}
}

func zstandard(t *testing.T, content string) string {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoder.EncodeAll([]byte(content), nil))
}

// columns returns a Parquet file of the rows of a text.
func columns(t *testing.T, content string) string {
	t.Helper()
	type row struct {
		Question string `json:"question" parquet:"question"`
		Answer   string `json:"answer" parquet:"answer,zstd"`
	}
	var rows []row
	for _, line := range strings.Split(strings.TrimSpace(content), "\n") {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	var out bytes.Buffer
	if err := parquet.Write(&out, rows, parquet.MaxRowsPerRowGroup(100)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The same rows in more files, in files of other names, packed in another way or in another format are the same data: not one
// byte of any file of rows differs.
func TestTheLayoutOfASourceChangesNoByte(t *testing.T) {
	whole := recipes.Facts(300)
	lines := strings.SplitAfter(strings.TrimSpace(whole), "\n")
	part := func(from, to int) string { return strings.Join(lines[from:to], "") }
	w := filled(t)
	w.build(recipes.Two())
	want := w.rowFiles()
	for what, files := range map[string]map[string]string{
		"another name":              {"renamed.jsonl": whole},
		"without a name that tells": {"facts": whole},
		"gzip":                      {"facts.jsonl.gz": gzipped(t, whole)},
		"zstd":                      {"facts.jsonl.zst": zstandard(t, whole)},
		"Parquet":                   {"facts.parquet": columns(t, whole)},
		"an array":                  {"facts.json": "[" + strings.Join(strings.Split(strings.TrimSpace(whole), "\n"), ",") + "]"},
		"two files":                 {"0.jsonl": part(0, 1), "1.jsonl": part(1, 300)},
		"many files, each its way":  {"a": part(0, 70), "b.gz": gzipped(t, part(70, 71)), "c.zst": zstandard(t, part(71, 200)), "d.parquet": columns(t, part(200, 300))},
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			for name, content := range files {
				w.put("other/"+name, content)
			}
			r := recipes.Two()
			r.Domains[1].Datasets[0].Source.Volume = &recipe.Volume{ClaimName: "corpora", Path: "other"}
			w.build(r)
			if diff := cmp.Diff(want, w.rowFiles()); diff != "" {
				t.Errorf("files of rows (-want +got):\n%s", diff)
			}
		})
	}
}

// So it is with rows that are left out: a renamed or packed file gives the same list, and the same results.
func TestTheLayoutOfASourceChangesNoList(t *testing.T) {
	content := recipes.Sums("What is the sum of", 120) + "{\n{\n" + recipes.Sums("And of", 3)
	built := func(name, content string) (map[string]string, pipeline.SplitResult) {
		w := filled(t)
		w.put("other/"+name, content)
		r := recipes.Skipping(0)
		r.Domains[0].Datasets[0].Source.Volume.Path = "other"
		divided := w.divided(r, "sums")
		return w.rowFiles(), divided
	}
	want, wanted := built("a.jsonl", content)
	for name, packed := range map[string]string{"b.jsonl": content, "a.gz": gzipped(t, content), "a.zst": zstandard(t, content)} {
		got, divided := built(name, packed)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, files of rows (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(wanted, divided); diff != "" {
			t.Errorf("%s, result (-want +got):\n%s", name, diff)
		}
	}
	if _, ok := want["dropped/math/sums.jsonl"]; !ok {
		t.Errorf("there is no list among %v", slices.Sorted(maps.Keys(want)))
	}
}

// k more rows, wherever they stand, move at most k of the others across each border between two splits.
func TestGrowingASourceAnywhereMovesFewRows(t *testing.T) {
	three := recipes.Two()
	three.Splits = []recipe.Split{{Name: "train", Share: 8, Size: recipe.Size{Policy: recipe.KeepTotal}}, {Name: "dev", Share: 1, Size: recipe.Size{Policy: recipe.NoRepeat}}, {Name: "test", Share: 1, Size: recipe.Size{Policy: recipe.NoRepeat}}}
	sides := func(r recipe.Recipe, content string) map[string]string {
		w := filled(t)
		w.put("facts.jsonl", content)
		w.build(r)
		side := map[string]string{}
		for _, split := range r.Splits {
			for _, row := range w.records(revision.ProcessedFile("facts", split.Name)) {
				side[row.Question] = split.Name
			}
		}
		return side
	}
	lines := strings.SplitAfter(strings.TrimSpace(recipes.Facts(300))+"\n", "\n")[:300]
	for what, r := range map[string]recipe.Recipe{"two splits": recipes.Two(), "three splits": three} {
		before := sides(r, strings.Join(lines, ""))
		for _, k := range []int{1, 2, 5, 24} {
			for _, at := range []int{0, 150, 300} {
				more := strings.ReplaceAll(recipes.Facts(k), "Who is", "Which is")
				after := sides(r, strings.Join(lines[:at], "")+more+strings.Join(lines[at:], ""))
				moved := 0
				for question, side := range before {
					if after[question] != side {
						moved++
					}
				}
				if most := k * (len(r.Splits) - 1); moved > most || len(after) != 300+k {
					t.Errorf("%s: %s at %d moved %d", what, fmt.Sprintf("%d more rows", k), at, moved)
				}
			}
		}
	}
}
