package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
)

// everyKey is the SHA-256 of every unit's stage, name and key, in the order of the graph.
func everyKey(t *testing.T, r Recipe) string {
	t.Helper()
	graph, _ := walkToTheEnd(t, r, map[string]Result{})
	hash := sha256.New()
	for _, step := range graph.Steps {
		for _, unit := range step.Units {
			fmt.Fprintf(hash, "%s %s %s\n", step.Stage, unit.Name, unit.Key)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// TestKeysOfOlderRecipes: a recipe that uses nothing of what came later has the keys that it had before, every one of them.
// The digests were taken before reading, units, duplicates, contamination, formats and shards became part of a recipe.
func TestKeysOfOlderRecipes(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Recipe)
		want   string
	}{
		{"six data sets", func(*Recipe) {}, "dfdc474461e6c7e565890b0e4d59ee59c62f20ac515ed3c9ce2c14877c34df5f"},
		{"interleaved, with a limit", func(r *Recipe) { r.Order, r.MaxRepeats = Interleaved, 200 }, "6b6ceeedac745ddfb6b7d449074f26ae62b453864f88a4cc260f9b716856404f"},
		{"other sizes", func(r *Recipe) {
			r.Splits[0].Size, r.Splits[1].Size = Size{Policy: SmallestPool}, Size{Policy: ExactRows, Rows: 1000}
		}, "70652cbe3ff711a28184852f4a5c87b2c3179dbaa1cc443174f127735e0f1abd"},
		{"shares and sources", func(r *Recipe) {
			r.Domains[1].Balance, r.Domains[1].Datasets[0].Share, r.Domains[1].Datasets[1].Share = Shares, 2, 1
			r.Domains[0].Datasets[0].Source = Source{HuggingFace: &HuggingFace{Repo: "openai/gsm8k", Config: "main", Split: "train"}}
			r.Domains[0].Datasets[1].Source = Source{HTTP: &HTTP{URLs: []HTTPFile{{URL: "https://example.org/a.jsonl"}}}}
		}, "f310808de99cfba2ae06adb188faf5707c506bbfc3cb37e83678ec89aa8de83c"},
		{"expressions", func(r *Recipe) {
			r.Domains[2].Datasets[0].Record = Record{
				Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Where: "row.keep", GroupBy: "row.title",
				Metadata: []Metadata{{Name: "level", Value: "row.?level"}},
			}
		}, "0483f6238da1bdeab12846403d7c93a09cb48442de341a2b89c9bb582dc31ac5"},
		{"another order of declaration", func(r *Recipe) { slices.Reverse(r.Domains) }, "dc831a893f30018b8d92cb9496fe4a3f1b3d7870b515b8e77d9b208324decbe9"},
	} {
		r := six(KeepTotal, KeepTotal)
		c.change(&r)
		if got := everyKey(t, r); got != c.want {
			t.Errorf("%s: the keys have the digest %s, want %s", c.what, got, c.want)
		}
	}
}
