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
// (They changed once since: with split/v2 and balance/v2.)
func TestKeysOfOlderRecipes(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Recipe)
		want   string
	}{
		{"six data sets", func(*Recipe) {}, "f138bb30c5c1e063dffe8a9f9f02cb7123832865c22dba48e7b1bc469f2f8a48"},
		{"interleaved, with a limit", func(r *Recipe) { r.Order, r.MaxRepeats = Interleaved, 200 }, "9ffef3443d8d8a55b0eee0c3dcf95d55979d31840858a024b9c0c10dbafccf1f"},
		{"other sizes", func(r *Recipe) {
			r.Splits[0].Size, r.Splits[1].Size = Size{Policy: SmallestPool}, Size{Policy: ExactRows, Rows: 1000}
		}, "8208aa3def40aedd8400707b25cae9e741a2226b862943edf97f2fbf037e426e"},
		{"shares and sources", func(r *Recipe) {
			r.Domains[1].Balance, r.Domains[1].Datasets[0].Share, r.Domains[1].Datasets[1].Share = Shares, 2, 1
			r.Domains[0].Datasets[0].Source = Source{HuggingFace: &HuggingFace{Repo: "openai/gsm8k", Config: "main", Split: "train"}}
			r.Domains[0].Datasets[1].Source = Source{HTTP: &HTTP{URLs: []HTTPFile{{URL: "https://example.org/a.jsonl"}}}}
		}, "97807f6f53ac24d103d790e4e8a7b78ce1f0933f78eefc903e6a451381241f2c"},
		{"expressions", func(r *Recipe) {
			r.Domains[2].Datasets[0].Record = Record{
				Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Where: "row.keep", GroupBy: "row.title",
				Metadata: []Metadata{{Name: "level", Value: "row.?level"}},
			}
		}, "bc801a493f37cde1deaa4662e6c5b0142b5cf61e2b3ebadc54c9c252868bd592"},
		{"another order of declaration", func(r *Recipe) { slices.Reverse(r.Domains) }, "12bfd1e043210e6eeba21ea05b17734fdcb5cfebdebd9a503d561d652d964cef"},
	} {
		r := six(KeepTotal, KeepTotal)
		c.change(&r)
		if got := everyKey(t, r); got != c.want {
			t.Errorf("%s: the keys have the digest %s, want %s", c.what, got, c.want)
		}
	}
}

// The rules of comparison are in the keys of what they decide, each where it is used, and nowhere else.
func TestKeysOfRules(t *testing.T) {
	near := &NearDuplicates{N: 5, Bands: 20, Rows: 5, Percent: 80}
	probes := &Decontaminate{Against: []Probe{{Name: "probe", Source: Source{Volume: &Volume{ClaimName: "c"}}, Question: "row.q"}}}
	for _, c := range []struct {
		what   string
		with   func(*Recipe)
		change func(*Recipe)
		want   []Stage
	}{
		{"questions", func(*Recipe) {}, func(r *Recipe) { r.Compare = CompareQuestionV1 }, []Stage{Divide, Balancing, Mixing, Publish}},
		{"words of near duplicates", func(r *Recipe) { r.NearDuplicates = near }, func(r *Recipe) {
			newer := *near
			newer.Words, r.NearDuplicates = WordsV1, &newer
		}, []Stage{Balancing, Mixing, Publish}},
		{"words of probes", func(r *Recipe) { r.Decontaminate = probes }, func(r *Recipe) {
			newer := *probes
			newer.Words, r.Decontaminate = WordsV1, &newer
		}, []Stage{Divide, Balancing, Mixing, Publish}}, // a made-up result is another one under each key
	} {
		before, after := six(KeepTotal, KeepTotal), six(KeepTotal, KeepTotal)
		c.with(&before)
		c.with(&after)
		c.change(&after)
		results := map[string]Result{}
		walkToTheEnd(t, before, results)
		older, _ := walkToTheEnd(t, before, results)
		newer, _ := walkToTheEnd(t, after, results)
		var got []Stage
		for _, step := range newer.Steps {
			if old, _ := older.Step(step.Stage); !slices.Equal(old.Units, step.Units) {
				got = append(got, step.Stage)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the keys of %v change, want those of %v", c.what, got, c.want)
		}
	}
}
