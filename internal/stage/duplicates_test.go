package stage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// duplicated returns two, with rows that are in the data set or in another one already.
func duplicated(t *testing.T) (*world, recipe.Recipe) {
	w := filled(t)
	all := recipes.Sums("What is the sum of", 120)
	own := strings.SplitAfter(all, "\n")[:20]
	w.put("sums.jsonl", all+strings.Join(own, "")+strings.ReplaceAll(strings.Join(own[:8], ""), "#### ", "#### 1")) // again; with other answers
	w.put("products.jsonl", recipes.Sums("What is the product of", 61)+strings.Join(own[:15], ""))
	r := recipes.Two()
	r.Duplicates = recipe.DropDuplicates
	return w, r
}

// said is what a row says.
type said struct{ question, answer string }

// expectedDrops returns the ids that overlap and duplicates drop, found the slow way: of a question in several splits those of the
// last one stay; of rows of one split that say the same, the one of the data set whose name sorts first, and there the first.
func expectedDrops(w *world, r recipe.Recipe) map[string][]string {
	divisions := w.divisions(r) // by split; data sets sorted by name, rows in their order
	keeper := map[string]int{}
	for s, rows := range divisions {
		for _, row := range rows {
			keeper[row.Question] = s
		}
	}
	want := map[string][]string{}
	for s, rows := range divisions {
		seen := map[said]bool{}
		for _, row := range rows {
			switch key := (said{row.Question, row.ReferenceAnswer}); {
			case keeper[row.Question] != s:
				want["overlap"] = append(want["overlap"], row.ID)
			case seen[key] && r.Duplicates == recipe.DropDuplicates:
				want["duplicate"] = append(want["duplicate"], row.ID)
			default:
				seen[key] = true
			}
		}
	}
	for _, ids := range want {
		slices.Sort(ids)
	}
	return want
}

func TestDuplicatesAreDropped(t *testing.T) {
	w, r := duplicated(t)
	balanced := w.balancedOf(r)
	want := expectedDrops(w, r)
	if diff := cmp.Diff(want, w.lost()); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	// 20 within sums; of the 15 in products those that are on the same side.
	if got := int64(len(want["duplicate"])); got != balanced.Duplicates.Total() || got < 20 || got > 35 {
		t.Errorf("%d duplicates, counted %v", got, balanced.Duplicates)
	}
	for s, split := range r.Splits {
		rows := map[said]string{}
		for d, name := range r.DatasetNames() {
			kept := w.records("processed/" + name + "/" + split.Name + ".jsonl")
			for _, row := range kept {
				if other, twice := rows[said{row.Question, row.ReferenceAnswer}]; twice {
					t.Errorf("%s: %s and %s say the same", split.Name, other, row.ID)
				}
				rows[said{row.Question, row.ReferenceAnswer}] = row.ID
			}
			if n := w.divided(r, name).Rows[s] - balanced.Dropped(s, d); n != int64(len(kept)) {
				t.Errorf("%s, %s: %d rows, %d counted", name, split.Name, len(kept), n)
			}
		}
	}
	if err := forgery.Check(w.revision(r)); err != nil {
		t.Error(err)
	}
}

// The same question with other answers is no duplicate, and Keep drops nothing but overlap.
func TestDuplicatesAreKeptUnlessAsked(t *testing.T) {
	w, r := duplicated(t)
	r.Duplicates = ""
	if got := w.balancedOf(r).Duplicates; got != nil {
		t.Errorf("dropped %v", got)
	}
	if diff := cmp.Diff(expectedDrops(w, r), w.lost()); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

// A row that is dropped for one reason is counted under it alone: overlap comes before duplicate, and that before near.
func TestEachDroppedRowHasOneReason(t *testing.T) {
	w, r := duplicated(t)
	w.put("products.jsonl", recipes.Sums("What is the sum of", 180)+recipes.Sums("What is the sum of", 180)) // other borders: much overlap
	w.put("facts.jsonl", wordy(150))
	r.NearDuplicates = &recipe.NearDuplicates{N: 3, Bands: 20, Rows: 5, Percent: 70}
	balanced := w.balancedOf(r)
	want, lost := expectedDrops(w, r), w.lost()
	if diff := cmp.Diff(want["overlap"], lost["overlap"]); diff != "" || len(want["overlap"]) == 0 {
		t.Errorf("overlap (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want["duplicate"], lost["duplicate"]); diff != "" || len(want["duplicate"]) == 0 {
		t.Errorf("duplicates (-want +got):\n%s", diff)
	}
	if len(lost["nearDuplicate"]) == 0 {
		t.Error("there is no near duplicate")
	}
	seen := map[string]int{}
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		for _, id := range lost[reason] {
			seen[id]++
		}
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%s is listed %d times", id, n)
		}
	}
	if total := balanced.Overlap.Total() + balanced.Duplicates.Total() + balanced.NearDuplicates.Total(); total != int64(len(seen)) {
		t.Errorf("%d rows are listed, %d counted", len(seen), total)
	}
}

// The real MBPP and SQuAD have questions twice, with other answers; read twice, every row is a duplicate of one.
func TestRealDuplicates(t *testing.T) {
	w := newWorld(t)
	w.claims = realrows.Folder(t)
	r := realSix()
	r.Domains = r.Domains[1:2]
	r.Domains[0].Balance = recipe.None
	twice := r.Domains[0].Datasets[1]
	twice.Name = "again"
	r.Domains[0].Datasets = append(r.Domains[0].Datasets, twice)
	r.Duplicates = recipe.DropDuplicates
	balanced := w.balancedOf(r)
	var dropped [3]int64 // again, hotpotqa, squad2
	for d := range dropped {
		for s := range r.Splits {
			dropped[d] += balanced.Duplicates.Of(s, d)
		}
	}
	var rows int64
	for _, n := range w.divided(r, "hotpotqa").Rows {
		rows += n
	}
	if dropped[0] != 0 || dropped[1] != rows || dropped[2] != 0 {
		t.Errorf("%s are dropped, want 0, %d and 0", fmt.Sprint(dropped), rows)
	}
}
