package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// watchedSource counts the bytes that are read of the files of a claim, by path, and calls once before the first of them.
type watchedSource struct {
	source.Local
	mutex *sync.Mutex
	read  map[string]int64
	first func(path string)
}

func (s watchedSource) At(ctx context.Context, f source.File) (source.LocalFile, error) {
	file, err := s.Local.At(ctx, f)
	return &watchedFile{LocalFile: file, of: s, path: f.Path}, err
}

type watchedFile struct {
	source.LocalFile
	of   watchedSource
	path string
}

func (f *watchedFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.LocalFile.ReadAt(p, offset)
	f.of.mutex.Lock()
	_, again := f.of.read[f.path]
	f.of.read[f.path] += int64(n)
	f.of.mutex.Unlock()
	if !again && f.of.first != nil {
		f.of.first(f.path)
	}
	return n, err
}

// watch counts what is read of the world's sources. First is called once the first bytes of a file were read.
func (w *world) watch(first func(path string)) map[string]int64 {
	inner, of := w.worker.Source, watchedSource{mutex: &sync.Mutex{}, read: map[string]int64{}, first: first}
	w.worker.Source = func(dataset recipe.Dataset) (source.Source, error) {
		from, err := inner(dataset)
		if err != nil {
			return nil, err
		}
		of := of
		of.Local = from.(source.Local)
		return of, nil
	}
	return of.read
}

// TestOriginalsAtHandAreReadOnce in a local build, whose revision is that of units that are built one by one.
func TestOriginalsAtHandAreReadOnce(t *testing.T) {
	w := filled(t)
	big := recipes.Sums("What is the sum of", 9000)
	w.put("sums.jsonl", big)
	read := w.watch(nil)
	got := w.build(recipes.Two()).Published
	if n := read["sums.jsonl"]; n < int64(len(big)) || n > int64(len(big))+64<<10 { // its form is told by its beginning
		t.Errorf("of %d bytes, %d were read", len(big), n)
	}
	byJobs := newWorld(t)
	byJobs.claims = w.claims
	if _, graph := byJobs.jobs(recipes.Two(), map[string]pipeline.Result{}, ""); *graph.Published != *got {
		t.Errorf("published %+v, and by Jobs %+v", got, graph.Published)
	}
	w.nothingBegun()
}

// nothingBegun checks that no folder of a unit is without its name, and returns the splits that have one.
func (w *world) nothingBegun() (splits []string) {
	w.t.Helper()
	folders, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", ".stages", "*", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", ".stages", "*", ".*"))
	if err != nil || len(hidden) > 0 {
		w.t.Errorf("left behind: %v, %v", hidden, err)
	}
	for _, folder := range folders {
		if filepath.Base(filepath.Dir(folder)) == string(pipeline.StageSplit) {
			splits = append(splits, filepath.Base(folder))
		}
	}
	return splits
}

// TestAnExpectedDigestIsJudgedBeforeASplitIsNamed: rows of other bytes than those of a lock become no split.
func TestAnExpectedDigestIsJudgedBeforeASplitIsNamed(t *testing.T) {
	w := filled(t)
	w.build(recipes.Two())
	lock, err := revision.ParseLock([]byte(w.read("mix/current/lock.json")))
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(t)
	other.claims, other.worker.Lock = w.claims, lock
	content := []byte(recipes.TwoFiles()["sums.jsonl"])
	other.put("sums.jsonl", string(flip(content)))
	other.fails(recipes.Two(), contract.ChecksumMismatch, "data set sums", "sums.jsonl has the SHA-256", "was promised")
	graph := w.build(recipes.Two())
	step, _ := graph.Step(pipeline.StageSplit)
	var whole []string
	for _, unit := range step.Nodes {
		if unit.Name != "sums" {
			whole = append(whole, unit.Key)
		}
	}
	for _, split := range other.nothingBegun() {
		if !strings.Contains(strings.Join(whole, " "), split) {
			t.Errorf("a split of other bytes has the name %s", split)
		}
	}
}

// TestAFileThatChangesWhileItIsRead ends the build, or gives the rows that it has now: never some of both.
func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	changed := strings.Replace(recipes.Sums("What is the sum of", 9000), "What is", "Tell me", 9000)
	want := filled(t)
	want.put("sums.jsonl", changed)
	wanted := want.build(recipes.Two()).Published
	for what, c := range map[string]struct {
		restore bool
		reason  contract.Reason
	}{"at another time": {false, contract.FetchFailed}, "with its time put back": {true, ""}} {
		w := filled(t)
		w.put("sums.jsonl", recipes.Sums("What is the sum of", 9000))
		path := filepath.Join(w.claims, "sums.jsonl")
		before := stat(t, path)
		w.watch(func(name string) {
			if name != "sums.jsonl" {
				return
			}
			err := os.WriteFile(path, []byte(changed), 0o644)
			if c.restore {
				err = errors.Join(err, os.Chtimes(path, before.ModTime(), before.ModTime()))
			}
			if err != nil {
				t.Error(err)
			}
		})
		results, err := w.worker.Build(t.Context(), recipes.Two(), 2, w)
		if contract.ReasonOf(err) != c.reason && err != nil || err == nil && c.reason != "" {
			t.Errorf("%s: %v", what, err)
		}
		w.nothingBegun()
		if err != nil {
			continue
		}
		graph, err := pipeline.Walk(recipes.Two(), results)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, graph.Published); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// TestASplitThatIsThereIsFound where its download is not: what was read with the originals is thrown away.
func TestASplitThatIsThereIsFound(t *testing.T) {
	w := filled(t)
	graph := w.build(recipes.Two())
	step, _ := graph.Step(pipeline.StageSplit)
	key := step.Nodes[0].Key
	folder := filepath.Join(w.worker.Volume, "mix", ".stages", string(pipeline.StageSplit), key)
	before := stat(t, folder)
	downloads := filepath.Join(w.worker.Volume, "mix", ".stages", string(pipeline.StageDownload))
	if err := os.RemoveAll(downloads); err != nil {
		t.Fatal(err)
	}
	read := w.watch(nil)
	if again := w.build(recipes.Two()).Published; *again != *graph.Published {
		t.Errorf("published %+v, want %+v", again, graph.Published)
	}
	if read["sums.jsonl"] == 0 || !same(t, folder, before) {
		t.Errorf("the split was made again, or its original was not read: %v", read)
	}
	w.nothingBegun()
}

// TestBadRowsOfAnOriginalAtHand are said by the split, as those of one that was fetched.
func TestBadRowsOfAnOriginalAtHand(t *testing.T) {
	w := filled(t)
	content, _ := withBadRows()
	w.put("sums.jsonl", content)
	w.fails(recipes.Two(), contract.InvalidData, "data set sums", "line 11")
	w.nothingBegun()
	if _, err := os.Stat(filepath.Join(w.worker.Volume, "mix", ".stages", string(pipeline.StageDownload))); err != nil {
		t.Errorf("the downloads are gone: %v", err)
	}
}
