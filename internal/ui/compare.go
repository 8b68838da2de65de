package ui

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// revisionPage has the values of the page of a revision.
type revisionPage struct {
	Rev     rev
	Report  report.Revision
	Files   []rowFile
	Others  []rev
	Dropped bool
}

// revision answers with a revision, and links to its rows.
func (s *Server) revision(r *http.Request) (string, any, error) {
	of, m, err := s.manifest(r)
	if err != nil {
		return "", nil, err
	}
	page := revisionPage{Rev: of, Report: report.Of(m), Files: rowFiles(m)}
	page.Dropped = slices.ContainsFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == revision.DroppedFile })
	if of.folder != "." {
		for _, one := range s.folder.revisions(of.Mix) {
			if one.Name != of.Name {
				page.Others = append(page.Others, one)
			}
		}
	}
	return "revision.html.tmpl", page, nil
}

// change has the rows of a data set in a split, and how often one repeats at most, before and after.
type change struct {
	Split, Dataset        string
	Before, After         int64
	RepeatsBefore, Repeat int64
}

// Differs reports whether a number has changed.
func (c change) Differs() bool { return c.Before != c.After || c.RepeatsBefore != c.Repeat }

// Difference returns the difference of the rows, with its sign.
func (c change) Difference() string {
	if c.Before == c.After {
		return "–"
	}
	text := report.Thousands(c.After - c.Before)
	if c.After > c.Before {
		text = "+" + text
	}
	return text
}

// setting is a value of the recipe before and after.
type setting struct{ Name, Before, After string }

// comparePage has the differences of two revisions.
type comparePage struct {
	Rev, Other rev
	Changes    []change
	Settings   []setting
}

// compare answers with the differences of two revisions of a mix.
func (s *Server) compare(r *http.Request) (string, any, error) {
	of, after, err := s.manifest(r)
	if err != nil {
		return "", nil, err
	}
	other, err := s.folder.named(of.Mix, r.FormValue("other"))
	if err != nil {
		return "", nil, err
	}
	before, err := s.folder.manifest(other)
	if err != nil {
		return "", nil, err
	}
	page := comparePage{Rev: of, Other: other, Changes: changes(before.Plan, after.Plan)}
	if page.Settings, err = settings(recipeAndSources(before), recipeAndSources(after)); err != nil {
		return "", nil, err
	}
	return "compare.html.tmpl", page, nil
}

// recipeAndSources returns the recipe of a revision, and the revisions of its sources.
func recipeAndSources(m revision.Manifest) any {
	resolved := map[string]string{}
	for _, origin := range m.Sources {
		resolved[origin.Dataset] = origin.Revision
	}
	return map[string]any{"recipe": m.Recipe, "resolved": resolved}
}

// changes returns the rows of each data set in each split by two plans.
func changes(before, after plan.Plan) []change {
	rows := map[[2]string]*change{}
	var order [][2]string
	at := func(split, dataset string) *change {
		key := [2]string{split, dataset}
		if rows[key] == nil {
			rows[key] = &change{Split: split, Dataset: dataset}
			order = append(order, key)
		}
		return rows[key]
	}
	for _, split := range after.Splits {
		for _, d := range split.Datasets() {
			c := at(split.Name, d.Name)
			c.After, c.Repeat = d.Rows, d.MaxRepeats
		}
	}
	for _, split := range before.Splits {
		for _, d := range split.Datasets() {
			c := at(split.Name, d.Name)
			c.Before, c.RepeatsBefore = d.Rows, d.MaxRepeats
		}
	}
	out := make([]change, len(order))
	for i, key := range order {
		out[i] = *rows[key]
	}
	return out
}

