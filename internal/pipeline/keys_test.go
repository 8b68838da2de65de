package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// everyKey returns the SHA-256 of every unit's stage, name and key, in the order of the graph.
func everyKey(t *testing.T, r recipe.Recipe) string {
	t.Helper()
	graph, _ := walkToTheEnd(t, r, map[string]Result{})
	hash := sha256.New()
	for _, step := range graph.Steps {
		for _, unit := range step.Nodes {
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
		change func(*recipe.Recipe)
		want   string
	}{
		{"six data sets", func(*recipe.Recipe) {}, "f138bb30c5c1e063dffe8a9f9f02cb7123832865c22dba48e7b1bc469f2f8a48"},
		{"interleaved, with a limit", func(r *recipe.Recipe) { r.Order, r.MaxRepeats = recipe.Interleaved, 200 }, "9ffef3443d8d8a55b0eee0c3dcf95d55979d31840858a024b9c0c10dbafccf1f"},
		{"other sizes", func(r *recipe.Recipe) {
			r.Splits[0].Size, r.Splits[1].Size = recipe.Size{Policy: recipe.SmallestPool}, recipe.Size{Policy: recipe.ExactRows, Rows: 1000}
		}, "8208aa3def40aedd8400707b25cae9e741a2226b862943edf97f2fbf037e426e"},
		{"shares and sources", func(r *recipe.Recipe) {
			r.Domains[1].Balance, r.Domains[1].Datasets[0].Share, r.Domains[1].Datasets[1].Share = recipe.Shares, 2, 1
			r.Domains[0].Datasets[0].Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "openai/gsm8k", Config: "main", Split: "train"}}
			r.Domains[0].Datasets[1].Source = recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "https://example.org/a.jsonl"}}}}
		}, "97807f6f53ac24d103d790e4e8a7b78ce1f0933f78eefc903e6a451381241f2c"},
		{"expressions", func(r *recipe.Recipe) {
			r.Domains[2].Datasets[0].Record = recipe.Record{
				Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Where: "row.keep", GroupBy: "row.title",
				Metadata: []recipe.Metadata{{Name: "level", Value: "row.?level"}},
			}
		}, "bc801a493f37cde1deaa4662e6c5b0142b5cf61e2b3ebadc54c9c252868bd592"},
		{"another order of declaration", func(r *recipe.Recipe) { slices.Reverse(r.Domains) }, "12bfd1e043210e6eeba21ea05b17734fdcb5cfebdebd9a503d561d652d964cef"},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.change(&r)
		if got := everyKey(t, r); got != c.want {
			t.Errorf("%s: the keys have the digest %s, want %s", c.what, got, c.want)
		}
	}
}

