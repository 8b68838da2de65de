package pipeline

import (
	"strconv"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// A result that counts what nobody can have is refused, so that no sum of a plan can run over.
func TestResultsCountWhatThereCanBe(t *testing.T) {
	for _, c := range []struct {
		counts int64
		result Result
	}{
		{-1, Result{Download: &DownloadResult{Bytes: -1}}},
		{-2, Result{Download: &DownloadResult{Files: -2}}},
		{maxCount + 1, Result{Download: &DownloadResult{Bytes: maxCount + 1}}},
		{1 << 62, Result{Split: &SplitResult{Read: 1 << 62, Rows: []int64{1, 1}}}},
		{-4, Result{Split: &SplitResult{Dropped: map[string]int64{"where": -4}, Rows: []int64{1, 1}}}},
		{-5, Result{Mix: &MixResult{Rows: -5}}},
		{1 << 60, Result{Mix: &MixResult{Datasets: []MixedDataset{{Unique: 1 << 60}}}}},
	} {
		err := checkResult(recipes.Six(recipe.KeepTotal, recipe.KeepTotal), Node{}, c.result)
		if err == nil || !strings.HasSuffix(err.Error(), strconv.FormatInt(c.counts, 10)) {
			t.Errorf("%+v: %v", c.result, err)
		}
	}
}

// TestTheLargestCount: what is refused is more than any mix has.
func TestTheLargestCount(t *testing.T) {
	for _, count := range []int64{0, 1, maxCount} {
		if err := checkResult(recipes.Six(recipe.KeepTotal, recipe.KeepTotal), Node{}, Result{Download: &DownloadResult{Bytes: count}}); err != nil {
			t.Errorf("%d bytes: %v", count, err)
		}
	}
}

// A result's revision becomes the name of a folder, and what a link leads to: it is that of the key, and nothing else.
func TestAResultNamesTheRevisionOfItsKey(t *testing.T) {
	unit := Node{Name: "mix", Key: "0123456789abcdef"}
	for revision, fits := range map[string]bool{"0123456789": true, "0123456780": false, "../../other": false, "": false} {
		err := checkResult(recipes.Six(recipe.KeepTotal, recipe.KeepTotal), unit, Result{Publish: &PublishResult{Revision: revision}})
		if (err == nil) != fits {
			t.Errorf("%q: %v", revision, err)
		}
	}
}
