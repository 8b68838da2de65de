package stage

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestThePublishedTreeToTheFile(t *testing.T) {
	w := filled(t)
	graph := w.build(recipes.Two())
	var got []string
	root := filepath.Join(w.worker.Volume, "mix", "revisions", graph.Published.Revision)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(root, path)
			got = append(got, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md", "croissant.json", "lock.json", "manifest.json",
		"mixed/info.json", "mixed/test_mixed.jsonl", "mixed/train_mixed.jsonl",
		"processed/facts/meta.json", "processed/facts/test.jsonl", "processed/facts/train.jsonl",
		"processed/products/meta.json", "processed/products/test.jsonl", "processed/products/train.jsonl",
		"processed/sums/meta.json", "processed/sums/test.jsonl", "processed/sums/train.jsonl",
		"raw/math/products.jsonl", "raw/math/sums.jsonl", "raw/qa/facts.jsonl",
		"report.html",
		"test/facts_test.jsonl", "test/products_test.jsonl", "test/sums_test.jsonl", "test/test_index.json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tree differs (-want +got):\n%s", diff)
	}
	if w.current() != graph.Published.Revision {
		t.Errorf("current is %s, published was %s", w.current(), graph.Published.Revision)
	}
	for _, name := range got {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil || info.Mode().Perm() != 0o444 {
			t.Errorf("%s: %v, %v; published files are read-only", name, info.Mode(), err)
		}
	}
}

func TestPublishedFilesSayWhatTheStrategySays(t *testing.T) {
	w := filled(t)
	w.build(recipes.Two())
	var meta, index map[string]any
	for name, into := range map[string]*map[string]any{"processed/sums/meta.json": &meta, "test/test_index.json": &index} {
		if err := json.Unmarshal([]byte(w.read("mix/current/"+name)), into); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]any{"sums": "test/sums_test.jsonl", "products": "test/products_test.jsonl", "facts": "test/facts_test.jsonl"}, index); diff != "" {
		t.Error(diff)
	}
	if meta["train"] != 100.0 || meta["test"] != 20.0 || meta["total"] != 120.0 || meta["domain"] != "math" {
		t.Errorf("meta.json is %v", meta)
	}
	first, _, _ := strings.Cut(w.read("mix/current/raw/math/sums.jsonl"), "\n")
	want := `{"id":"sums_0","dataset":"sums","domain":"math","question":"What is the sum of 0?","reference_answer":"0","answer_type":"numeric","metadata":{"source":"sums","original_id":"0"}}`
	if first != want {
		t.Errorf("the first raw row is\n%s, want\n%s", first, want)
	}
}

// The bytes depend on recipe, seed and rows alone: not on the number of processors, the order of the manifest, or what was
// built before.
func TestTheSameBytesWhateverTheWay(t *testing.T) {
	for _, order := range []recipe.Order{recipe.Shuffled, recipe.Interleaved} {
		r := recipes.Two()
		r.Order = order
		w := filled(t)
		w.build(r)
		train, test := w.digest("mix/current/mixed/train_mixed.jsonl"), w.digest("mix/current/mixed/test_mixed.jsonl")
		for what, build := range map[string]func(*world){
			"one processor": func(w *world) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
				w.build(r)
			},
			"two processors": func(w *world) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
				w.build(r)
			},
			"another order of declaration": func(w *world) { w.build(reversed(r)) },
			"after another mix": func(w *world) {
				other := recipes.Two()
				other.Domains[0].Share, other.Seed = 9, 7
				w.build(other)
				w.build(r)
			},
		} {
			w := filled(t)
			build(w)
			if got := w.digest("mix/current/mixed/train_mixed.jsonl"); got != train {
				t.Errorf("%s, %s: train differs", order, what)
			}
			if got := w.digest("mix/current/mixed/test_mixed.jsonl"); got != test {
				t.Errorf("%s, %s: test differs", order, what)
			}
		}
	}
}

func TestANewShareBuildsOnlyTheMix(t *testing.T) {
	w := filled(t)
	before := w.build(recipes.Two())
	w.built = nil
	if err := os.RemoveAll(w.claims); err != nil { // nothing can be downloaded any more
		t.Fatal(err)
	}
	r := recipes.Two()
	r.Domains[0].Share = 7
	start := time.Now()
	after := w.build(r)
	for _, stage := range []pipeline.Stage{pipeline.StageDownload, pipeline.StageSplit} {
		step, _ := after.Step(stage)
		for _, unit := range step.Nodes {
			info, err := os.Stat(filepath.Join(w.worker.Volume, "mix", ".stages", string(stage), unit.Key, revision.ResultFile))
			if err != nil || info.ModTime().After(start) {
				t.Errorf("%s %s was built again: %v", stage, unit.Name, err)
			}
		}
	}
	if got, want := w.revisions(), 2; len(got) != want {
		t.Errorf("revisions %v, want the old and the new one", got)
	}
	if w.read("mix/revisions/"+before.Published.Revision+"/mixed/info.json") == w.read("mix/current/mixed/info.json") {
		t.Error("the old revision says what the new one says")
	}
}

