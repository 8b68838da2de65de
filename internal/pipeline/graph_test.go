package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// countsOfSix returns the rows of the six data sets after the split.
func countsOfSix() plan.Counts {
	counts := plan.Counts{}
	for name, rows := range recipes.SixRows() {
		counts[name] = plan.Count{Rows: rows}
	}
	return counts
}

// pretend finishes the missing units of a step with results that depend on the unit's key alone.
func pretend(r recipe.Recipe, step Step, graph Graph, results map[string]Result) {
	counts := countsOfSix()
	if r.Measured() { // every row has 10 units
		for name, count := range counts {
			counts[name] = plan.Count{Rows: count.Rows, Units: []int64{10 * count.Rows[0], 10 * count.Rows[1]}}
		}
	}
	for _, unit := range step.Missing {
		switch step.Stage {
		case StageDownload:
			results[unit.Key] = Result{Download: &DownloadResult{Revision: "r", Files: 1, Bytes: 10, Digest: "d" + unit.Key}}
		case StageSplit:
			rows := counts[unit.Name].Rows
			results[unit.Key] = Result{Split: &SplitResult{Read: rows[0] + rows[1], Rows: rows, Units: counts[unit.Name].Units, Digest: "s" + unit.Key}}
		case StageBalance:
			planned, err := plan.New(r, counts)
			if err != nil {
				panic(err)
			}
			results[unit.Key] = Result{Balance: &BalanceResult{Plan: planned.Digest()}}
		case StageMix:
			shard, _ := r.Shard(unit.Name)
			split, _ := graph.Plan.Split(shard.Split)
			results[unit.Key] = Result{Mix: &MixResult{Rows: split.Rows, Digest: "m" + unit.Key}}
		case StagePublish:
			results[unit.Key] = Result{Publish: &PublishResult{Revision: RevisionName(unit.Key)}}
		}
	}
}

// walkToTheEnd builds everything that is missing and says what that was.
func walkToTheEnd(t *testing.T, r recipe.Recipe, results map[string]Result) (Graph, []string) {
	t.Helper()
	var built []string
	for {
		graph, err := Walk(r, results)
		if err != nil {
			t.Fatal(err)
		}
		step := graph.Next()
		if step == nil {
			return graph, built
		}
		for _, unit := range step.Missing {
			built = append(built, fmt.Sprintf("%s %s", step.Stage, unit.Name))
		}
		pretend(r, *step, graph, results)
	}
}

func TestWalkReachesEveryStageInOrder(t *testing.T) {
	graph, built := walkToTheEnd(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), map[string]Result{})
	want := []string{
		"download gsm8k", "download hotpotqa", "download humaneval", "download math", "download mbpp", "download squad2",
		"split gsm8k", "split hotpotqa", "split humaneval", "split math", "split mbpp", "split squad2",
		"balance grpo-six", "mix train", "mix test", "publish grpo-six",
	}
	if !slices.Equal(built, want) {
		t.Errorf("built %v,\nwant  %v", built, want)
	}
	if graph.Published == nil || graph.Plan == nil || len(graph.Published.Revision) != revisionLength {
		t.Errorf("the end of the graph is %+v", graph)
	}
}