// settings returns the members in which two values differ as JSON, sorted by their paths.
func settings(before, after any) ([]setting, error) {
	flat := make([]map[string]string, 2)
	for i, value := range []any{before, after} {
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		var tree any
		if err := json.Unmarshal(encoded, &tree); err != nil {
			return nil, err
		}
		flat[i] = map[string]string{}
		flatten("", tree, flat[i])
	}
	names := maps.Clone(flat[0])
	maps.Copy(names, flat[1])
	var out []setting
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if flat[0][name] != flat[1][name] {
			out = append(out, setting{contract.Clean(name, 200), contract.Clean(flat[0][name], 300), contract.Clean(flat[1][name], 300)})
		}
	}
	return out, nil
}

// flatten adds every leaf of a JSON value by its path. An item of a list is named by its name, if it has one, so that its position does not matter.
func flatten(path string, tree any, into map[string]string) {
	switch t := tree.(type) {
	case map[string]any:
		for name, value := range t {
			flatten(strings.TrimPrefix(path+"."+name, "."), value, into)
		}
	case []any:
		for i, value := range t {
			name := strconv.Itoa(i)
			if object, ok := value.(map[string]any); ok && object["name"] != nil {
				name = fmt.Sprint(object["name"])
			}
			flatten(fmt.Sprintf("%s[%s]", path, name), value, into)
		}
	default:
		into[path] = fmt.Sprint(t)
	}
}

// editPage has the effects of an edit of a mix.
type editPage struct {
	Rev      rev
	Manifest string
	Failed   string
	Judged   bool
	Changes  []change
	Settings []setting
	// Again are the units that would be built again. Why is why there is no plan, or on what condition it holds; empty otherwise.
	Again []string
	Why   string
}

// maxEdit is the number of bytes of a manifest, about the limit of an API server.
const maxEdit = 1 << 20

// edit answers with the plan of an edited manifest before it is applied. It reads only the revision's manifest, and writes nothing.
func (s *Server) edit(r *http.Request) (string, any, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxEdit)
	of, m, err := s.manifest(r)
	if err != nil {
		return "", nil, err
	}
	page := editPage{Rev: of, Manifest: r.PostFormValue("manifest")}
	if r.Method != http.MethodPost || s.options.Judge == nil {
		return "edit.html.tmpl", page, nil
	}
	edited, err := s.options.Judge(r.Context(), []byte(page.Manifest))
	if err != nil {
		page.Failed = contract.CleanLines(err.Error())
		return "edit.html.tmpl", page, nil
	}
	page.Judged = true
	page.judge(m, edited.Content())
	return "edit.html.tmpl", page, nil
}

// judge computes the effects of an edited recipe, as far as the results of the revision show them.
func (p *editPage) judge(m revision.Manifest, edited recipe.Recipe) {
	var err error
	if p.Settings, err = settings(m.Recipe, edited); err != nil {
		p.Why = err.Error()
	}
	graph, err := pipeline.Walk(edited, m.ByKey())
	if err != nil {
		p.Why = contract.CleanLines(err.Error())
		return
	}
	for _, step := range graph.Steps {
		for _, node := range step.Missing {
			p.Again = append(p.Again, fmt.Sprintf("%s of %s", step.Stage, node.Name))
		}
	}
	planned := graph.Plan
	if planned == nil {
		if last := graph.Steps[len(graph.Steps)-1]; last.Stage != pipeline.StageBalance {
			p.Why = "How many rows there will be is known once these are built; all stages after them are built as well."
			return
		}
		// The splits have the rows of the revision, so the dropped rows are known, unless the edit changes how rows are compared.
		made, err := plan.New(edited, pipeline.Remaining(edited, m.Results(), report.Balanced(m)))
		if err != nil {
			p.Why = contract.CleanLines(err.Error())
			return
		}
		planned = &made
		p.Again = append(p.Again, "mix and publish")
		if pipeline.ComparisonKey(edited, m.Results()) != pipeline.ComparisonKey(m.Recipe, m.Results()) {
			p.Why = "The edit changes how rows are compared: these are the counts if as many are dropped as now."
		}
	}
	p.Changes = changes(m.Plan, *planned)
}
