package look

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	sources "github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

// folder returns a source of files with the given contents.
func folder(t *testing.T, files map[string]string) (source.Source, recipe.Source) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spec := recipe.Source{Volume: &recipe.Volume{ClaimName: "mine"}}
	from, err := sources.New(spec, sources.Options{Volume: volume.Options{Claims: map[string]string{"mine": dir}}})
	if err != nil {
		t.Fatal(err)
	}
	return from, spec
}

func text(question string) recipe.Record {
	return recipe.Record{Rule: recipe.RecordRule, Question: question, ReferenceAnswer: "row.a", AnswerType: "text"}
}

const questions = `{"q":"One?","a":"1","level":"easy"}
{"q":"Two?","a":"2","level":"hard"}
{"q":"Three?","a":"","level":"hard"}
not JSON
{"q":"Five?","a":"5"}
`

// TestOf: what is kept, left out and bad, what is shown, and which names are mistyped.
func TestOf(t *testing.T) {
	from, spec := folder(t, map[string]string{"rows.jsonl": questions})
	one := `{"id":"d_0","dataset":"d","domain":"all","question":"One?","reference_answer":"1","answer_type":"text","metadata":{"source":"d","original_id":"0"}}`
	seen := Dataset{Name: "d", Domain: "all", Source: "volume mine", Files: 1, Read: 5, Whole: true, Members: []string{"q", "a", "level"}}
	for _, test := range []struct {
		what   string
		record recipe.Record
		read   recipe.Read
		limits Limits
		want   func(*Dataset)
	}{
		{"all rows", text("row.q"), recipe.Read{}, Limits{Show: 1}, func(d *Dataset) {
			d.Kept, d.Rows = 3, append(d.Rows, []byte(one))
			d.Dropped = []Drop{{Reason: "no-answer", Rows: 1, Fails: true}, {Reason: "malformed", Rows: 1, Fails: true}}
		}},
		{"bad rows are skipped", text("row.q"), recipe.Read{OnBadRow: recipe.SkipBadRow}, Limits{}, func(d *Dataset) {
			d.Kept, d.Dropped = 3, []Drop{{Reason: "no-answer", Rows: 1}, {Reason: "malformed", Rows: 1}}
		}},
		{"the first two", text("row.q"), recipe.Read{}, Limits{Rows: 2, Show: 1}, func(d *Dataset) {
			d.Read, d.Whole, d.Kept, d.Rows = 2, false, 2, append(d.Rows, []byte(one))
		}},
		{"where", func() recipe.Record { r := text("row.q"); r.Where = `row.?level == "easy"`; return r }(), recipe.Read{OnBadRow: recipe.SkipBadRow}, Limits{}, func(d *Dataset) {
			d.Kept, d.Dropped = 1, []Drop{{Reason: "where", Rows: 3}, {Reason: "malformed", Rows: 1}}
		}},
		{"a mistyped member", text("row.levels"), recipe.Read{}, Limits{Near: cli.Closest}, func(d *Dataset) {
			d.Dropped = []Drop{{Reason: "missing-field", Rows: 4, Fails: true}, {Reason: "malformed", Rows: 1, Fails: true}}
			d.Missing = []Missing{{Name: "levels", Near: "level"}}
		}},
		{"an optional member that is mistyped, and one that is just not there", text(`row.?levels.orValue(row.?hint.orValue(row.q))`), recipe.Read{OnBadRow: recipe.SkipBadRow}, Limits{Near: cli.Closest}, func(d *Dataset) {
			d.Kept, d.Dropped = 3, []Drop{{Reason: "no-answer", Rows: 1}, {Reason: "malformed", Rows: 1}}
			d.Missing = []Missing{{Name: "levels", Near: "level", Optional: true}}
		}},
	} {
		t.Run(test.what, func(t *testing.T) {
			got, err := Of(t.Context(), from, recipe.Dataset{Name: "d", Source: spec, Record: test.record, Read: test.read}, "all", test.limits)
			if err != nil {
				t.Fatal(err)
			}
			for i, drop := range got.Dropped {
				if drop.Reason != "where" && !strings.HasPrefix(drop.First, "rows.jsonl, line ") {
					t.Errorf("%s: the first is %q", drop.Reason, drop.First)
				}
				got.Dropped[i].First = ""
			}
			want := seen
			test.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOfFails: errors are those of the source and of the record; a file that cannot be read on is in the result.
func TestOfFails(t *testing.T) {
	from, spec := folder(t, map[string]string{"rows.jsonl": "\x00\x01 binary"})
	got, err := Of(t.Context(), from, recipe.Dataset{Name: "d", Source: spec, Record: text("row.q")}, "all", Limits{})
	if err != nil || got.Problem == "" || got.Read != 0 {
		t.Errorf("a binary file: %+v, %v", got, err)
	}
	if _, err := Of(t.Context(), from, recipe.Dataset{Name: "d", Source: spec, Record: text("row.q +")}, "all", Limits{}); contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("a record that does not compile: %v", err)
	}
	empty, _ := folder(t, nil)
	if _, err := Of(t.Context(), empty, recipe.Dataset{Name: "d", Source: spec, Record: text("row.q")}, "all", Limits{}); err == nil {
		t.Error("a folder without files")
	}
}

// TestOfAHub: Parquet files on another host, and the presets of the sample.
func TestOfAHub(t *testing.T) {
	standIn := hub.New(hub.Options{}, repos.Generated(0.05)...)
	var env sources.Options
	env.Hub.Endpoint = hub.Start(t, standIn)
	for _, c := range []struct{ repo, revision, config, split, preset string }{
		{"openai/gsm8k", repos.GSM8KCommit, "main", "train", "gsm8k"},
		{"rajpurkar/squad_v2", repos.SQuADCommit, "squad_v2", "train", "squad2"},
		{"hotpotqa/hotpot_qa", repos.HotpotCommit, "distractor", "train", "hotpotqa"},
		{"openai/openai_humaneval", repos.HumanEvalCommit, "openai_humaneval", "test", "humaneval"},
		{"google-research-datasets/mbpp", repos.MBPPCommit, "sanitized", "train", "mbpp"},
	} {
		t.Run(c.repo, func(t *testing.T) {
			spec := recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: c.repo, Revision: c.revision, Config: c.config, Split: c.split}}
			from, err := sources.New(spec, env)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := Of(t.Context(), from, recipe.Dataset{Name: "d", Source: spec, Record: recipe.Record{Preset: recipe.PresetVersion(c.preset), Rule: recipe.RecordRule}}, "all", Limits{Rows: 50, Show: 2})
			if err != nil {
				t.Fatal(err)
			}
			if seen.Read < 5 || seen.Kept != seen.Read || len(seen.Rows) != 2 || seen.Revision != c.revision || seen.Problem != "" {
				t.Errorf("%+v", seen)
			}
			if len(seen.Presets) == 0 || !strings.HasPrefix(seen.Presets[0], c.preset) {
				t.Errorf("presets %q, want %s first", seen.Presets, c.preset)
			}
		})
	}
}

// TestGuess: files as people have them, and the records that are made of them.
func TestGuess(t *testing.T) {
	expressions := func(question, answer, answerType, where string) Guess {
		return Guess{Sure: true, Record: recipe.Record{Rule: recipe.RecordRule, Question: question, ReferenceAnswer: answer, AnswerType: answerType, Where: where}}
	}
	chat := `{"messages":[{"role":"user","content":"Q %d"},{"role":"assistant","content":"A"}],"topic":"x"}`
	for _, test := range []struct {
		what, name, row string
		want            Guess
	}{
		{"chats", "a.jsonl", chat, Guess{Sure: true, Preset: "messages"}},
		{"ShareGPT", "a.jsonl", `{"conversations":[{"from":"human","value":"Q %d"},{"from":"gpt","value":"A"}]}`, Guess{Sure: true, Preset: "sharegpt"}},
		{"pairs", "a.csv", "prompt,chosen,rejected\nQ %d,good,bad", Guess{Sure: true, Preset: "preference"}},
		{"Alpaca", "a.jsonl", `{"instruction":"Do %d.","input":"","output":"Done."}`, Guess{Sure: true, Preset: "alpaca"}},
		{"GSM8K", "a.jsonl", `{"question":"Q %d","answer":"so\n#### 1"}`, Guess{Sure: true, Preset: "gsm8k"}},
		{"plain text", "a.jsonl", `{"text":"T %d"}`, Guess{Sure: true, Preset: "text"}},
		{"a question and a text", "a.csv", "id,question,answer\n7,Q %d,A", expressions("row.question", "row.answer", "text", "")},
		{"a prompt and a number", "a.jsonl", `{"prompt":"Q %d","answer":7}`, expressions("row.prompt", "row.answer", "numeric", "")},
		{"numbers with commas", "a.csv", "query,target\nQ %d,\"1,000\"", expressions("row.query", "row.target", "numeric", "")},
		{"a prompt of turns", "a.jsonl", `{"prompt":[{"role":"user","content":"Q %d"}],"solution":"A"}`, expressions(`row.prompt.turns("user").join("\n\n")`, "row.solution", "text", "")},
		{"programs", "a.jsonl", `{"task":"T %d","solution":"def f():\n    pass"}`, expressions("row.task", "row.solution", "code", "")},
		{"a prompt alone", "a.jsonl", `{"prompt":"Q %d","n":1}`, Guess{Record: recipe.Record{Rule: recipe.RecordRule, Question: "row.prompt", ReferenceAnswer: "row.n", AnswerType: "numeric"}}},
		{"names that say nothing", "a.csv", "a b,c\nA long text %d,short", Guess{Record: recipe.Record{Rule: recipe.RecordRule, Question: `row["a b"]`, ReferenceAnswer: "row.c", AnswerType: "text"}}},
		{"nothing that is text", "a.jsonl", `{"n":%d}`, Guess{}},
	} {
		t.Run(test.what, func(t *testing.T) {
			head, row, table := strings.Cut(test.row, "\n")
			var content strings.Builder
			if !table || strings.HasSuffix(test.name, ".jsonl") {
				row = test.row
			} else {
				content.WriteString(head + "\n")
			}
			for i := range 5 {
				fmt.Fprintf(&content, row+"\n", i)
			}
			from, _ := folder(t, map[string]string{test.name: content.String()})
			got := guessed(t, from)
			got.Others = nil
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Guess{}, "Question", "Answer")); diff != "" {
				t.Error(diff)
			}
		})
	}
	from, _ := folder(t, map[string]string{"a.jsonl": `{"question":"a","answer":"x"}` + "\n" + `{"question":"b","answer":" "}` + "\n" + `{"question":"c"}` + "\n"})
	if got := guessed(t, from); got.Record.Where != `row.?answer.orValue("").trim() != ""` || got.Question != "question" || got.Answer != "answer" {
		t.Errorf("rows without an answer: %+v", got)
	}
}

func guessed(t *testing.T, from source.Source) Guess {
	t.Helper()
	listing, err := from.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sample, err := Take(context.Background(), from, listing.Files)
	if err != nil || len(sample.lines) == 0 {
		t.Fatalf("%d rows, %v", len(sample.lines), err)
	}
	guess, err := sample.Guess(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return guess
}
