package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// countedMix returns a mix with rows that overlap, repeat, and hold what has an escape.
func countedMix(t *testing.T) (*world, recipe.Recipe) {
	w := filled(t)
	w.put("facts.jsonl", goldenRows+recipes.Facts(300)+strings.Repeat(`{"question":"Who is 5?","answer":"the same"}`+"\n", 3))
	r := recipes.Two()
	r.Output.Layout = recipe.LayoutRule
	return w, r
}

// dumbPart counts the rows of a processed file with nothing but a parser of JSON.
func dumbPart(t *testing.T, w *world, dataset, split string) map[string]any {
	t.Helper()
	got := map[string]any{}
	seen := map[string]bool{}
	var questions, answers, bytes []int64
	types := map[string]int64{}
	for line := range strings.Lines(w.read("mix/current/" + revision.ProcessedFile(dataset, split))) {
		var row struct {
			Question, Answer, Type string
			Metadata               map[string]any
		}
		var all map[string]any
		if err := json.Unmarshal([]byte(line), &all); err != nil {
			t.Fatal(err)
		}
		row.Question, row.Answer, row.Type = all["question"].(string), all["reference_answer"].(string), all["answer_type"].(string)
		delete(all, "id")
		row.Metadata = all["metadata"].(map[string]any)
		delete(row.Metadata, "original_id")
		seen[fmt.Sprint(all)] = true
		questions, answers = append(questions, int64(utf8.RuneCountInString(row.Question))), append(answers, int64(utf8.RuneCountInString(row.Answer)))
		bytes = append(bytes, int64(len(line)-1))
		types[row.Type]++
	}
	sum := func(of []int64) (n int64) {
		for _, v := range of {
			n += v
		}
		return n
	}
	got["rows"], got["unique"], got["types"] = int64(len(questions)), int64(len(seen)), types
	got["question"], got["answer"], got["bytes"] = []int64{slices.Min(questions), slices.Max(questions), sum(questions)}, []int64{slices.Min(answers), slices.Max(answers), sum(answers)}, []int64{slices.Min(bytes), slices.Max(bytes), sum(bytes)}
	return got
}

// told returns the same of the published statistics.
func told(t *testing.T, part statistics.Part) map[string]any {
	t.Helper()
	got := map[string]any{"rows": part.Rows, "unique": part.Unique}
	for name, column := range map[string]string{"question": "question", "answer": "reference_answer", "bytes": "bytes"} {
		numbers, ok := part.Numbers(column)
		sum, err := numbers.Sum.Int64()
		if !ok || err != nil {
			t.Fatalf("column %s: %v, %v", column, ok, err)
		}
		got[name] = []int64{*numbers.Min, *numbers.Max, sum}
	}
	for _, column := range part.Columns {
		if labels, ok := column.Statistics.(statistics.Labels); ok {
			got["types"] = labels.Frequencies
		}
	}
	return got
}

func (w *world) statistics() statistics.File {
	w.t.Helper()
	file, err := statistics.Decode([]byte(w.read("mix/current/" + revision.StatisticsFile)))
	if err != nil {
		w.t.Fatal(err)
	}
	return file
}

func (w *world) agree() {
	w.t.Helper()
	for _, part := range w.statistics().Parts {
		if diff := cmp.Diff(dumbPart(w.t, w, part.Dataset, part.Split), told(w.t, part)); diff != "" {
			w.t.Errorf("%s, %s (-want +got):\n%s", part.Dataset, part.Split, diff)
		}
	}
}

func TestStatisticsAreThoseOfTheRows(t *testing.T) {
	for name, change := range map[string]func(*recipe.Recipe){
		"as they are":          func(*recipe.Recipe) {},
		"without duplicates":   func(r *recipe.Recipe) { r.Duplicates = recipe.DropDuplicates },
		"normalized questions": func(r *recipe.Recipe) { r.Compare = recipe.CompareQuestionV1 },
	} {
		t.Run(name, func(t *testing.T) {
			w, r := countedMix(t)
			change(&r)
			w.build(r)
			w.agree()
		})
	}
}

