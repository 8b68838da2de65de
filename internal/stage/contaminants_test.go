package stage

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// probed returns two, decontaminated against two probes on the claim.
func probed(ngrams *recipe.NGrams) recipe.Recipe {
	probe := func(name, question string) recipe.Probe {
		return recipe.Probe{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: name + ".jsonl"}}, Question: question}
	}
	r := recipes.Two()
	r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{probe("quiz", "row.prompt"), probe("exam", "row.text")}, NGrams: ngrams}
	return r
}

// leftOut returns the listed rows of a data set.
func (w *world) leftOut(domain, dataset string) (rows []revision.DroppedSourceRow) {
	w.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(w.read("mix/current/"+revision.DroppedSourceFile(domain, dataset))), "\n") {
		var row revision.DroppedSourceRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			w.t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// Equal after normalization, and by n-grams: counted by reason, listed with the probe's name, in no published split.
func TestContaminatedRowsAreLeftOut(t *testing.T) {
	w := filled(t)
	long := "a train leaves the station at noon and travels north for three hours before it stops at a small town with one clock"
	w.put("sums.jsonl", recipes.Sums("What is the sum of", 120)+`{"question":"So: `+long+`. When?","answer":"#### 3"}`+"\n")
	w.put("quiz.jsonl", `{"prompt":"WHO is   5 ?"}`+"\n"+`{"prompt":"what is the sum of 7"}`+"\n"+`{"prompt":"Unlike any other"}`+"\n")
	w.put("exam.jsonl", `{"text":"Who is 5"}`+"\n"+`{"text":"Who is 44?"}`+"\n"+`{"text":"`+long+`"}`+"\n")
	for what, c := range map[string]struct {
		ngrams *recipe.NGrams
		sums   map[string]int64
		want   []revision.DroppedSourceRow
	}{
		"equal questions alone": {nil, map[string]int64{"contaminated": 1}, []revision.DroppedSourceRow{{Row: 7, File: 1, Reason: "contaminated", Probe: "quiz"}}},
		"with 13-grams": {&recipe.NGrams{N: 13, Percent: 50}, map[string]int64{"contaminated": 1, "contaminated-ngrams": 1}, []revision.DroppedSourceRow{
			{Row: 7, File: 1, Reason: "contaminated", Probe: "quiz"}, {Row: 120, File: 1, Reason: "contaminated-ngrams", Probe: "exam"}}},
	} {
		t.Run(what, func(t *testing.T) {
			r := probed(c.ngrams)
			if diff := cmp.Diff(c.sums, w.divided(r, "sums").Dropped); diff != "" {
				t.Errorf("sums, dropped (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.want, w.leftOut("math", "sums")); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
			// A question of two probes is the one's whose name sorts first.
			if diff := cmp.Diff([]revision.DroppedSourceRow{{Row: 5, File: 1, Reason: "contaminated", Probe: "exam"}, {Row: 44, File: 1, Reason: "contaminated", Probe: "exam"}}, w.leftOut("qa", "facts")); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
			for _, split := range []string{"train", "test"} {
				for _, row := range w.records("mixed/" + split + "_mixed.jsonl") {
					if row.Question == "Who is 5?" || row.Question == "Who is 44?" || row.Question == "What is the sum of 7?" {
						t.Errorf("%s stands in %s", row.Question, split)
					}
				}
			}
			if got := w.divided(r, "products").Dropped; got != nil {
				t.Errorf("products lost %v", got)
			}
		})
	}
}

// The order of the probes means nothing, and neither do their files' names; other questions build the splits again.
func TestDecontaminationIsReproducible(t *testing.T) {
	w := filled(t)
	w.put("quiz.jsonl", `{"prompt":"Who is 5?"}`+"\n")
	w.put("exam.jsonl", `{"text":"Who is 5?"}`+"\n")
	published := w.build(probed(nil)).Published.Revision
	other := probed(nil)
	against := other.Decontaminate.Against
	against[0], against[1] = against[1], against[0]
	w.build(other)
	if w.leftOut("qa", "facts")[0].Probe != "exam" {
		t.Error("another order of the probes lists another one")
	}
	w.put("renamed.jsonl", `{"prompt":"Who is 5?"}`+"\n")
	other = probed(nil)
	other.Decontaminate.Against[0].Source.Volume.Path = "renamed.jsonl"
	first := w.splitFolder(probed(nil), "sums")
	if again := w.splitFolder(other, "sums"); again != first {
		t.Error("another name of a probe's file is another split")
	}
	w.put("more.jsonl", `{"prompt":"Who is 6?"}`+"\n")
	other.Decontaminate.Against[0].Source.Volume.Path = "more.jsonl"
	if again := w.splitFolder(other, "sums"); again == first {
		t.Error("another question of a probe is the same split")
	}
	if published == "" {
		t.Error("nothing was published")
	}
}

// What is wrong with a probe fails with its name.
func TestBadProbes(t *testing.T) {
	good := `{"prompt":"Who is 5?"}` + "\n"
	for what, c := range map[string]struct {
		content string
		edit    func(*recipe.Probe)
		reason  contract.Reason
		parts   []string
	}{
		"a malformed line":       {good + "{\n", nil, contract.InvalidData, []string{"quiz.jsonl", "line 2"}},
		"another field":          {`{"question":"Who is 5?"}` + "\n", nil, contract.InvalidData, []string{"quiz.jsonl", "prompt"}},
		"an empty question":      {`{"prompt":""}` + "\n", nil, contract.InvalidData, []string{"the question is empty"}},
		"an empty file":          {"", nil, contract.InvalidData, []string{"no file of the source has a row"}},
		"too many bad rows":      {good + "{\n{\n", func(p *recipe.Probe) { p.Read = recipe.Read{OnBadRow: recipe.SkipBadRow, MaxBadRows: 1} }, contract.InvalidData, []string{"maxBadRows is 1"}},
		"a wrong expression":     {good, func(p *recipe.Probe) { p.Question = "row.prompt +" }, contract.InvalidTask, []string{"row.prompt +"}},
		"an unknown preset":      {good, func(p *recipe.Probe) { p.Question, p.Preset = "", "none" }, contract.InvalidTask, []string{"none"}},
		"a file that is missing": {good, func(p *recipe.Probe) { p.Source.Volume.Path = "gone.jsonl" }, contract.SourceNotFound, []string{"gone.jsonl"}},
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			w.put("exam.jsonl", `{"text":"Who is 5?"}`+"\n")
			w.put("quiz.jsonl", c.content)
			r := probed(nil)
			if c.edit != nil {
				c.edit(&r.Decontaminate.Against[0])
			}
			w.fails(r, c.reason, append(c.parts, "source to decontaminate against quiz")...)
		})
	}
	w := filled(t)
	w.put("exam.jsonl", `{"text":"Who is 5?"}`+"\n")
	w.put("quiz.jsonl", "{\n"+good+`{"prompt":""}`+"\n")
	r := probed(nil)
	r.Decontaminate.Against[0].Read.OnBadRow = recipe.SkipBadRow
	if got := w.divided(r, "facts").Dropped; got["contaminated"] != 1 {
		t.Errorf("with the bad rows of a probe skipped, %v are dropped", got)
	}
}

// The real rows against themselves: all of MATH against a fifth of it drops that fifth and what is equal to it.
func TestRealQuestionsAgainstThemselves(t *testing.T) {
	content := realrows.Read(t, "math/train.jsonl")
	w := filled(t)
	rows := strings.SplitAfter(strings.TrimSpace(string(content)), "\n")
	w.put("sums.jsonl", string(content))
	w.put("exam.jsonl", strings.Join(rows[:1500], ""))
	r := recipes.Two()
	r.Domains[0].Datasets[0].Record.Preset = "math"
	r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{{Name: "exam", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "exam.jsonl"}}, Preset: "math"}},
		NGrams: &recipe.NGrams{N: 8, Percent: 70}}
	divided := w.divided(r, "sums")
	probes, asked := map[string]bool{}, []string{}
	for i, row := range rows {
		var math struct{ Problem string }
		if err := json.Unmarshal([]byte(row), &math); err != nil {
			t.Fatal(err)
		}
		asked = append(asked, string(dedup.AppendNormal(nil, math.Problem)))
		if i < 1500 {
			probes[asked[i]] = true
		}
	}
	var equal int64
	for _, question := range asked {
		if probes[question] {
			equal++
		}
	}
	if divided.Dropped["contaminated"] != equal || equal < 1500 || divided.Dropped["contaminated-ngrams"] == 0 {
		t.Errorf("dropped %v, want %d equal ones", divided.Dropped, equal)
	}
}
