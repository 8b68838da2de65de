package recipe_test

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// TestShardsAndSplitsDoNotMeet: a split that is named as the file of another one's shard is a unit of its own.
func TestShardsAndSplitsDoNotMeet(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Splits[1].Name, r.Output.Shards = "train-00000", 2
	seen := map[string]bool{}
	for _, shard := range r.Shards() {
		if seen[shard.Name()] {
			t.Errorf("two units are named %s", shard.Name())
		}
		seen[shard.Name()] = true
	}
	if _, ok := r.Shard("train-00000"); ok {
		t.Error("a split of two shards has no unit of its own name")
	}
}

func TestExtensions(t *testing.T) {
	for format, want := range map[recipe.Format]string{recipe.JSONL: ".jsonl", recipe.JSONLZstd: ".jsonl.zst", recipe.JSONLGzip: ".jsonl.gz", recipe.Parquet: ".parquet", "Avro": ".jsonl"} {
		if got := format.Extension(); got != want {
			t.Errorf("%s: %s", format, got)
		}
	}
}
