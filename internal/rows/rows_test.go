package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/stage"
	"github.com/datasetmix/datasetmix/internal/store"
)

type quiet struct{}

func (quiet) Begin(pipeline.Step) {}

func (quiet) Done(pipeline.Stage, pipeline.Node, pipeline.Result, stage.Way) {}

// published builds a mix of two data sets in several files of a format, and opens its revision.
func published(t *testing.T, format recipe.Format, shards int) (Revision, string) {
	t.Helper()
	claims, volume := t.TempDir(), t.TempDir()
	for _, name := range []string{"a", "b"} {
		var rows strings.Builder
		for i := range 90 {
			fmt.Fprintf(&rows, "{\"question\":\"What is %s of %d, and why is it so?\",\"answer\":\"#### %d\"}\n", name, i, i)
		}
		if err := os.WriteFile(filepath.Join(claims, name+".jsonl"), []byte(rows.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dataset := func(name string) recipe.Dataset {
		return recipe.Dataset{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c", Path: name + ".jsonl"}}, Record: recipe.Record{Preset: "gsm8k"}}
	}
	r := recipe.Recipe{
		Name: "mix", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "mix", Format: format, Shards: shards, KeepRevisions: 3, Layout: recipe.LayoutRule},
		Splits: []recipe.Split{{Name: "train", Share: 2, Size: recipe.Size{Policy: recipe.KeepTotal}}, {Name: "test", Share: 1, Size: recipe.Size{Policy: recipe.KeepTotal}}},
		Domains: []recipe.Domain{{Name: "math", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("a")}},
			{Name: "talk", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("b")}}},
	}
	worker := stage.Worker{Volume: volume, Source: func(d recipe.Dataset) (source.Source, error) {
		var options open.Options
		options.Volume.Claims = map[string]string{"c": claims}
		return open.New(d.Source, options)
	}}
	if _, err := worker.Build(context.Background(), r, 2, quiet{}); err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Join(volume, "mix", "current"))
	if err != nil {
		t.Fatal(err)
	}
	on, err := store.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = on.Close() })
	opened, err := Open(on.Path("."))
	if err != nil {
		t.Fatal(err)
	}
	return opened, folder
}

func answer(t *testing.T, r Revision, q Question) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Answer(t.Context(), q, &out); err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return out.String()
}