// What each edit of a manifest builds again is the promise of incremental builds.
func TestEachEditRebuildsOnlyWhatDependsOnIt(t *testing.T) {
	all := func(stage string) []string {
		var out []string
		for _, name := range recipes.Six(recipe.KeepTotal, recipe.KeepTotal).DatasetNames() {
			out = append(out, stage+" "+name)
		}
		return out
	}
	end := []string{"balance grpo-six", "mix train", "mix test", "publish grpo-six"}
	for _, c := range []struct {
		what   string
		change func(*recipe.Recipe)
		want   []string
	}{
		{"nothing", func(*recipe.Recipe) {}, nil},
		{"the folder and the revisions kept", func(r *recipe.Recipe) { r.Output.Path, r.Output.KeepRevisions = "elsewhere", 9 }, nil},
		{"a domain's share", func(r *recipe.Recipe) { r.Domains[0].Share = 5 }, end},
		{"the balance of a domain that repeats nothing anyway", func(r *recipe.Recipe) { r.Domains[1].Balance = recipe.Smallest }, []string{"balance grpo-six", "publish grpo-six"}},
		{"the size of the test split", func(r *recipe.Recipe) { r.Splits[1].Size.Policy = recipe.SmallestPool }, []string{"balance grpo-six", "mix test", "publish grpo-six"}},
		{"the order", func(r *recipe.Recipe) { r.Order = recipe.Interleaved }, []string{"mix train", "mix test", "publish grpo-six"}},
		{"the order of declaration", func(r *recipe.Recipe) { slices.Reverse(r.Domains) }, []string{"publish grpo-six"}},
		{"a cap that is kept", func(r *recipe.Recipe) { r.MaxRepeats = 200 }, []string{"balance grpo-six", "publish grpo-six"}},
		{"the seed", func(r *recipe.Recipe) { r.Seed = 43 }, append(all("split"), end...)},
		{"the ratio of the splits", func(r *recipe.Recipe) { r.Splits[0].Share = 9 }, append(all("split"), end...)},
		{"one data set's preset", func(r *recipe.Recipe) { r.Domains[1].Datasets[1].Record.Preset = "hotpotqa-context" }, append([]string{"split hotpotqa"}, end...)},
		{"how one data set is read", func(r *recipe.Recipe) {
			r.Domains[0].Datasets[1].Read = recipe.Read{Path: "data", OnBadRow: recipe.SkipBadRow}
		}, append([]string{"split math"}, end...)},
		{"the unit of shares", func(r *recipe.Recipe) { r.Unit = recipe.InBytes }, append(all("split"), end...)},
		{"how duplicates are treated", func(r *recipe.Recipe) { r.Duplicates = recipe.DropDuplicates }, end},
		{"how near duplicates are treated", func(r *recipe.Recipe) {
			r.NearDuplicates = &recipe.NearDuplicates{N: 5, Bands: 20, Rows: 5, Percent: 80}
		}, end},
		{"how rows are drawn", func(r *recipe.Recipe) { r.Resample = recipe.WithReplacement }, end},
		{"what to decontaminate against", func(r *recipe.Recipe) { *r = recipes.Contaminated(*r) }, append(append([]string{"download probe-a", "download probe-b"}, all("split")...), end...)},
		{"the format", func(r *recipe.Recipe) { r.Output.Format = recipe.Parquet }, []string{"mix train", "mix test", "publish grpo-six"}},
		{"the policy", func(r *recipe.Recipe) {
			r.Policy = &recipe.Policy{Licenses: []string{"mit"}, UnknownLicenses: recipe.AllowUnknown}
		}, nil},
		{"the layout", func(r *recipe.Recipe) { r.Output.Layout = recipe.LayoutRule }, []string{"publish grpo-six"}},
		{"the number of shards", func(r *recipe.Recipe) { r.Output.Shards = 2 }, []string{"mix train.00000", "mix train.00001", "mix test.00000", "mix test.00001", "publish grpo-six"}},
		{"one data set's source", func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Source.Volume.Path = "new" }, append([]string{"download gsm8k", "split gsm8k"}, end...)},
		{"what a revision holds", func(r *recipe.Recipe) { r.Output.Keep = []recipe.RevisionPart{recipe.RawPart, recipe.MixedPart} }, []string{"publish grpo-six"}},
		{"an export in place of the mixed files", func(r *recipe.Recipe) {
			r.Output.Keep = []recipe.RevisionPart{recipe.RawPart, recipe.ProcessedPart, recipe.TestPart}
			r.Output.Exports = []recipe.Export{{Name: "sft", Format: recipe.ExportSFT}}
		}, []string{"mix sft/train", "mix sft/test", "publish grpo-six"}},
		{"no file of all rows", func(r *recipe.Recipe) {
			r.Output.Keep = []recipe.RevisionPart{recipe.ProcessedPart, recipe.MixedPart, recipe.TestPart}
		}, append(all("split"), end...)},
	} {
		results := map[string]Result{}
		walkToTheEnd(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), results)
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		c.change(&r)
		if _, built := walkToTheEnd(t, r, results); !slices.Equal(built, c.want) {
			t.Errorf("%s: built %v, want %v", c.what, built, c.want)
		}
	}
}

