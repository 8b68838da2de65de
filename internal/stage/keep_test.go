package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// chats returns rows whose messages have white space, escapes and an order of their own; each third row has tools.
func chats(rows int) string {
	var out strings.Builder
	for i := range rows {
		tools := ""
		if i%3 == 0 {
			tools = fmt.Sprintf(`, "tools": [{"type": "function", "function": {"name": "f%d", "a": null}}]`, i)
		}
		fmt.Fprintf(&out, "{\"messages\": %s%s}\n", messages(i), tools)
	}
	return out.String()
}

func messages(i int) string {
	return fmt.Sprintf(`[{"role": "user", "content": "Hi %d, \u00e9\/"}, {"content": "Hello.",  "role": "assistant", "n": 1.50}]`, i)
}

func keeping() recipe.Recipe {
	r := recipes.Two()
	r.Domains[1].Datasets = append(slices.Clone(r.Domains[1].Datasets), recipe.Dataset{
		Name: "chats", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "chats.jsonl"}}, Record: recipe.Record{Preset: "messages", Rule: recipe.RecordRule},
	})
	return r
}

// keptRow is a row with the members that it keeps, as they stand there.
type keptRow struct {
	ID       string
	Question string
	Answer   string          `json:"reference_answer"`
	Messages json.RawMessage `json:"messages"`
	Tools    json.RawMessage `json:"tools"`
}

// Kept members are published byte for byte, in every format, and the revision proves.
func TestKeptMembersArePublishedAsTheyAre(t *testing.T) {
	for _, format := range recipes.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := filled(t)
			w.put("chats.jsonl", chats(90))
			r := keeping()
			r.Output.Format = format
			w.build(r)
			seen := 0
			for _, split := range r.Splits {
				for _, line := range w.unpacked(recipe.Shard{Split: split.Name, Count: 1}, format) {
					var row keptRow
					if err := json.Unmarshal([]byte(line), &row); err != nil {
						t.Fatal(err)
					}
					var n int
					if _, err := fmt.Sscanf(row.ID, "chats_%d", &n); err != nil {
						if row.Messages != nil {
							t.Errorf("%s keeps messages", row.ID)
						}
						continue
					}
					seen++
					want := keptRow{ID: row.ID, Question: fmt.Sprintf("Hi %d, é/", n), Answer: "Hello.", Messages: json.RawMessage(messages(n))}
					if n%3 == 0 {
						want.Tools = json.RawMessage(fmt.Sprintf(`[{"type": "function", "function": {"name": "f%d", "a": null}}]`, n))
					}
					if diff := cmp.Diff(want, row); diff != "" {
						t.Errorf("row %s:\n%s", row.ID, diff)
					}
				}
			}
			if seen < 90 {
				t.Errorf("%d rows of chats", seen)
			}
			if _, err := verify.Revision(context.Background(), filepath.Join(w.worker.Volume, "mix/revisions", w.current()), verify.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A member that no row has is a mistake in its name; one of a preset may be absent.
func TestAMemberThatNoRowHas(t *testing.T) {
	w := filled(t)
	w.put("chats.jsonl", strings.ReplaceAll(chats(90), `"tools"`, `"functions"`))
	r := keeping()
	w.build(r)
	r.Domains[1].Datasets[1].Record.KeepAsText = []string{"functions", "mesages"}
	w.fails(r, contract.InvalidData, `data set chats: none of the 90 rows has the member "mesages", which the record keeps`)
}

// What a record has compared beside the question is compared: a turn by itself, and what was rejected.
func TestOtherTextsAreDecontaminated(t *testing.T) {
	w := filled(t)
	w.put("chats.jsonl", chats(60)+`{"messages":[{"role":"user","content":"First of all."},{"role":"assistant","content":"A"},{"role":"user","content":"What is the exam?"},{"role":"assistant","content":"B"}]}`+"\n")
	w.put("pairs.jsonl", `{"prompt":"P1","chosen":"C1","rejected":"What is  the EXAM?"}`+"\n"+`{"prompt":"P2","chosen":"C2","rejected":"R2"}`+"\n"+`{"prompt":"P3","chosen":"what is the exam?","rejected":"R3"}`+"\n")
	w.put("exam.jsonl", `{"q":"What is the exam?"}`+"\n")
	r := keeping()
	pairs := r.Domains[1].Datasets[1]
	pairs.Name, pairs.Source, pairs.Record.Preset = "pairs", recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "pairs.jsonl"}}, "preference"
	r.Domains[1].Datasets = append(r.Domains[1].Datasets, pairs)
	r.Splits = r.Splits[:1]
	r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{{Name: "exam", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "exam.jsonl"}}, Question: "row.q"}}}
	w.build(r)
	for dataset, rows := range map[string][]int64{"chats": {60}, "pairs": {0, 2}} {
		var left []int64
		for _, row := range w.leftOut("qa", dataset) {
			if left = append(left, row.Row); row.Reason != "contaminated" || row.Probe != "exam" {
				t.Errorf("%s: %+v", dataset, row)
			}
		}
		if diff := cmp.Diff(rows, left); diff != "" {
			t.Errorf("%s, left out:\n%s", dataset, diff)
		}
	}
	if got := len(strings.Split(strings.TrimSpace(w.read("mix/current/raw/qa/pairs.jsonl")), "\n")); got != 1 {
		t.Errorf("%d pairs stay", got)
	}
}
