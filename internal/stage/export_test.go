package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/python"
)

// exported is what the tests look at of a row of an export.
type exported struct {
	ID     string `parquet:"id"`
	Prompt []struct {
		Role    string `parquet:"role"`
		Content string `parquet:"content"`
	} `parquet:"prompt,list"`
	Label string `parquet:"label"`
	Extra struct {
		Index int64  `parquet:"index"`
		Split string `parquet:"split"`
	} `parquet:"extra_info"`
}

func (w *world) exported(shard recipe.Shard) []exported {
	w.t.Helper()
	shard.Export = "rl"
	content := w.read("mix/current/" + revision.ExportFile(shard))
	rows, err := parquet.Read[exported](strings.NewReader(content), int64(len(content)))
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// An export has the rows of the mixed files, one by one, in every format and in shards.
func TestExportsAreInTheOrderOfTheMix(t *testing.T) {
	for _, format := range recipes.Formats() {
		for _, shards := range []int{1, 3} {
			w := filled(t)
			r := recipes.Exporting(format, shards)
			w.build(r)
			next := map[string]int64{}
			for _, shard := range r.Shards() {
				rows := w.exported(shard)
				mixed := w.unpacked(shard, format)
				if len(rows) != len(mixed) {
					t.Fatalf("%s, %s: %d rows exported, %d mixed", format, shard.Name(), len(rows), len(mixed))
				}
				for i, row := range rows {
					var of struct{ ID, Question string }
					if err := json.Unmarshal([]byte(mixed[i]), &of); err != nil {
						t.Fatal(err)
					}
					prompt := of.Question
					if !strings.HasPrefix(of.ID, "facts") {
						prompt += "\n\nA number."
					}
					if row.ID != of.ID || row.Prompt[0].Content != "Be brief." || row.Prompt[1].Content != prompt || row.Extra.Index != next[shard.Split] || row.Extra.Split != shard.Split {
						t.Fatalf("%s, %s, row %d is %+v, and the mix has %s", format, shard.Name(), i, row, mixed[i])
					}
					next[shard.Split]++
				}
			}
			if got := w.read("mix/current/exports/rl/rewards.py"); got != string(python.Rewards) {
				t.Error("rewards.py is not the scorer of the Python package")
			}
		}
	}
}

// The bytes of an export are those of its rows: Jobs, one processor, another format of the mixed files and an interrupted build change
// none.
func TestExportsAreTheSameHoweverTheyAreBuilt(t *testing.T) {
	first := filled(t)
	r := recipes.Exporting(recipe.JSONL, 2)
	first.build(r)
	digests := func(w *world) (all []string) {
		for _, file := range r.Files() {
			if file.Export != "" {
				all = append(all, w.digest("mix/current/"+revision.ExportFile(file)))
			}
		}
		return all
	}
	want := digests(first)
	t.Run("by Jobs, on one processor", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		w := filled(t)
		w.jobs(r, map[string]pipeline.Result{}, "")
		if diff := cmp.Diff(want, digests(w)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("beside Parquet", func(t *testing.T) {
		w := filled(t)
		w.build(recipes.Exporting(recipe.Parquet, 2))
		if diff := cmp.Diff(want, digests(w)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("again, one file at a time", func(t *testing.T) {
		wantBuiltAlone(t, first, r)
	})
}

// Another prompt, or another export, makes the files of the export and nothing else; another format of the mixed files leaves it.
func TestAnEditOfAnExportBuildsNothingElse(t *testing.T) {
	w := filled(t)
	w.build(recipes.Two())
	for _, c := range []struct {
		what string
		edit func(*recipe.Recipe)
		want []string
	}{
		{"an export more", func(*recipe.Recipe) {}, []string{"mix rl/test", "mix rl/train", "publish mix"}},
		{"another prompt", func(r *recipe.Recipe) { r.Output.Exports[0].SystemPrompt = "" }, []string{"mix rl/test", "mix rl/train", "publish mix"}},
		{"another instruction", func(r *recipe.Recipe) { r.Output.Exports[0].Instructions.Text = "Two words." }, []string{"mix rl/test", "mix rl/train", "publish mix"}},
		{"another format of the mix", func(r *recipe.Recipe) { r.Output.Format = recipe.JSONLZstd }, []string{"mix test", "mix train", "publish mix"}},
	} {
		r := recipes.Exporting(recipe.JSONL, 1)
		c.edit(&r)
		built := map[string]bool{}
		before := w.stages()
		w.build(r)
		for unit := range w.stages() {
			if !before[unit] {
				built[unit] = true
			}
		}
		var got []string
		graph, _ := w.results(r)
		for _, step := range graph.Steps {
			for _, unit := range step.Nodes {
				if built[string(step.Stage)+"/"+unit.Key] {
					got = append(got, string(step.Stage)+" "+unit.Name)
				}
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +built):\n%s", c.what, diff)
		}
		w.build(recipes.Exporting(recipe.JSONL, 1))
	}
}

// A publication holds what a writer noted of an export's rows against those of the mixed file, in every format; where it noted nothing, the
// file is made again.
func TestPublicationsKnowWhatExportsWereMadeOf(t *testing.T) {
	const other = "0123456789abcdef"
	for _, format := range recipes.Formats() {
		w := filled(t)
		r := recipes.Exporting(format, 1)
		graph, results := w.results(r)
		want := w.digest("mix/current/manifest.json")
		noted := func(rows string) {
			lists, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix/.stages/mix/*", digestsName))
			must(t, err)
			changed := 0
			for _, path := range lists {
				var list digests
				content, err := os.ReadFile(path)
				must(t, err, json.Unmarshal(content, &list))
				for name, as := range list {
					if as.Rows != "" {
						as.Rows = rows
						list[name] = as
						changed++
					}
				}
				content, err = json.Marshal(list)
				must(t, err, os.Chmod(path, 0o600), os.WriteFile(path, content, 0o600))
			}
			if changed != 2 {
				t.Fatalf("%s: the rows of %d files are noted", format, changed)
			}
			must(t, os.RemoveAll(filepath.Join(w.worker.Volume, "mix/.stages/publish")), os.RemoveAll(filepath.Join(w.worker.Volume, "mix/revisions")))
		}
		noted(other)
		publish, _ := graph.Step(pipeline.StagePublish)
		_, err := w.worker.Run(context.Background(), Job{Recipe: r, Results: results, Stage: pipeline.StagePublish, Unit: publish.Nodes[0]})
		if err == nil || !strings.Contains(err.Error(), "was made of rows with the digest "+other) {
			t.Errorf("%s: the publication says %v", format, err)
		}
		for round := range 2 { // what is wrong was removed, and is built again; then nothing is noted
			w.build(r)
			if got := w.digest("mix/current/manifest.json"); got != want {
				t.Errorf("%s: the manifest is %s, was %s", format, got, want)
			}
			if round == 0 {
				noted("")
			}
		}
	}
}

// stages returns the finished units on the volume, as stage and key.
func (w *world) stages() map[string]bool {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix/.stages/*/*"))
	if err != nil {
		w.t.Fatal(err)
	}
	units := map[string]bool{}
	for _, path := range found {
		units[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)] = true
	}
	return units
}

// A worker of another release does not put its own scorer beside rows that were to have another.
func TestAnotherScorerIsRefused(t *testing.T) {
	w := filled(t)
	r := recipes.Exporting(recipe.JSONL, 1)
	r.Output.Exports[0].Scorer = strings.Repeat("0", 64)
	w.fails(r, contract.InvalidTask, "export rl", "use the worker image that belongs to this manager")
}

// Several exports stand side by side, each with what its trainers read beside its rows, and all are proved.
func TestExportsSideBySide(t *testing.T) {
	r := recipes.Exporting(recipe.JSONLGzip, 2)
	r.Output.Exports = append(r.Output.Exports, recipe.Export{Name: "chats", Format: recipe.ExportSFT}, recipe.Export{Name: "texts", Format: recipe.ExportText})
	forgery.WantFound(t, func(t *testing.T) string { return filled(t).revision(r) }, map[string]forgery.Case{
		"another description for LLaMA-Factory": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, "exports/chats/dataset_info.json"), func(c []byte) []byte {
				return bytes.Replace(c, []byte("mix_train_00000"), []byte("mix_train_00009"), 1)
			})
		}, "exports/chats/dataset_info.json does not say what the manifest says"},
		"the file of another export": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Swapped(t, folder, "exports/chats/train-00001-of-00002.parquet", "exports/texts/train-00001-of-00002.parquet")
		}, "exports/chats/train-00001-of-00002.parquet"},
	})
	w := filled(t)
	w.build(r)
	for _, export := range r.Output.Exports[1:] {
		for _, shard := range r.Shards() {
			mixed := w.unpacked(shard, recipe.JSONLGzip)
			shard.Export = export.Name
			content := w.read("mix/current/" + revision.ExportFile(shard))
			rows, err := parquet.Read[struct {
				ID string `parquet:"id"`
			}](strings.NewReader(content), int64(len(content)))
			if err != nil || len(rows) != len(mixed) {
				t.Fatalf("%s: %d rows of %d: %v", shard.Name(), len(rows), len(mixed), err)
			}
			for i, row := range rows {
				if !strings.HasPrefix(mixed[i], `{"id":"`+row.ID+`"`) {
					t.Fatalf("%s, row %d is %s, and the mix has %s", shard.Name(), i, row.ID, mixed[i])
				}
			}
		}
	}
	if info := w.read("mix/current/exports/texts/dataset_info.json"); !strings.Contains(info, `"file_name": "test-00001-of-00002.parquet"`) {
		t.Errorf("dataset_info.json is %s", info)
	}
}