// What each edit of a manifest that already uses the newer fields builds again.
func TestEachEditOfNewerFieldsRebuildsOnlyWhatDependsOnIt(t *testing.T) {
	rich := func() recipe.Recipe {
		r := recipes.Contaminated(recipes.Six(recipe.KeepTotal, recipe.KeepTotal))
		r.Unit, r.Tokenizer = recipe.InTokens, recipe.Tokenizer{File: "tokenizers/a.json", SHA256: "aa"}
		r.NearDuplicates = &recipe.NearDuplicates{N: 5, Bands: 20, Rows: 5, Percent: 80}
		r.Output.Shards = 2
		return r
	}
	all := func(stage string) (out []string) {
		for _, name := range recipes.Six(recipe.KeepTotal, recipe.KeepTotal).DatasetNames() {
			out = append(out, stage+" "+name)
		}
		return out
	}
	mixes := []string{"mix train.00000", "mix train.00001", "mix test.00000", "mix test.00001", "publish grpo-six"}
	end := append([]string{"balance grpo-six"}, mixes...)
	for _, c := range []struct {
		what   string
		change func(*recipe.Recipe)
		want   []string
	}{
		{"nothing", func(*recipe.Recipe) {}, nil},
		{"the order of the probes", func(r *recipe.Recipe) { slices.Reverse(r.Decontaminate.Against) }, []string{"publish grpo-six"}},
		{"a probe's source", func(r *recipe.Recipe) { r.Decontaminate.Against[1].Source.Volume.Path = "new" }, append(append([]string{"download probe-b"}, all("split")...), end...)},
		{"a probe's question", func(r *recipe.Recipe) { r.Decontaminate.Against[0].Question = "row.q" }, append(all("split"), end...)},
		{"how a probe is read", func(r *recipe.Recipe) { r.Decontaminate.Against[0].Read.Path = "data" }, append(all("split"), end...)},
		{"the n-grams", func(r *recipe.Recipe) { r.Decontaminate.NGrams = &recipe.NGrams{N: 13, Percent: 50} }, append(all("split"), end...)},
		{"where the tokenizer lies", func(r *recipe.Recipe) { r.Tokenizer.File = "elsewhere.json" }, []string{"publish grpo-six"}},
		{"another tokenizer", func(r *recipe.Recipe) { r.Tokenizer = recipe.Tokenizer{Encoding: "o200k_base"} }, append(all("split"), end...)},
		{"how near a duplicate is", func(r *recipe.Recipe) { r.NearDuplicates.Percent = 90 }, end},
		{"the size of the test split", func(r *recipe.Recipe) { r.Splits[1].Size.Policy = recipe.SmallestPool }, []string{"balance grpo-six", "mix test.00000", "mix test.00001", "publish grpo-six"}},
		{"the number of shards", func(r *recipe.Recipe) { r.Output.Shards = 1 }, []string{"mix train", "mix test", "publish grpo-six"}},
	} {
		results := map[string]Result{}
		walkToTheEnd(t, rich(), results)
		r := rich()
		c.change(&r)
		if _, built := walkToTheEnd(t, r, results); !slices.Equal(built, c.want) {
			t.Errorf("%s: built %v, want %v", c.what, built, c.want)
		}
	}
}

