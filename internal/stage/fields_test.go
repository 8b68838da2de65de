package stage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// noted returns rows with a member for the metadata, which a function makes of the row's number.
func noted(rows int, level func(int) string) string {
	var out strings.Builder
	for i := range rows {
		fmt.Fprintf(&out, "{\"question\":\"What \\\"is\\\" %d\\\\?\",\"answer\":\"%d\",\"level\":%s}\n", i, i, level(i))
	}
	return out.String()
}

// typed returns two with metadata of own data sets, in the layout that says types.
func typed() recipe.Recipe {
	r := recipes.Two()
	r.Output.Layout = recipe.LayoutRule
	r.Domains[0].Datasets[1].Record = recipe.Record{Question: "row.question", ReferenceAnswer: "row.answer", AnswerType: "'numeric'",
		Metadata: []recipe.Metadata{{Name: "level", Value: "row.level"}}, Rule: recipe.RecordRule}
	r.Domains[1].Datasets[0].Record = r.Domains[0].Datasets[1].Record
	return r
}

func leveled(t *testing.T, products, facts func(int) string) *world {
	t.Helper()
	w := filled(t)
	w.put("products.jsonl", strings.ReplaceAll(noted(61, products), "What", "How much"))
	w.put("facts.jsonl", noted(80, facts))
	return w
}

func number(i int) string { return strconv.Itoa(i) }

// What rows hold besides their texts is in the manifest and in the cards, and the proof looks at it.
func TestTypesArePublished(t *testing.T) {
	fraction := func(i int) string { return fmt.Sprintf("%d.5", i) }
	w := leveled(t, number, fraction)
	w.build(typed())
	for name, want := range map[string]string{"sums": "", "products": `"level":"int64",`, "facts": `"level":"float64",`} {
		got, err := json.Marshal(w.manifest().Fields[name])
		if want = `{"metadata":{` + want + `"original_id":"string","source":"string"}}`; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	card := w.read("mix/current/README.md")
	for _, want := range []string{"description: \"revision " + w.current() + `"`, "    - name: \"level\"\n      dtype: float64\n", "    - name: \"level\"\n      dtype: int64\n"} {
		if !strings.Contains(card, want) {
			t.Errorf("the card lacks %q:\n%s", want, card)
		}
	}
	for _, folder := range []string{"processed", "test"} {
		if card := w.read("mix/current/" + folder + "/README.md"); !strings.Contains(card, `- config_name: "facts"`) {
			t.Errorf("%s has the card\n%s", folder, card)
		}
	}
	if err := forgery.Check(filepath.Join(w.worker.Volume, "mix/current")); err != nil {
		t.Error(err)
	}
}

// A member with two types stops the build before anything is mixed, with both places; as text, or in Parquet, it is published.
func TestTwoTypesOfAMember(t *testing.T) {
	word := func(i int) string { return fmt.Sprintf(`"level %d"`, i) }
	mostly := func(i int) string {
		if i == 50 {
			return word(i)
		}
		return number(i)
	}
	for name, c := range map[string]struct {
		products, facts func(int) string
		says            string
	}{
		"in two data sets": {number, word, "metadata.level is an integer in row 0 of data set products and text in row 0 of data set facts"},
		"in one":           {number, mostly, "metadata.level is an integer in row 0 of data set facts and text in row 50 of data set facts"},
	} {
		t.Run(name, func(t *testing.T) {
			w := leveled(t, c.products, c.facts)
			w.fails(typed(), contract.InvalidData, c.says, "keep it as text")
			for _, built := range w.built {
				if strings.HasPrefix(built, string(pipeline.StageMix)) {
					t.Errorf("%s was built", built)
				}
			}
			r := typed()
			r.Domains[0].Datasets[1].Record.Metadata[0].Value = "string(row.level)"
			w.build(r)
			if w.current() == "" {
				t.Error("as text it was not published")
			}
			before := typed()
			before.Output.Layout = ""
			w.build(before)
			if m := w.manifest(); m.Fields != nil || strings.Contains(w.read("mix/current/manifest.json"), `"fields"`) {
				t.Errorf("a recipe of the releases before has fields: %v", m.Fields)
			}
		})
	}
	w := leveled(t, number, word)
	r := typed()
	r.Output.Format = recipe.Parquet
	w.build(r)
	if got := w.manifest().Fields["facts"].Members["metadata"].Members["level"].Scalar; got != schema.String {
		t.Errorf("in Parquet the level of facts is %s", got)
	}
}

// A split unit of a release before, which has noted no types, gives the same revision.
func TestTypesOfOlderUnits(t *testing.T) {
	w := leveled(t, number, number)
	first := w.build(typed()).Published.Revision
	want := w.read("mix/current/manifest.json")
	noted, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", ".stages", string(pipeline.StageSplit), "*", fieldsName))
	if err != nil || len(noted) != 3 {
		t.Fatalf("the notes are %v, %v", noted, err)
	}
	for _, path := range noted {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, stage := range []pipeline.Stage{pipeline.StageBalance, pipeline.StageMix, pipeline.StagePublish} {
		if err := os.RemoveAll(filepath.Join(w.worker.Volume, "mix", ".stages", string(stage))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(w.worker.Volume, "mix", "revisions")); err != nil {
		t.Fatal(err)
	}
	if again := w.build(typed()).Published.Revision; again != first || w.read("mix/current/manifest.json") != want {
		t.Errorf("the revision %s became %s, or has another manifest", first, again)
	}
}

// The proof finds types that are not those of the rows.
func TestVerifyFindsForgedTypes(t *testing.T) {
	level := func(as schema.Type) func(*testing.T, string, *revision.Manifest) {
		return func(_ *testing.T, _ string, m *revision.Manifest) {
			m.Fields["facts"].Members["metadata"].Members["level"] = as
		}
	}
	forgery.WantFound(t, func(t *testing.T) string { return leveled(t, number, number).revision(typed()) }, map[string]forgery.Case{
		"another type":       {level(schema.Type{Scalar: schema.String}), "members of other types than the manifest says of data set facts"},
		"a member less":      {func(_ *testing.T, _ string, m *revision.Manifest) { delete(m.Fields["facts"].Members, "metadata") }, "members of other types"},
		"none":               {func(_ *testing.T, _ string, m *revision.Manifest) { m.Fields = nil }, "the types of the rows of []"},
		"of a data set less": {func(_ *testing.T, _ string, m *revision.Manifest) { delete(m.Fields, "sums") }, "has the types of the rows of"},
	})
}
