package layout

import (
	"context"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// of returns the layout of a revision of the data sets facts and sums, with the files that are listed and those that are elsewhere.
func of(t *testing.T, unit recipe.ShareUnit, listed, elsewhere []string) *Revision {
	t.Helper()
	split := func(name string) plan.Split {
		return plan.Split{Name: name, Domains: []plan.Domain{{Datasets: []plan.Dataset{{Name: "sums", Available: 3, Rows: 4}, {Name: "facts", Available: 3, Rows: 3}}}}}
	}
	m := &revision.Manifest{
		Recipe: recipe.Recipe{
			Unit: unit, Splits: []recipe.Split{{Name: "train"}, {Name: "test"}},
			Domains: []recipe.Domain{{Name: "math", Datasets: []recipe.Dataset{{Name: "sums"}}}, {Name: "qa", Datasets: []recipe.Dataset{{Name: "facts"}}}},
		},
		Plan:   plan.Plan{Splits: []plan.Split{split("train"), split("test")}},
		Fields: map[string]schema.Type{"sums": {Scalar: schema.String}},
	}
	for _, name := range []string{"facts", "sums"} {
		dropped := map[string]int64{}
		if name == "sums" {
			dropped["where"] = 2
		}
		m.Stages = append(m.Stages, revision.Finished{Stage: pipeline.StageSplit, Node: pipeline.Node{Name: name}, Result: pipeline.Result{Split: &pipeline.SplitResult{Read: 8, Dropped: dropped}}})
	}
	set := &files.Set{Context: context.Background(), Others: map[string]files.Other{}}
	var there []revision.PublishedFile
	for _, path := range listed {
		there = append(there, revision.PublishedFile{Path: path})
	}
	set.List(there)
	for _, path := range elsewhere {
		set.Others[path] = files.Other{}
	}
	r, err := New(set, m, store.Path{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLayout(t *testing.T) {
	sums, facts := []string{"processed/sums/train.jsonl", "processed/sums/test.jsonl"}, []string{"processed/facts/train.jsonl", "processed/facts/test.jsonl"}
	for what, c := range map[string]struct {
		listed, elsewhere []string
		train, test       bool // all rows are there
		partial           bool
		files             string // of sums in train and test
	}{
		"all splits":               {append(sums, facts...), nil, true, true, false, "processed/sums/train.jsonl processed/sums/test.jsonl"},
		"the test files alone":     {[]string{"test/sums_test.jsonl", "test/facts_test.jsonl"}, nil, false, true, true, " test/sums_test.jsonl"},
		"a split that is at hand":  {append(sums[:1:1], facts...), sums[1:], true, true, false, "processed/sums/train.jsonl processed/sums/test.jsonl"},
		"one data set has no file": {facts, nil, false, false, true, " "},
		"none":                     {nil, nil, false, false, true, " "},
	} {
		t.Run(what, func(t *testing.T) {
			r := of(t, recipe.InRows, c.listed, c.elsewhere)
			if r.HasRowsOf(0) != c.train || r.HasRowsOf(1) != c.test || r.Partial != c.partial || r.HasAllRows() == c.partial {
				t.Errorf("rows of train %t, of test %t, partial %t, all %t", r.HasRowsOf(0), r.HasRowsOf(1), r.Partial, r.HasAllRows())
			}
			d := r.Datasets[1]
			if d.Name != "sums" || d.Place != 1 || d.Splits[0].File+" "+d.Splits[1].File != c.files {
				t.Errorf("data set %s, %d: %v, want %q", d.Name, d.Place, d.Splits, c.files)
			}
		})
	}
}

func TestDatasets(t *testing.T) {
	r := of(t, recipe.InRows, []string{"raw/math/sums.jsonl"}, nil)
	facted, summed := r.Datasets[0], r.Datasets[1]
	if summed.Raw != "raw/math/sums.jsonl" || summed.Dropped != "dropped/math/sums.jsonl" || summed.Fields == nil || !summed.Splits[0].Repeats {
		t.Errorf("sums: %+v", summed)
	}
	if facted.Raw != "" || facted.Dropped != "" || facted.Fields != nil || facted.Splits[0].Repeats || facted.Splits[1].Index != "facts.test.idx" {
		t.Errorf("facts: %+v", facted)
	}
}

func TestRows(t *testing.T) {
	const good = `{"id":"sums_7","dataset":"sums","domain":"math","question":"a\tb","reference_answer":"72","answer_type":"numeric","metadata":{"source":"sums","original_id":"7"}}`
	r := of(t, recipe.InBytes, nil, nil)
	d := r.Datasets[1]
	row, err := d.Read("f", 0, []byte(good))
	if err != nil || row.Number != 7 || string(row.Question) != `a\tb` || string(row.Answer) != "72" || r.UnitsOf(row) != 5 {
		t.Errorf("%+v, %d units, %v", row, r.UnitsOf(row), err)
	}
	if number, err := d.Number("f", 0, []byte(good)); number != 7 || err != nil {
		t.Errorf("number %d, %v", number, err)
	}
	if units := of(t, recipe.InRows, nil, nil).UnitsOf(row); units != 0 {
		t.Errorf("%d units where shares are rows", units)
	}
	for what, c := range map[string]struct{ from, to, want string }{
		"no row":             {good, "{", "f, row 4"},
		"another data set":   {`"sums_7","dataset":"sums","domain":"math"`, `"facts_7","dataset":"facts","domain":"qa"`, "data set facts"},
		"no such data set":   {`"dataset":"sums"`, `"dataset":"products"`, "not in the recipe"},
		"another domain":     {`"domain":"math"`, `"domain":"qa"`, "not in the recipe"},
		"an id of none":      {`"sums_7"`, `"sums-7"`, `"sums-7"`},
		"an id of no number": {`"sums_7"`, `"sums_x"`, `"sums_x"`},
	} {
		_, err := d.Read("f", 3, []byte(strings.Replace(good, c.from, c.to, 1)))
		if contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if _, err := d.Number("f", 3, []byte(strings.Replace(good, "sums_7", "sums_x", 1))); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("the number of a row without one: %v", err)
	}
	if quoted := Quoted("a\t\"b\""); string(AppendText([]byte("x"), quoted)) != "xa\t\"b\"" {
		t.Errorf("%s", quoted)
	}
}
