package revision

import (
	"strings"
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
		ExportFile(recipe.Shard{Split: "train", Count: 1, Export: "rl"}):           "exports/rl/train.parquet",
		ExportFile(recipe.Shard{Split: "train", Index: 1, Count: 2, Export: "rl"}): "exports/rl/train-00001-of-00002.parquet",
		FileOf(recipe.Shard{Split: "test", Count: 1, Export: "rl"}, recipe.JSONL):  "exports/rl/test.parquet",
		FileOf(recipe.Shard{Split: "test", Count: 1}, recipe.JSONL):                "mixed/test_mixed.jsonl",
		RewardsFile("rl"):                  "exports/rl/rewards.py",
		FactoryFile("sft"):                 "exports/sft/dataset_info.json",
		DroppedSourceFile("math", "gsm8k"): "dropped/math/gsm8k.jsonl",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSameJSON(t *testing.T) {
	type pair struct{ A, B any }
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{pair{1, "x"}, pair{1, "x"}, true}, {pair{1, "x"}, map[string]any{"A": 1, "B": "x"}, true}, {[]int(nil), []int{}, false},
		{pair{1, "x"}, pair{1, "y"}, false}, {1, "1", false}, {func() {}, func() {}, false}, {1, func() {}, false}, {func() {}, 1, false},
	} {
		if got := SameJSON(c.a, c.b); got != c.want {
			t.Errorf("%T and %T are written the same: %t", c.a, c.b, got)
		}
	}
}

// TestCheckOriginals: a file of a source has a path, a size and a digest.
func TestCheckOriginals(t *testing.T) {
	right := pipeline.OriginalFile{Path: "a/b.jsonl", Size: 1, SHA256: strings.Repeat("0123456789abcdef", 4)}
	for _, c := range []struct {
		what   string
		change func(*pipeline.OriginalFile)
		right  bool
	}{
		{"a file", func(*pipeline.OriginalFile) {}, true},
		{"an empty file", func(f *pipeline.OriginalFile) { f.Size = 0 }, true},
		{"a size below nothing", func(f *pipeline.OriginalFile) { f.Size = -1 }, false},
		{"no path", func(f *pipeline.OriginalFile) { f.Path = "" }, false},
		{"the shortest path", func(f *pipeline.OriginalFile) { f.Path = "a" }, true},
		{"the longest path", func(f *pipeline.OriginalFile) { f.Path = strings.Repeat("a", maxPath) }, true},
		{"a longer path", func(f *pipeline.OriginalFile) { f.Path = strings.Repeat("a", maxPath+1) }, false},
		{"a digest that is short", func(f *pipeline.OriginalFile) { f.SHA256 = f.SHA256[1:] }, false},
		{"a digest in capitals", func(f *pipeline.OriginalFile) { f.SHA256 = strings.ToUpper(f.SHA256) }, false},
	} {
		second := right
		c.change(&second)
		if err := CheckOriginals([]pipeline.OriginalFile{right, second}); (err == nil) != c.right {
			t.Errorf("%s: %v", c.what, err)
		} else if err != nil && !strings.HasPrefix(err.Error(), "file 2") {
			t.Errorf("%s: %v does not name the second file", c.what, err)
		}
	}
	if err := CheckOriginals(nil); err != nil {
		t.Error(err)
	}
}