// lines returns the rows of an answer.
func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// TestAnswersAreThoseOfTheFiles: in every format, and over several files, rows and counts are those that a reader of the plain files finds.
func TestAnswersAreThoseOfTheFiles(t *testing.T) {
	plain, folder := published(t, recipe.JSONL, 1)
	content, err := os.ReadFile(filepath.Join(folder, "mixed/train_mixed.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.SplitAfter(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(all) != 120 {
		t.Fatalf("%d rows of train", len(all))
	}
	want := map[string]int64{}
	for _, line := range all {
		row, err := record.Parse([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		want[row.Domain+"/"+row.Dataset]++
	}
	if got := answer(t, plain, Question{Kind: Head, Rows: 7}); got != strings.Join(all[:7], "") {
		t.Errorf("the first seven rows are\n%s", got)
	}
	if got := answer(t, plain, Question{Kind: File, Selection: Selection{Split: "train"}}); got != string(content) {
		t.Error("the file is another one")
	}
	for _, tc := range []struct {
		format recipe.Format
		shards int
	}{{recipe.JSONL, 3}, {recipe.JSONLZstd, 2}, {recipe.JSONLGzip, 1}, {recipe.Parquet, 2}} {
		t.Run(fmt.Sprint(tc.format, tc.shards), func(t *testing.T) {
			r, _ := published(t, tc.format, tc.shards)
			r.answers(t, want, tc.shards)
		})
	}
}

// answers compares what is answered of 120 rows of train in so many files.
func (r Revision) answers(t *testing.T, want map[string]int64, files int) {
	rows := lines(answer(t, r, Question{Kind: Head, Rows: 1 << 40}))
	if len(rows) != 120 {
		t.Errorf("%d rows", len(rows))
	}
	var counts Counts
	if err := json.Unmarshal([]byte(answer(t, r, Question{Kind: Count})), &counts); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, d := range counts.Datasets {
		got[d.Domain+"/"+d.Dataset] = d.Rows
	}
	if diff := cmp.Diff(want, got); diff != "" || counts.Rows != 120 || len(counts.Files) != files {
		t.Errorf("%+v: %s", counts, diff)
	}
	sample := lines(answer(t, r, Question{Kind: Sample, Rows: 9, Seed: 5}))
	if again := lines(answer(t, r, Question{Kind: Sample, Rows: 9, Seed: 5})); len(sample) != 9 || !slices.Equal(sample, again) {
		t.Errorf("a sample of nine rows is %d, and then %d", len(sample), len(again))
	}
	for _, row := range sample {
		if !slices.Contains(rows, row) {
			t.Errorf("the sample has a row that does not exist: %s", row)
		}
	}
}

// TestDrawn: a sample has distinct rows, depends on the seed alone, grows by adding, and prefers none.
func TestDrawn(t *testing.T) {
	if diff := cmp.Diff([]int64{1, 9, 42, 54, 68}, drawn(100, 5, 42)); diff != "" {
		t.Errorf("five of a hundred by the seed 42 were others once (-then +now):\n%s", diff)
	}
	small, large := drawn(1000, 20, 7), drawn(1000, 50, 7)
	for _, row := range small {
		if !slices.Contains(large, row) {
			t.Errorf("row %d is in the small sample alone", row)
		}
	}
	if got := drawn(10, 50, 1); !slices.Equal(got, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("fifty of ten are %v", got)
	}
	if len(drawn(10, 0, 1)) != 0 || len(drawn(0, 5, 1)) != 0 {
		t.Error("none of some, or some of none, are not none")
	}
	hits := make([]int, 10)
	for seed := range int64(2000) {
		for _, row := range drawn(10, 3, seed) {
			hits[row]++
		}
	}
	for row, n := range hits { // 600 are expected, with a standard deviation of 20
		if n < 500 || n > 700 {
			t.Errorf("row %d was drawn %d of 2,000 times", row, n)
		}
	}
}

// TestWhatDoesNotExist: names that do not exist, and files that are not what they were, are told from each other.
func TestWhatDoesNotExist(t *testing.T) {
	r, folder := published(t, recipe.JSONL, 1)
	for _, tc := range []struct {
		question Question
		reason   contract.Reason
		says     string
	}{
		{Question{Kind: Head, Rows: 1, Selection: Selection{Split: "tran"}}, contract.FileNotFound, "train, test"},
		{Question{Kind: Head, Rows: 1, Selection: Selection{Dataset: "c"}}, contract.FileNotFound, "a, b"},
		{Question{Kind: File, Selection: Selection{File: "../../etc/passwd"}}, contract.FileNotFound, "manifest"},
		{Question{Kind: Head, Rows: 1, Selection: Selection{File: "report.html"}}, contract.InvalidTask, "export"},
		{Question{Kind: "tail"}, contract.InvalidTask, "tail"},
	} {
		err := r.Answer(t.Context(), tc.question, &bytes.Buffer{})
		if contract.ReasonOf(err) != tc.reason || tc.says != "manifest" && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%+v: %v", tc.question, err)
		}
	}
	volume, err := store.Open(filepath.Dir(filepath.Dir(folder)))
	if err != nil {
		t.Fatal(err)
	}
	defer volume.Close()
	if _, err := Open(volume.Path("revisions/0000000000")); contract.ReasonOf(err) != contract.RevisionNotFound || !strings.Contains(err.Error(), r.Manifest.Revision) {
		t.Errorf("a revision that does not exist: %v", err)
	}
	file := filepath.Join(folder, "processed/a/test.jsonl")
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, []byte("{}\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []Kind{File, Count} {
		err := r.Answer(t.Context(), Question{Kind: kind, Selection: Selection{Dataset: "a", Split: "test"}}, &bytes.Buffer{})
		if contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%s of a file that was changed: %v", kind, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Answer(canceled, Question{Kind: Count}, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted count: %v", err)
	}
}

// TestLog: an answer comes back from a log to the byte, or not at all.
func TestLog(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "rows": "{\"a\":1}\n{\"b\":2}\n", "no last line feed": "<p>\n</p>", "its own marks": "= {}\n| x\n", "only line feeds": "\n\n", "long": strings.Repeat("x", 100_000) + "\n"} {
		t.Run(name, func(t *testing.T) {
			var log, got bytes.Buffer
			log.WriteString("{\"level\":\"INFO\"}\n")
			in := NewInLog(&log)
			for i := 0; i < len(text); i += 7 {
				if _, err := in.Write([]byte(text[i:min(i+7, len(text))])); err != nil {
					t.Fatal(err)
				}
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			whole := log.String()
			if err := FromLog(strings.NewReader(whole), &got); err != nil || got.String() != text {
				t.Errorf("%d bytes came back as %d: %v", len(text), got.Len(), err)
			}
			cut := whole[:strings.LastIndex(whole, endPrefix)]
			rotated := whole[min(len(whole)-1, strings.Index(whole, "\n")+1+4):]
			for what, damaged := range map[string]string{"cut": cut, "rotated": rotated} {
				var nothing bytes.Buffer
				if what == "rotated" && text == "" {
					continue
				}
				if err := FromLog(strings.NewReader(damaged), &nothing); contract.ReasonOf(err) != contract.ChecksumMismatch || nothing.Len() > 0 {
					t.Errorf("%s: %d bytes, %v", what, nothing.Len(), err)
				}
			}
		})
	}
	most := &Most{To: &bytes.Buffer{}, Left: 10}
	if _, err := most.Write(make([]byte, 11)); !errors.Is(err, ErrTooLong) {
		t.Errorf("eleven bytes of ten: %v", err)
	}
}

// TestSelection: the files of a split and their order, and no other split's.
func TestSelection(t *testing.T) {
	rows := int64(1)
	m := revision.Manifest{Recipe: recipe.Recipe{Splits: []recipe.Split{{Name: "train"}, {Name: "train-b"}}, Output: recipe.Output{Format: recipe.JSONLZstd}}}
	for _, name := range []string{"mixed/train-b_mixed.jsonl.zst", "mixed/train_mixed-00001-of-00002.jsonl.zst", "mixed/train_mixed-00000-of-00002.jsonl.zst", "mixed/info.json"} {
		m.Files = append(m.Files, revision.PublishedFile{Path: name, Rows: &rows})
	}
	for split, want := range map[string][]string{
		"":        {"mixed/train_mixed-00000-of-00002.jsonl.zst", "mixed/train_mixed-00001-of-00002.jsonl.zst"},
		"train-b": {"mixed/train-b_mixed.jsonl.zst"},
	} {
		files, err := Selection{Split: split}.Files(m)
		var got []string
		for _, f := range files {
			got = append(got, f.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", split, err, diff)
		}
	}
}
