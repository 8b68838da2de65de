package single

import (
	"fmt"
	"os"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
)

// TestDroppedRowsAreThoseOfTheManifest: the list has rows of the recipe's splits and data sets, as many for each reason as the manifest says.
func TestDroppedRowsAreThoseOfTheManifest(t *testing.T) {
	m := revision.Manifest{Recipe: recipes.Two()}
	datasets, split := m.Recipe.DatasetNames(), m.Recipe.Splits[1].Name
	row := func(change func(*revision.DroppedRow)) revision.DroppedRow {
		r := revision.DroppedRow{ID: datasets[0] + "_7", Dataset: datasets[0], Split: split, Reason: pipeline.Duplicate.String()}
		change(&r)
		return r
	}
	for what, c := range map[string]struct {
		row     revision.DroppedRow
		counted int64 // by the manifest, as duplicates
		right   bool
	}{
		"as many":                  {row(func(*revision.DroppedRow) {}), 1, true},
		"one that is not counted":  {row(func(*revision.DroppedRow) {}), 0, false},
		"one too few":              {row(func(*revision.DroppedRow) {}), 2, false},
		"another reason":           {row(func(r *revision.DroppedRow) { r.Reason = pipeline.Overlap.String() }), 1, false},
		"a reason that is unknown": {row(func(r *revision.DroppedRow) { r.Reason = "dull" }), 1, false},
		"a split that is unknown":  {row(func(r *revision.DroppedRow) { r.Split = "dev" }), 1, false},
		"an unknown data set":      {row(func(r *revision.DroppedRow) { r.Dataset = "x" }), 1, false},
		"a row of another":         {row(func(r *revision.DroppedRow) { r.ID = datasets[1] + "_7" }), 1, false},
	} {
		counts := newDroppedCounts(m)
		s, d, err := counts.add(c.row)
		if err == nil {
			balanced := pipeline.BalanceResult{Duplicates: pipeline.NewDroppedRows(len(m.Recipe.Splits), len(datasets))}
			balanced.Duplicates[1][0] = c.counted
			err = counts.check(balanced)
		}
		if c.right && (err != nil || s != 1 || d != 0) || !c.right && contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%s: split %d, data set %d, %v", what, s, d, err)
		}
	}
}

// TestSkippedRowsAreNotKept: the file of all rows has no row that is listed as left out.
func TestSkippedRowsAreNotKept(t *testing.T) {
	folder := volume.Folder(t)
	const list = "skipped.jsonl"
	var content []byte
	for _, n := range []int{2, 3, 9} {
		content = fmt.Appendf(content, "{\"row\": %d, \"file\": 1, \"reason\": \"where\"}\n", n)
	}
	if err := store.WriteFile(folder.Join(list), content); err != nil {
		t.Fatal(err)
	}
	from, of := &files.Set{Context: t.Context(), Folder: folder}, &layout.Dataset{Dropped: list, Raw: "raw.jsonl"}
	for kept, right := range map[int64]bool{0: true, 1: true, 2: false, 3: false, 4: true, 8: true, 9: false, 10: true} {
		l, err := openSkipped(from, of)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.pass(kept); (err == nil) != right || err != nil && contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("row %d: %v", kept, err)
		}
		l.file.Close()
	}
	if err := os.WriteFile(folder.Join("damaged").String(), []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	of.Dropped = "damaged"
	if _, err := openSkipped(from, of); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("a damaged list: %v", err)
	}
}