func TestWalkFindsContradictions(t *testing.T) {
	r, results := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), map[string]Result{}
	graph, _ := walkToTheEnd(t, r, results)
	balance, _ := graph.Step(StageBalance)
	key := balance.Nodes[0].Key
	results[key] = Result{Balance: &BalanceResult{Plan: "0f00"}}
	if _, err := Walk(r, results); err == nil || !strings.Contains(err.Error(), "0f00") {
		t.Errorf("a foreign plan gave %v", err)
	}
	// All rows of a data set dropped as overlap: infeasible, and said so.
	overlap := [][]int64{make([]int64, 6), make([]int64, 6)}
	overlap[0][2] = 137 // humaneval
	results[key] = Result{Balance: &BalanceResult{Plan: "other", Overlap: overlap}}
	var infeasible *plan.InfeasibleError
	if _, err := Walk(r, results); !errors.As(err, &infeasible) {
		t.Errorf("a data set that lost all rows gave %v", err)
	}
	// A result of the wrong kind is none.
	results[key] = Result{Mix: &MixResult{}}
	again, err := Walk(r, results)
	if err != nil || again.Next() == nil || again.Next().Stage != StageBalance {
		t.Errorf("a result of another stage was taken: %+v, %v", again.Next(), err)
	}
}

// TestResultsMustFitTheRecipe: whoever changes a result, in a ConfigMap or a manifest, gets an error and no panic.
func TestResultsMustFitTheRecipe(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Unit = recipe.InBytes
	good := map[string]Result{}
	graph, _ := walkToTheEnd(t, r, good)
	step, _ := graph.Step(StageSplit)
	divided := *good[step.Nodes[0].Key].Split
	none := []int64{0, 0, 0, 0, 0, 0}
	facts := regexp.MustCompile(`\b(split|balance|gsm8k|grpo-six|rows|bytes|overlap|duplicate|nearDuplicate)\b|-?\b\d+`)
	for want, change := range map[string]func(d *SplitResult, b *BalanceResult){
		"split gsm8k rows 1 2":           func(d *SplitResult, _ *BalanceResult) { d.Rows = d.Rows[:1] },
		"split gsm8k -1":                 func(d *SplitResult, _ *BalanceResult) { d.Rows = []int64{1, -1} },
		"split gsm8k bytes 0 2":          func(d *SplitResult, _ *BalanceResult) { d.Units = nil },
		"split gsm8k -5":                 func(d *SplitResult, _ *BalanceResult) { d.Units = []int64{-5, 1} },
		"balance grpo-six overlap 1 2":   func(_ *SplitResult, b *BalanceResult) { b.Overlap = DroppedRows{none} },
		"balance grpo-six duplicate 5 6": func(_ *SplitResult, b *BalanceResult) { b.Duplicates = DroppedRows{none, none[:5]} },
		"balance grpo-six -7":            func(_ *SplitResult, b *BalanceResult) { b.NearDuplicates = DroppedRows{none, {-7, 0, 0, 0, 0, 0}} },
		"balance grpo-six bytes 3 2":     func(_ *SplitResult, b *BalanceResult) { b.Units = [][]int64{none, none, none} },
		"gsm8k balance rows":             func(_ *SplitResult, b *BalanceResult) { b.Overlap = DroppedRows{{99999, 0, 0, 0, 0, 0}, none} },
	} {
		d, b := divided, BalanceResult{}
		change(&d, &b)
		changed := maps.Clone(good)
		changed[step.Nodes[0].Key] = Result{Split: &d}
		balance, _ := graph.Step(StageBalance)
		changed[balance.Nodes[0].Key] = Result{Balance: &b}
		if _, err := Walk(r, changed); err == nil || strings.Join(facts.FindAllString(err.Error(), -1), " ") != want {
			t.Errorf("the error is %v, want the facts %q", err, want)
		}
	}
}

