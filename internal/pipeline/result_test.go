package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// ofStage returns an empty result of a stage.
func ofStage(stage Stage) (r Result) {
	switch stage {
	case StageDownload:
		r.Download = &DownloadResult{}
	case StageSplit:
		r.Split = &SplitResult{}
	case StageBalance:
		r.Balance = &BalanceResult{}
	case StageMix:
		r.Mix = &MixResult{}
	case StagePublish:
		r.Publish = &PublishResult{}
	}
	return r
}

// TestOnly: a result is one of a stage if it holds what the stage reports, and nothing else.
func TestOnly(t *testing.T) {
	for _, held := range Stages() {
		for _, stage := range Stages() {
			if got := ofStage(held).Only(stage); got != (held == stage) {
				t.Errorf("a result of %s is only one of %s: %t", held, stage, got)
			}
			both := ofStage(held)
			both.Mix = &MixResult{}
			if held != StageMix && both.Only(stage) {
				t.Errorf("a result of %s and mix is only one of %s", held, stage)
			}
		}
		if (Result{}).Only(held) {
			t.Errorf("an empty result is one of %s", held)
		}
	}
}

// TestNodes: a node is found by its stage and name once its stage is reached, and its result once it is finished.
func TestNodes(t *testing.T) {
	r, byKey := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), map[string]Result{}
	start, err := Walk(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	graph, _ := walkToTheEnd(t, r, byKey)
	for _, step := range graph.Steps {
		for _, want := range step.Nodes {
			if got, found := graph.Node(step.Stage, want.Name); !found || got != want {
				t.Errorf("%s %s is %v, %t", step.Stage, want.Name, got, found)
			}
			if got, found := start.Node(step.Stage, want.Name); found != (step.Stage == StageDownload) || found && got != want {
				t.Errorf("before anything is downloaded %s %s is %v, %t", step.Stage, want.Name, got, found)
			}
		}
	}
	if node, found := graph.Node(StageSplit, "imdb"); found {
		t.Errorf("a data set that the recipe lacks is %v", node)
	}
	results := graph.Results(byKey)
	split, _ := graph.Node(StageSplit, "mbpp")
	if diff := cmp.Diff(byKey[split.Key].Split, results.Split("mbpp")); diff != "" || results.Split("mbpp") == nil {
		t.Errorf("how mbpp was split (-want +got):\n%s", diff)
	}
	if got := (Results{}).Balance(); got != nil {
		t.Errorf("without results the balance stage has %v", got)
	}
	if start := start.Results(nil); len(start) != 0 {
		t.Errorf("before anything is downloaded there are %v", start)
	}
}

// TestReports: mixed files report what the plan cannot know.
func TestReports(t *testing.T) {
	for _, c := range []struct {
		unit     recipe.ShareUnit
		resample recipe.Resample
		want     bool
	}{
		{"", "", false}, {"", recipe.Passes, false}, {"", recipe.WithReplacement, true},
		{recipe.InBytes, recipe.Passes, true}, {recipe.InTokens, recipe.Passes, true}, {recipe.InBytes, recipe.WithReplacement, true},
	} {
		if got := Reports(recipe.Recipe{Unit: c.unit, Resample: c.resample}); got != c.want {
			t.Errorf("with the unit %q and the resample %q files report: %t", c.unit, c.resample, got)
		}
	}
}

// TestExportedKey: the scorers that rows name are in the keys of exports for training by rewards, which carry them.
func TestExportedKey(t *testing.T) {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Domains = r.Domains[:1]
	r.Domains[0].Datasets[0].Record = recipe.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Scorer: "Text"}
	r.Domains[0].Datasets[1].Record = recipe.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text"}
	for format, want := range map[recipe.ExportFormat]map[string]recipe.Scorer{recipe.ExportRL: {"gsm8k": "Text"}, "other": nil} {
		if diff := cmp.Diff(&exported{Version: exportVersion, Name: "e", Format: format, Scorers: want}, exportedKey(r, recipe.Export{Name: "e", Format: format})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}
