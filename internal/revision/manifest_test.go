package revision

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestManifestRefusesEveryChangedByte(t *testing.T) {
	rows := int64(3)
	m := Manifest{Version: ManifestVersion, Name: "small", Revision: "0123456789", Recipe: recipes.Small(), Files: []PublishedFile{{Path: "a", Bytes: 1, Rows: &rows, SHA256: "ab"}},
		Sources: []Origin{{Dataset: "gsm8k", License: "mit", Files: []pipeline.OriginalFile{{Path: "x", Size: 1, SHA256: "ab"}}}}}
	encoded, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseManifest(encoded); err != nil {
		t.Fatalf("the manifest itself: %v", err)
	}
	for i := range encoded {
		for bit := range 8 {
			changed := append([]byte(nil), encoded...)
			changed[i] ^= 1 << bit
			if _, err := ParseManifest(changed); err == nil {
				t.Fatalf("bit %d of byte %d (%q) may change", bit, i, encoded[i])
			}
		}
	}
}

func TestOriginalsDigestIsOfContentsInOrder(t *testing.T) {
	a, b := pipeline.OriginalFile{Path: "a", Size: 1, SHA256: "aa"}, pipeline.OriginalFile{Path: "b", Size: 2, SHA256: "bb"}
	renamed := pipeline.OriginalFile{Path: "other", Size: 1, SHA256: "aa"}
	if OriginalsDigest([]pipeline.OriginalFile{a, b}) != OriginalsDigest([]pipeline.OriginalFile{renamed, b}) {
		t.Error("a new name changed the digest")
	}
	if OriginalsDigest([]pipeline.OriginalFile{a, b}) == OriginalsDigest([]pipeline.OriginalFile{b, a}) {
		t.Error("a new order did not change the digest")
	}
}

func TestNamesOnTheVolume(t *testing.T) {
	f := Folder("grpo-six")
	for got, want := range map[string]string{
		f.Node(pipeline.StageSplit, "k"): "grpo-six/.stages/split/k",
		f.Revision("r"):                  "grpo-six/revisions/r",
		f.Current():                      "grpo-six/current",
		Link("r"):                        "revisions/r",
		RawFile("math", "gsm8k"):         "raw/math/gsm8k.jsonl",
		ProcessedFile("gsm8k", "train"):  "processed/gsm8k/train.jsonl",
		MetaFile("gsm8k"):                "processed/gsm8k/meta.json",
		MixedFile(recipe.Shard{Split: "train", Count: 1}, recipe.JSONL):               "mixed/train_mixed.jsonl",
		MixedFile(recipe.Shard{Split: "train"}, ""):                                   "mixed/train_mixed.jsonl",
		MixedFile(recipe.Shard{Split: "test", Count: 1}, recipe.Parquet):              "mixed/test_mixed.parquet",
		MixedFile(recipe.Shard{Split: "train", Index: 0, Count: 8}, recipe.JSONLZstd): "mixed/train_mixed-00000-of-00008.jsonl.zst",
		MixedFile(recipe.Shard{Split: "train", Index: 7, Count: 8}, recipe.JSONLGzip): "mixed/train_mixed-00007-of-00008.jsonl.gz",
		TestFile("gsm8k", "test"): "test/gsm8k_test.jsonl",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