// A ratio is another plan: what rows are like is taken over, and the proof of it too. Units of earlier releases have no counts; their
// rows are counted when a revision is published.
func TestStatisticsOutliveAnEditAndARelease(t *testing.T) {
	w, r := countedMix(t)
	w.build(r)
	before := w.statistics()
	r.Domains[0].Share = 7
	w.build(r)
	after := w.statistics()
	if diff := cmp.Diff(before.Bare(), after.Bare()); diff != "" {
		t.Errorf("a ratio changed what the rows are like (-before +after):\n%s", diff)
	}
	if cmp.Equal(before.Parts, after.Parts) {
		t.Error("a ratio did not change how often rows are used")
	}
	removed := 0
	err := filepath.WalkDir(filepath.Join(w.worker.Volume, "mix", ".stages"), func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, statisticsName) {
			removed++
			return os.Remove(path)
		}
		return err
	})
	if err != nil || removed == 0 {
		t.Fatalf("%d files of counts were there: %v", removed, err)
	}
	r.Domains[0].Share = 5
	w.build(r)
	if diff := cmp.Diff(before.Bare(), w.statistics().Bare()); diff != "" {
		t.Errorf("counted again, the rows are others (-want +got):\n%s", diff)
	}
}

// A recipe of the releases before has the files and the pages that it had.
func TestOlderLayoutsHaveNoStatistics(t *testing.T) {
	w, r := countedMix(t)
	r.Output.Layout = ""
	w.build(r)
	if _, err := os.Stat(filepath.Join(w.worker.Volume, "mix/current", revision.StatisticsFile)); err == nil {
		t.Error("there are statistics")
	}
	if page := w.read("mix/current/" + revision.ReportFile); !strings.Contains(page, "Target and achieved") {
		t.Error("the report is not that of the releases before")
	}
}

// Whoever changes the statistics, or the page that shows them, and every digest with them, is found out by the rows.
func TestForgedStatisticsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		path   string
		change func(string) string
	}{
		{"one row more is unique", revision.StatisticsFile, func(s string) string {
			return strings.Replace(s, `"num_unique": 2`, `"num_unique": 1`, 1)
		}},
		{"a sample is another", revision.StatisticsFile, func(s string) string {
			return strings.Replace(s, "What is the sum of", "What is the mum of", 1)
		}},
		{"a part is missing", revision.StatisticsFile, func(s string) string {
			var f statistics.File
			f, _ = statistics.Decode([]byte(s))
			f.Parts = f.Parts[1:]
			encoded, _ := f.Encode()
			return string(encoded)
		}},
		{"it is no JSON", revision.StatisticsFile, func(s string) string { return s[1:] }},
		{"the page tells more", revision.ReportFile, func(s string) string { return strings.Replace(s, "</main>", "<p>!</p></main>", 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, r := countedMix(t)
			w.build(r)
			folder := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(folder, os.DirFS(filepath.Join(w.worker.Volume, "mix", "revisions", w.current()))); err != nil {
				t.Fatal(err)
			}
			forgeFile(t, folder, c.path, c.change)
			if _, err := verify.Revision(context.Background(), folder, verify.Options{}); err == nil || !strings.Contains(err.Error(), c.path) && !strings.Contains(err.Error(), "statistics") {
				t.Errorf("the proof ended with %v", err)
			}
		})
	}
}

// forgeFile changes a file and tells the manifest so.
func forgeFile(t *testing.T, folder, name string, change func(string) string) {
	t.Helper()
	before, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	after := []byte(change(string(before)))
	if bytes.Equal(before, after) {
		t.Fatal("nothing was changed")
	}
	var m revision.Manifest
	encoded, err := os.ReadFile(filepath.Join(folder, revision.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &m); err != nil {
		t.Fatal(err)
	}
	for i := range m.Files {
		if m.Files[i].Path == name {
			as := filewriter.WrittenOf(after)
			m.Files[i].Bytes, m.Files[i].SHA256 = as.Bytes, as.SHA256
		}
	}
	if encoded, err = m.Encode(); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{name: after, revision.ManifestFile: encoded} {
		at := filepath.Join(folder, path)
		if err := os.Remove(at); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Of rows that a revision does not hold, the statistics are those of the build, which had them at hand; a proof says that it takes them as
// they are stated.
func TestStatisticsOfRowsThatAreNotKept(t *testing.T) {
	w, r := countedMix(t)
	w.build(r)
	whole := w.statistics()
	r.Output.Keep = []recipe.RevisionPart{recipe.MixedPart}
	w.build(r)
	if diff := cmp.Diff(whole, w.statistics()); diff != "" {
		t.Errorf("what is kept changed the statistics (-all +mixed):\n%s", diff)
	}
	proof, err := verify.Revision(context.Background(), filepath.Join(w.worker.Volume, "mix", "revisions", w.current()), verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if claims := proof.Claims(); !slices.ContainsFunc(claims.NotProved, func(c string) bool { return strings.Contains(c, "statistics.json") }) {
		t.Errorf("the proof does not say what it has not counted: %q", claims.NotProved)
	}
}