// Keys are published: folders on users' volumes and names of Jobs are made of them. A change must be meant, and must come
// with a raised version of the stage.
func TestKeysDoNotChange(t *testing.T) {
	graph, _ := walkToTheEnd(t, recipes.Six(recipe.KeepTotal, recipe.KeepTotal), map[string]Result{})
	want := map[Stage]string{
		StageDownload: "89cb5031a31aca7cc0470189179e31c0a085cb4de77ca82936b64cfe812985bd", StageSplit: "9dbbc0a0a3d52455a229c8c5bce35faa7b2cc5bf2151e879f5e0e3b4a62c979f", StageBalance: "0b2d4c7b7abc521829cd1caad8af04218f89adea5caf961fb28c3b08574cf05d", StageMix: "c8e7ab498362370c4936de511953822638e372fa8ad3d7d9da4caaea65518c6f", StagePublish: "a5555e865ff42380e4352a4a447b8da5eb6aeb8a64d7f8dd6213fa23cc5378a5",
	}
	for _, step := range graph.Steps {
		if got := step.Nodes[0].Key; got != want[step.Stage] {
			t.Errorf("%s: the first key is %s, want %s", step.Stage, got, want[step.Stage])
		}
	}
}

func TestCountsAndLookups(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	results := Results{}
	for name, count := range countsOfSix() {
		results.Add(StageSplit, name, Result{Split: &SplitResult{Rows: count.Rows}})
	}
	overlap := [][]int64{{0, 0, 0, 0, 0, 4}, {0, 0, 0, 0, 0, 0}}
	if got := Remaining(r, results, BalanceResult{Overlap: overlap})["squad2"].Rows; !slices.Equal(got, []int64{72995, 14600}) {
		t.Errorf("squad2 keeps %v", got)
	}
	if got := results.Split("squad2").Rows[0]; got != 72999 {
		t.Errorf("Remaining changed its argument: %d", got)
	}
	if _, _, ok := r.Dataset("nobody"); ok {
		t.Error("found a data set that is not there")
	}
	if _, domain, ok := r.Dataset("mbpp"); !ok || domain.Name != "code" {
		t.Errorf("mbpp is in %q", domain.Name)
	}
	if _, ok := (plan.Plan{}).Split("train"); ok {
		t.Error("found a split in an empty plan")
	}
	if _, ok := (Graph{}).Node(StageMix, "train"); ok {
		t.Error("found a node in an empty graph")
	}
	if _, ok := (Graph{}).Step(StageMix); ok {
		t.Error("found a step in an empty graph")
	}
	if got := (recipe.Recipe{Splits: r.Splits[:1]}).EvaluationSplit(); got != "" {
		t.Errorf("a mix of one split evaluates on %q", got)
	}
	if got := r.EvaluationSplit(); got != "test" {
		t.Errorf("evaluation split %q", got)
	}
}

// A data set can be split as soon as it is there, unless a probe is missing.
func TestAhead(t *testing.T) {
	r := recipes.Contaminated(recipes.Six(recipe.KeepTotal, recipe.KeepTotal))
	results := map[string]Result{}
	finished, _ := walkToTheEnd(t, r, map[string]Result{})
	split, _ := finished.Step(StageSplit)
	download, _ := finished.Step(StageDownload)
	arrive := func(name string) {
		i := slices.IndexFunc(download.Nodes, func(u Node) bool { return u.Name == name })
		results[download.Nodes[i].Key] = Result{Download: &DownloadResult{Revision: "r", Files: 1, Bytes: 10, Digest: "d" + download.Nodes[i].Key}}
	}
	arrive("math")
	arrive("probe-a")
	if ahead := Ahead(r, results); len(ahead) > 0 {
		t.Errorf("with a probe missing: %v", ahead)
	}
	arrive("probe-b")
	arrive("squad2")
	want := slices.DeleteFunc(slices.Clone(split.Nodes), func(u Node) bool { return u.Name != "math" && u.Name != "squad2" })
	if ahead := Ahead(r, results); !slices.Equal(ahead, want) || len(want) != 2 {
		t.Errorf("ahead are %v, want %v", ahead, want)
	}
	results[want[0].Key] = Result{Split: &SplitResult{}}
	if ahead := Ahead(r, results); !slices.Equal(ahead, want[1:]) {
		t.Errorf("after one: %v, want %v", ahead, want[1:])
	}
}