func TestGoingBackMakesTheOldRevisionCurrentAgain(t *testing.T) {
	w := filled(t)
	old := w.build(recipes.Two()).Published.Revision
	r := recipes.Two()
	r.Seed = 43
	if w.build(r).Published.Revision == old || w.current() == old {
		t.Fatal("another seed is the same revision")
	}
	w.build(recipes.Two())
	if w.current() != old {
		t.Errorf("current is %s, want %s", w.current(), old)
	}
}

func TestOldRevisionsAndWhatOnlyTheyNeedAreRemoved(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Output.KeepRevisions = 2
	var published []string
	for seed := range int64(4) {
		r.Seed = seed
		published = append(published, w.build(r).Published.Revision)
		age(t, filepath.Join(w.worker.Volume, "mix", ".stages"))
	}
	want := slices.Sorted(slices.Values(published[2:]))
	if got := w.revisions(); !slices.Equal(got, want) {
		t.Errorf("revisions %v, want %v", got, want)
	}
	splits, err := os.ReadDir(filepath.Join(w.worker.Volume, "mix", ".stages", "split"))
	if err != nil || len(splits) != 2*3 {
		t.Errorf("%d split folders are left, want those of two revisions of three data sets (%v)", len(splits), err)
	}
	// The newest is whole.
	r.Seed = 3
	w.build(r)
}