// The rules of comparison are in the keys of what they decide, each where it is used, and nowhere else.
func TestKeysOfRules(t *testing.T) {
	near := &recipe.NearDuplicates{N: 5, Bands: 20, Rows: 5, Percent: 80}
	probes := &recipe.Decontaminate{Against: []recipe.Probe{{Name: "probe", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c"}}, Question: "row.q"}}}
	for _, c := range []struct {
		what   string
		with   func(*recipe.Recipe)
		change func(*recipe.Recipe)
		want   []Stage
	}{
		{"questions", func(*recipe.Recipe) {}, func(r *recipe.Recipe) { r.Compare = recipe.CompareQuestionV1 }, []Stage{StageSplit, StageBalance, StageMix, StagePublish}},
		{"words of near duplicates", func(r *recipe.Recipe) { r.NearDuplicates = near }, func(r *recipe.Recipe) {
			newer := *near
			newer.Words, r.NearDuplicates = recipe.WordsV1, &newer
		}, []Stage{StageBalance, StageMix, StagePublish}},
		{"words of probes", func(r *recipe.Recipe) { r.Decontaminate = probes }, func(r *recipe.Recipe) {
			newer := *probes
			newer.Words, r.Decontaminate = recipe.WordsV1, &newer
		}, []Stage{StageSplit, StageBalance, StageMix, StagePublish}}, // a made-up result is another one under each key
	} {
		before, after := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.with(&before)
		c.with(&after)
		c.change(&after)
		results := map[string]Result{}
		walkToTheEnd(t, before, results)
		older, _ := walkToTheEnd(t, before, results)
		newer, _ := walkToTheEnd(t, after, results)
		var got []Stage
		for _, step := range newer.Steps {
			if old, _ := older.Step(step.Stage); !slices.Equal(old.Nodes, step.Nodes) {
				got = append(got, step.Stage)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the keys of %v change, want those of %v", c.what, got, c.want)
		}
	}
}

// The key of an exported file has what its rows depend on, and nothing else.
func TestKeysOfExports(t *testing.T) {
	digest := strings.Repeat("0", 64)
	unit := func(edit func(*recipe.Recipe)) (key string) {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Exports = []recipe.Export{{Name: "rl", Format: recipe.ExportRL, Scorer: digest}}
		edit(&r)
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		step, _ := graph.Step(StageMix)
		for _, unit := range step.Nodes {
			if unit.Name == "rl/train" || unit.Name == "rl/train.00000" {
				return unit.Key
			}
		}
		t.Fatalf("no unit of the export among %v", step.Nodes)
		return ""
	}
	plain := unit(func(*recipe.Recipe) {})
	for what, c := range map[string]struct {
		edit func(*recipe.Recipe)
		same bool
	}{
		"the format of mixed files": {func(r *recipe.Recipe) { r.Output.Format = recipe.Parquet }, true},
		"the scorer":                {func(r *recipe.Recipe) { r.Output.Exports[0].Scorer = strings.Repeat("1", 64) }, true},
		"another export": {func(r *recipe.Recipe) {
			r.Output.Exports = append(r.Output.Exports, recipe.Export{Name: "sft", Format: recipe.ExportSFT})
		}, true},
		"the system prompt":          {func(r *recipe.Recipe) { r.Output.Exports[0].SystemPrompt = "Be brief." }, false},
		"what stands before turns":   {func(r *recipe.Recipe) { r.Output.Exports[0].Context = true }, false},
		"an instruction":             {func(r *recipe.Recipe) { r.Output.Exports[0].Instructions.Text = "Briefly." }, false},
		"the order":                  {func(r *recipe.Recipe) { r.Order = recipe.Interleaved }, false},
		"the shards":                 {func(r *recipe.Recipe) { r.Output.Shards = 2 }, false},
		"the scorer of one data set": {func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Record.Scorer = recipe.TextScorer }, false},
	} {
		if got := unit(c.edit) == plain; got != c.same {
			t.Errorf("%s leaves the key: %v", what, got)
		}
	}
}

// TestKeysOfKeptMembers: what is kept is in the key of the data set's split, and in those of mixed files where they are tables; the scorer
// is in no key but that of the publication, which tells the recipe.
func TestKeysOfKeptMembers(t *testing.T) {
	keys := func(format recipe.Format, change func(*recipe.Record)) map[string]string {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Format = format
		change(&r.Domains[0].Datasets[0].Record)
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		of := map[string]string{}
		for _, step := range graph.Steps {
			for _, unit := range step.Nodes {
				of[string(step.Stage)+" "+unit.Name] = unit.Key
			}
		}
		return of
	}
	for _, c := range []struct {
		what   string
		format recipe.Format
		change func(*recipe.Record)
		stages []string
	}{
		{"a scorer", recipe.JSONL, func(r *recipe.Record) { r.Scorer = recipe.FormulaScorer }, []string{"publish"}},
		{"a member", recipe.JSONL, func(r *recipe.Record) { r.Keep = []string{"a"} }, []string{"split", "balance", "mix", "publish"}},
		{"a member as a text", recipe.Parquet, func(r *recipe.Record) { r.KeepAsText = []string{"a"} }, []string{"split", "balance", "mix", "publish"}},
	} {
		before, after := keys(c.format, func(*recipe.Record) {}), keys(c.format, c.change)
		for name, key := range before {
			stage, unit, _ := strings.Cut(name, " ")
			changes := slices.Contains(c.stages, stage) && (stage != "split" || unit == recipes.Six(recipe.KeepTotal, recipe.KeepTotal).Domains[0].Datasets[0].Name)
			if (after[name] != key) != changes {
				t.Errorf("%s: the key of %s changes: %t", c.what, name, !changes)
			}
		}
	}
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Domains[0].Datasets[0].Record.Keep = []string{"a"}
	if columnsKey(r) != nil {
		t.Error("rows that are lines have columns")
	}
	if r.Output.Format = recipe.Parquet; !slices.Equal(columnsKey(r), []string{"a"}) {
		t.Errorf("the columns are %q", columnsKey(r))
	}
}

// TestShardsHaveKeysOfTheirOwn: no two files share a key, and a file of two is not a file of four.
func TestShardsHaveKeysOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for _, shards := range []int{1, 2, 4} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Shards = shards
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		step, _ := graph.Step(StageMix)
		for _, unit := range step.Nodes {
			if other, ok := seen[unit.Key]; ok {
				t.Errorf("%s of %d has the key of %s", unit.Name, shards, other)
			}
			seen[unit.Key] = unit.Name
		}
	}
}
