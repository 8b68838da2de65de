package stage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// lost returns the ids of the rows that balance dropped, by reason.
func (w *world) lost() map[string][]string {
	w.t.Helper()
	lost := map[string][]string{}
	content, err := os.ReadFile(filepath.Join(w.worker.Volume, "mix/current", revision.DroppedFile))
	if os.IsNotExist(err) {
		return lost
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
		var row revision.DroppedRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			w.t.Fatal(err)
		}
		lost[row.Reason] = append(lost[row.Reason], row.ID)
	}
	for _, ids := range lost {
		slices.Sort(ids)
	}
	return lost
}

// divisions returns the rows of every split as the split stage gave them, whatever balance dropped: by split, all data sets.
func (w *world) divisions(r recipe.Recipe) [][]record.Record {
	w.t.Helper()
	out := make([][]record.Record, len(r.Splits))
	for _, name := range r.DatasetNames() {
		folder := w.splitFolder(r, name)
		for s, split := range r.Splits {
			content, err := os.ReadFile(filepath.Join(folder, split.Name+rowSuffix))
			if err != nil {
				w.t.Fatal(err)
			}
			for _, line := range strings.SplitAfter(strings.TrimSuffix(string(content), "\n"), "\n") {
				if line != "" {
					out[s] = append(out[s], parsed(w.t, []byte(line)))
				}
			}
		}
	}
	return out
}

// sketch is what rows are compared by.
type sketch struct {
	signature dedup.Signature
	bands     []uint64
}

// candidates have a band in common.
func (a sketch) candidates(b sketch) bool {
	for i := range min(len(a.bands), len(b.bands)) {
		if a.bands[i] == b.bands[i] {
			return true
		}
	}
	return false
}

// nearOnes returns the ids of the rows that are near one of a later split, found the slow way: each row is compared with each. Those
// whose very question a later split has are no near ones, but overlap.
func nearOnes(t *testing.T, splits [][]record.Record, near recipe.NearDuplicates) []string {
	t.Helper()
	sketcher, err := dedup.NewSketcher(near.Words, near.N, near.Bands, near.Rows)
	if err != nil {
		t.Fatal(err)
	}
	sketches, last := map[string]sketch{}, map[string]int{} // by id; the last split of a question
	for s, rows := range splits {
		for _, row := range rows {
			signature := slices.Clone(sketcher.Sketch(row.Question))
			sketches[row.ID] = sketch{signature, sketcher.AppendBands(nil, signature)}
			last[row.Question] = s
		}
	}
	var found []string
	for s, rows := range splits {
		later := slices.Concat(splits[s+1:]...)
		for _, row := range rows {
			a := sketches[row.ID]
			near := slices.ContainsFunc(later, func(other record.Record) bool {
				b := sketches[other.ID]
				return a.candidates(b) && dedup.Similar(a.signature, b.signature, near.Percent)
			})
			if near && last[row.Question] == s {
				found = append(found, row.ID)
			}
		}
	}
	slices.Sort(found)
	return found
}

// wordy returns rows of the gsm8k form with long questions, of which every third is nearly the one before.
func wordy(rows int) string {
	words := strings.Fields("a train boat farmer teacher baker sells buys counts loses finds gives apples books stones coins letters in the morning evening garden market school before after while every second day week")
	var out strings.Builder
	state := uint64(1)
	var last []string
	for i := range rows {
		if i%3 != 2 {
			last = nil
			for range 24 {
				state = state*6364136223846793005 + 1442695040888963407
				last = append(last, words[state>>33%uint64(len(words))])
			}
		} else {
			last = slices.Clone(last)
			last[i%len(last)] = "somewhere"
		}
		fmt.Fprintf(&out, "{\"question\":%q,\"answer\":\"#### %d\"}\n", strings.Join(last, " ")+"?", i)
	}
	return out.String()
}