// age makes every unit's folder look long unused, and keeps their order.
func age(t *testing.T, stages string) {
	t.Helper()
	units, err := filepath.Glob(filepath.Join(stages, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		info, err := os.Stat(unit)
		if err != nil {
			t.Fatal(err)
		}
		old := info.ModTime().Add(-2 * unusedFor)
		if err := os.Chtimes(unit, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// Equal questions: inside a data set they stay together; across data sets the copy of the earlier split is dropped.
func TestNoQuestionStandsInTwoSplits(t *testing.T) {
	w := filled(t)
	// products repeats 40 questions of sums, and 10 of its own three times with other answers.
	same := recipes.Sums("What is the sum of", 40)
	own := recipes.Sums("What is the product of", 10)
	w.put("products.jsonl", recipes.Sums("What is the product of", 61)+same+
		strings.ReplaceAll(own, "#### ", "#### 1000")+strings.ReplaceAll(own, "#### ", "#### 1001"))
	graph := w.build(recipes.Two())

	sides := map[string]map[string]bool{}
	for _, split := range []string{"train", "test"} {
		files := []string{revision.MixedFile(recipe.Shard{Split: split}, recipe.JSONL)}
		for _, name := range recipes.Two().DatasetNames() {
			files = append(files, revision.ProcessedFile(name, split))
		}
		for _, file := range files {
			for _, line := range strings.Split(strings.TrimSuffix(w.read("mix/current/"+file), "\n"), "\n") {
				row, err := record.Parse([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				if sides[row.Question] == nil {
					sides[row.Question] = map[string]bool{}
				}
				sides[row.Question][split] = true
			}
		}
	}
	for question, splits := range sides {
		if len(splits) > 1 {
			t.Errorf("%q stands in train and test", question)
		}
	}
	var train int64
	for _, dataset := range graph.Plan.Splits[0].Datasets() {
		train += dataset.Available
	}
	balance, _ := graph.Step(pipeline.StageBalance)
	if len(balance.Nodes) != 1 || train == 0 {
		t.Error("no plan")
	}
}

func TestOverlapIsDroppedFromTrainAndCounted(t *testing.T) {
	w := filled(t)
	w.put("products.jsonl", recipes.Sums("What is the sum of", 180)) // the 120 rows of sums are all in it
	results, err := w.worker.Build(context.Background(), recipes.Two(), 2, w)
	if err != nil {
		t.Fatal(err)
	}
	graph, err := pipeline.Walk(recipes.Two(), results)
	if err != nil {
		t.Fatal(err)
	}
	step, _ := graph.Step(pipeline.StageBalance)
	balanced := results[step.Nodes[0].Key].Balance
	if balanced.Overlap == nil {
		t.Fatal("two data sets with equal rows and different borders have no overlap")
	}
	var train, test int64
	for d := range recipes.Two().DatasetNames() {
		train += balanced.Overlap[0][d]
		test += balanced.Overlap[1][d]
	}
	if train == 0 || test != 0 {
		t.Errorf("dropped %d from train and %d from test; the train copy goes", train, test)
	}
	var left int64
	for _, dataset := range graph.Plan.Splits[0].Datasets() {
		left += dataset.Available
	}
	if want := int64(100 + 150 + 250); left+train != want { // 5:1 of 120, 180 and 300
		t.Errorf("%d left and %d dropped are not %d", left, train, want)
	}
}

func gzipped(t *testing.T, content string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Bad input fails with data set, file, place and reason; nothing is published and the revision before stays.
func TestBadInput(t *testing.T) {
	good := recipes.Sums("What is the sum of", 120)
	packed := gzipped(t, good)
	for what, c := range map[string]struct {
		content string
		parts   []string
	}{
		"a malformed line":    {good + "{\"question\":\"half\n", []string{"data set sums", "sums.jsonl", "line 121"}},
		"a missing column":    {strings.ReplaceAll(good, `"answer"`, `"reply"`), []string{"data set sums", "sums.jsonl", `answer`, "reply"}},
		"an answer not found": {good + "{\"question\":\"q\",\"answer\":\"none\"}\n", []string{"data set sums", "line 121", "####"}},
		"an empty file":       {"", []string{"data set sums", "sums.jsonl", "no file of the source has a row"}},
		"a truncated gzip":    {packed[:len(packed)-9], []string{"data set sums", "sums.jsonl", "gzip"}},
		"half a Parquet file": {"PAR1" + strings.Repeat("x", 100), []string{"data set sums", "sums.jsonl", "Parquet"}},
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			before := w.build(recipes.Two()).Published.Revision
			w.put("sums.jsonl", c.content)
			// The same path has new bytes: without a new request the download is not repeated, so ask under another name.
			w.put("new.jsonl", c.content)
			r := recipes.Two()
			r.Domains[0].Datasets[0].Source.Volume.Path = "new.jsonl"
			for i, part := range c.parts {
				c.parts[i] = strings.ReplaceAll(part, "sums.jsonl", "new.jsonl")
			}
			w.fails(r, contract.InvalidData, c.parts...)
			if got := w.revisions(); len(got) != 1 || w.current() != before {
				t.Errorf("after the failure stand the revisions %v, current %s; before it %s", got, w.current(), before)
			}
			if _, err := w.worker.Build(context.Background(), recipes.Two(), 1, w); err != nil {
				t.Errorf("the mix before does not build any more: %v", err)
			}
		})
	}
}

func TestAnInfeasibleMixSaysWhy(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.MaxRepeats = 1
	w.fails(r, contract.InfeasibleMix, "split train", "limits.maxRepeats is 1", "products")
	if w.current() != "" {
		t.Error("something was published")
	}
}

func TestAWorkerThatIsStoppedLeavesNothingHalfMade(t *testing.T) {
	w := filled(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.worker.Build(ctx, recipes.Two(), 2, w); err == nil {
		t.Fatal("a cancelled build succeeded")
	}
	left, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", ".stages", "*", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	w.build(recipes.Two())
}

func TestRunAgainReportsTheSameInNoTime(t *testing.T) {
	w := filled(t)
	first, err := w.worker.Build(context.Background(), recipes.Two(), 2, w)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.worker.Build(context.Background(), recipes.Two(), 1, w)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the second report differs:\n%s", diff)
	}
}

// A worker that died after the revision got its name and before the link was swapped: the next one swaps it.
func TestTheLastStepIsRepaired(t *testing.T) {
	w := filled(t)
	published := w.build(recipes.Two()).Published.Revision
	if err := os.Remove(filepath.Join(w.worker.Volume, "mix", "current")); err != nil {
		t.Fatal(err)
	}
	w.build(recipes.Two())
	if w.current() != published {
		t.Errorf("current is %q", w.current())
	}
}

func TestTasksThatDoNotFitAreRefused(t *testing.T) {
	w := filled(t)
	_, err := w.worker.Run(context.Background(), Job{Recipe: recipes.Two(), Stage: "bake", Unit: pipeline.Node{Name: "x", Key: "k"}})
	if contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("an unknown stage: %v", err)
	}
	_, err = w.worker.Run(context.Background(), Job{Recipe: recipes.Two(), Stage: pipeline.StageSplit, Unit: pipeline.Node{Name: "sums", Key: "k"}})
	if err == nil {
		t.Error("a split without a download succeeded")
	}
}

func TestADownloadThatIsGoneIsSaid(t *testing.T) {
	w := filled(t)
	results, err := w.worker.Build(context.Background(), recipes.Two(), 2, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(w.worker.Volume, "mix", ".stages")); err != nil {
		t.Fatal(err)
	}
	graph, _ := pipeline.Walk(recipes.Two(), results)
	step, _ := graph.Step(pipeline.StageSplit)
	_, err = w.worker.Run(context.Background(), Job{Recipe: recipes.Two(), Results: results, Stage: pipeline.StageSplit, Unit: step.Nodes[0]})
	if contract.ReasonOf(err) != contract.UnitsDamaged || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "the download is gone from the volume") {
		t.Errorf("a missing input gave %v (%s)", err, contract.ReasonOf(err))
	}
	var download pipeline.Node
	for _, unit := range pipeline.Downloads(recipes.Two()) {
		if unit.Name == step.Nodes[0].Name {
			download = unit
		}
	}
	if note := contract.NoteOf(err); len(note.Damaged) != 1 || download.Key == "" || !strings.HasPrefix(download.Key, note.Damaged[0]) {
		t.Errorf("the units to build again are %v, want the download %s", note.Damaged, download.Key)
	}
}

// Expressions in the place of a preset: rows that where does not keep are counted, ids keep the number at the source, and
// rows of one group stay on one side.
func TestExpressionsDropAndGroupRows(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Domains[1].Datasets[0].Record = recipe.Record{
		Question: `row.question`, ReferenceAnswer: `row.answer`, AnswerType: `"text"`,
		Where: `!row.question.endsWith("7?")`, GroupBy: `row.question.startsWith("Who is 1") ? "ones" : row.question`,
	}
	graph, results := w.results(r)
	step, _ := graph.Step(pipeline.StageSplit)
	divided := results[step.Nodes[0].Key].Split // facts
	if diff := cmp.Diff(map[string]int64{"where": 30}, divided.Dropped); diff != "" || divided.Read != 300 {
		t.Errorf("read %d, dropped (-want +got):\n%s", divided.Read, diff)
	}
	ones := map[string]int{}
	for _, split := range []string{"train", "test"} {
		for _, row := range w.records(revision.ProcessedFile("facts", split)) {
			number := strings.TrimPrefix(row.ID, "facts_")
			if row.Question != "Who is "+number+"?" || strings.HasSuffix(number, "7") {
				t.Errorf("row %s is %q", row.ID, row.Question)
			}
			if strings.HasPrefix(number, "1") {
				ones[split]++
			}
		}
	}
	if len(ones) != 1 {
		t.Errorf("one group stands on both sides: %v", ones)
	}
	if card := w.read("mix/current/README.md"); !strings.Contains(card, "where") {
		t.Error("the card does not tell of the dropped rows")
	}
	r.Domains[1].Datasets[0].Record.Where = "false"
	w.fails(r, contract.InvalidData, "data set facts", "none of the 300 rows is kept")
	r.Domains[1].Datasets[0].Record.Where = "row.question >"
	w.fails(r, contract.InvalidTask, "data set facts", "row.question >")
}

// TestRevisionsThatPodsReadStay: a publication removes neither what a pod reads nor what was the newest a moment ago, whatever the
// recipe keeps, and removes it when the pod is gone and the time is over.
func TestRevisionsThatPodsReadStay(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Output.KeepRevisions = 1
	var published []string
	publish := func(keep contract.Keep) {
		t.Helper()
		r.Seed++
		results := map[string]pipeline.Result{}
		for {
			graph, err := pipeline.Walk(r, results)
			if err != nil {
				t.Fatal(err)
			}
			if graph.Next() == nil {
				published = append(published, graph.Published.Revision)
				return
			}
			for _, unit := range graph.Next().Missing { // as pods do it, one for each
				results[unit.Key], err = w.worker.Run(t.Context(), Job{Recipe: r, Results: results, Stage: graph.Next().Stage, Unit: unit, Keep: keep})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	publish(contract.Keep{})
	for range 3 {
		publish(contract.Keep{Holds: []contract.Hold{{Revision: published[0]}}})
	}
	if got, want := w.revisions(), slices.Sorted(slices.Values([]string{published[0], published[3]})); !slices.Equal(got, want) {
		t.Errorf("read by a pod: revisions %v, want %v", got, want)
	}
	publish(contract.Keep{Seconds: 3600})
	if got, want := w.revisions(), slices.Sorted(slices.Values([]string{published[0], published[3], published[4]})); !slices.Equal(got, want) {
		t.Errorf("within the hour: revisions %v, want %v", got, want)
	}
	publish(contract.Keep{})
	if got := w.revisions(); !slices.Equal(got, published[5:]) {
		t.Errorf("nobody reads: revisions %v, want %v", got, published[5:])
	}
}
