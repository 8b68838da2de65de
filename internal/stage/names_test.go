package stage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// inFolders returns two whose data set facts lies in folders by language.
func inFolders(change func(*recipe.Dataset)) recipe.Recipe {
	r := recipes.Two()
	r.Domains[1].Datasets = []recipe.Dataset{{
		Name: "facts", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "facts"}, Names: true},
		Record: recipe.Record{Question: `row.question`, ReferenceAnswer: `row.answer`, AnswerType: "text", Rule: recipe.RecordRule,
			Metadata: []recipe.Metadata{{Name: "lang", Value: `file.folders.lang`}}},
	}}
	change(&r.Domains[1].Datasets[0])
	return r
}

// TestNamesOfFilesCountWhereTheRecordUsesThem: a folder that is renamed is another value there, and the same data everywhere else.
func TestNamesOfFilesCountWhereTheRecordUsesThem(t *testing.T) {
	languages := func(w *world) map[string]int {
		found := map[string]int{}
		for _, row := range w.records("raw/qa/facts.jsonl") {
			for _, e := range row.Metadata {
				if e.Key == "lang" {
					found[string(e.Value)]++
				}
			}
		}
		return found
	}
	half := strings.Split(recipes.Facts(300), "\n")
	built := func(second string, r recipe.Recipe) (*world, pipeline.Graph) {
		w := filled(t)
		w.put("facts/lang=de/a.jsonl", strings.Join(half[:150], "\n")+"\n")
		w.put("facts/"+second+"/b.jsonl", strings.Join(half[150:], "\n"))
		return w, w.build(r)
	}
	same := func(*recipe.Dataset) {}
	w, french := built("lang=fr", inFolders(same))
	if diff := cmp.Diff(map[string]int{`"de"`: 150, `"fr"`: 150}, languages(w)); diff != "" {
		t.Error(diff)
	}
	w, italian := built("lang=it", inFolders(same))
	if diff := cmp.Diff(map[string]int{`"de"`: 150, `"it"`: 150}, languages(w)); diff != "" {
		t.Error(diff)
	}
	if french.Published.Revision == italian.Published.Revision {
		t.Error("the folder's name is in the rows, and not in the revision")
	}
	nameless := func(d *recipe.Dataset) {
		d.Source.Names, d.Record.Metadata = false, nil
	}
	_, first := built("lang=fr", inFolders(nameless))
	_, second := built("lang=it", inFolders(nameless))
	split := func(g pipeline.Graph) []pipeline.Node { step, _ := g.Step(pipeline.StageSplit); return step.Nodes }
	if diff := cmp.Diff(split(first), split(second)); diff != "" {
		t.Errorf("names count where no record uses them:\n%s", diff)
	}
	unsaid := filled(t)
	unsaid.put("facts/lang=de/a.jsonl", recipes.Facts(10))
	unsaid.fails(inFolders(func(d *recipe.Dataset) { d.Source.Names = false }), contract.InvalidTask, "variable file")
}
