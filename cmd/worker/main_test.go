package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

func small() recipe.Recipe {
	return recipe.Recipe{
		Name: "small", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "small", Format: recipe.JSONL, KeepRevisions: 1},
		Splits: []recipe.Split{{Name: "train", Share: 1, Size: recipe.Size{Policy: recipe.KeepTotal}}},
		Domains: []recipe.Domain{{Name: "math", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{
			Name: "sums", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "sums.jsonl"}}, Record: recipe.Record{Preset: "gsm8k"},
		}}}},
	}
}

// place is a pod whose folders lie in the test's own.
func place(t *testing.T) pod {
	root := t.TempDir()
	p := pod{
		task: filepath.Join(root, "task.json"), message: filepath.Join(root, "message"), volume: filepath.Join(root, "data"),
		claims: filepath.Join(root, "claims"), tokens: filepath.Join(root, "tokens"), index: "0",
	}
	for _, folder := range []string{p.volume, filepath.Join(p.claims, "corpora")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p pod) assign(t *testing.T, stage recipe.Stage, results map[string]recipe.Result) {
	t.Helper()
	graph, err := small().Walk(results)
	if err != nil {
		t.Fatal(err)
	}
	step, _ := graph.Step(stage)
	encoded, err := json.Marshal(contract.Task{Version: contract.TaskVersion, Stage: stage, Units: step.Units, Recipe: small(), Results: results})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.task, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p pod) report(t *testing.T) contract.Message {
	t.Helper()
	encoded, err := os.ReadFile(p.message)
	if err != nil {
		t.Fatal(err)
	}
	message, err := contract.ParseMessage(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// Every stage from the task that the one before makes possible, as the Jobs of a cluster do it.
func TestAllStagesThroughTasksAndMessages(t *testing.T) {
	p := place(t)
	if err := os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	results := map[string]recipe.Result{}
	for _, stage := range recipe.Stages() {
		p.assign(t, stage, results)
		if code := run(context.Background(), p); code != 0 {
			t.Fatalf("stage %s ended with code %d: %+v", stage, code, p.report(t).Failure)
		}
		message := p.report(t)
		if message.Stage != stage || message.Result == nil {
			t.Fatalf("stage %s reported %+v", stage, message)
		}
		results[message.Unit.Key] = *message.Result
	}
	graph, err := small().Walk(results)
	if err != nil || graph.Published == nil {
		t.Fatalf("the graph did not end: %v", err)
	}
	if _, err := os.Stat(filepath.Join(p.volume, "small", "current", contract.ManifestFile)); err != nil {
		t.Error(err)
	}
}

func TestFailuresReportTheirReasonAndExitCode(t *testing.T) {
	for what, c := range map[string]struct {
		spoil  func(*testing.T, *pod)
		reason contract.Reason
		text   string
	}{
		"no task":            {func(t *testing.T, p *pod) { p.task += "x" }, contract.InvalidTask, "cannot be read"},
		"no index":           {func(t *testing.T, p *pod) { p.index = "" }, contract.InvalidTask, contract.IndexVariable},
		"an index too large": {func(t *testing.T, p *pod) { p.index = "7" }, contract.InvalidTask, "none with index 7"},
		"half a task":        {func(t *testing.T, p *pod) { _ = os.WriteFile(p.task, []byte(`{"ver`), 0o600) }, contract.InvalidTask, "not JSON"},
		"a missing file":     {func(*testing.T, *pod) {}, contract.SourceNotFound, "data set sums"},
		"a bad row": {func(t *testing.T, p *pod) {
			_ = os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte("{"), 0o600)
		}, "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			p := place(t)
			p.assign(t, recipe.Download, nil)
			c.spoil(t, &p)
			code := run(context.Background(), p)
			if c.reason == "" {
				if code != 0 {
					t.Errorf("a download does not look into the file, and ended with %d", code)
				}
				return
			}
			message := p.report(t)
			if code != c.reason.ExitCode() || message.Failure == nil || message.Failure.Reason != c.reason || !strings.Contains(message.Failure.Message, c.text) {
				t.Errorf("code %d, failure %+v; want %s and %q", code, message.Failure, c.reason, c.text)
			}
		})
	}
}

func TestAMessageThatCannotBeWrittenIsAFailure(t *testing.T) {
	p := place(t)
	if err := os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p.assign(t, recipe.Download, nil)
	p.message = filepath.Join(p.volume, "no", "such", "folder")
	if code := run(context.Background(), p); code != contract.WorkerFailed.ExitCode() {
		t.Errorf("code %d", code)
	}
}

func TestCredentialsComeFromTheFileOfTheirDataSet(t *testing.T) {
	p := place(t)
	folder := filepath.Join(p.tokens, "sums")
	if err := os.MkdirAll(filepath.Join(folder, "token"), 0o755); err != nil { // a folder where a file should be
		t.Fatal(err)
	}
	dataset := small().Domains[0].Datasets[0]
	if _, err := p.sources()(dataset); contract.ReasonOf(err) != contract.AuthenticationFailed {
		t.Errorf("a token that cannot be read: %v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := p.sources()(dataset); err != nil {
		t.Errorf("no token at all: %v", err)
	}
}