func TestNearDuplicatesAreDroppedFromTheEarlierSplit(t *testing.T) {
	near := recipe.NearDuplicates{N: 3, Bands: 20, Rows: 5, Percent: 70}
	third := func(r recipe.Recipe) recipe.Recipe {
		r.Splits = []recipe.Split{{Name: "train", Share: 2, Size: recipe.Size{Policy: recipe.KeepTotal}}, {Name: "dev", Share: 1, Size: recipe.Size{Policy: recipe.NoRepeat}}, {Name: "test", Share: 1, Size: recipe.Size{Policy: recipe.NoRepeat}}}
		return r
	}
	for what, r := range map[string]recipe.Recipe{"two splits": recipes.Two(), "three splits": third(recipes.Two())} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			w.put("sums.jsonl", wordy(200))
			w.put("products.jsonl", wordy(260)) // the same questions, and some more
			r.NearDuplicates = &near
			balanced := w.balancedOf(r)
			want := nearOnes(t, w.divisions(r), near)
			lost := w.lost()
			if diff := cmp.Diff(want, lost["nearDuplicate"]); diff != "" || len(want) < 10 {
				t.Errorf("%d are dropped (-want +got):\n%s", len(want), diff)
			}
			if balanced.NearDuplicates.Total() != int64(len(want)) {
				t.Errorf("counted are %d of %d", balanced.NearDuplicates.Total(), len(want))
			}
			last := len(r.Splits) - 1
			for d := range r.DatasetNames() {
				if n := balanced.NearDuplicates.Of(last, d); n != 0 {
					t.Errorf("%d rows of the last split were dropped", n)
				}
			}
			if err := forgery.Check(w.revision(r)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Any number of processors drops the same rows, and so does another order of the manifest.
func TestNearDuplicatesAreTheSameWhateverTheWay(t *testing.T) {
	var want map[string][]string
	for i, processors := range []int{1, 2, 5} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			w := filled(t)
			w.put("sums.jsonl", wordy(150))
			r := recipes.Two()
			if i == 1 {
				r = reversed(r)
			}
			r.NearDuplicates = &recipe.NearDuplicates{N: 3, Bands: 20, Rows: 5, Percent: 70}
			w.build(r)
			got := w.lost()
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" || len(want["nearDuplicate"]) == 0 {
				t.Errorf("%d processors (-want +got):\n%s", processors, diff)
			}
		}()
	}
}

// Of the real questions the same are dropped as by comparing each with each.
func TestRealNearDuplicates(t *testing.T) {
	content := realrows.Read(t, "math/train.jsonl")
	w := filled(t)
	w.put("sums.jsonl", strings.Join(strings.SplitAfter(string(content), "\n")[:3000], ""))
	r := recipes.Two()
	r.Domains[0].Datasets[0].Record.Preset = "math"
	near := recipe.NearDuplicates{N: 5, Bands: 20, Rows: 5, Percent: 60}
	r.NearDuplicates = &near
	w.build(r)
	if diff := cmp.Diff(nearOnes(t, w.divisions(r), near), w.lost()["nearDuplicate"]); diff != "" || len(w.lost()["nearDuplicate"]) < 5 {
		t.Errorf("%d are dropped (-want +got):\n%s", len(w.lost()["nearDuplicate"]), diff)
	}
}

// One split has nothing that it could be near to; an unusable setting says what is wrong.
func TestNearDuplicatesOfOneSplit(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Splits = r.Splits[:1]
	r.NearDuplicates = &recipe.NearDuplicates{N: 3, Bands: 20, Rows: 5, Percent: 70}
	if got := w.balancedOf(r).NearDuplicates; got != nil {
		t.Errorf("dropped %v", got)
	}
	r = recipes.Two()
	r.NearDuplicates = &recipe.NearDuplicates{N: 3, Bands: 0, Rows: 5, Percent: 70}
	w.fails(r, contract.InvalidTask, "nearDuplicates")
}
