// Package compare predicts what an edit of a mix builds again and which counts come out, before anything is built: it walks the stage graph
// of both recipes, with the results that there are and, for the others, with results that are as different as their keys. It is pure.
package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Side is one of two mixes.
type Side struct {
	Recipe recipe.Recipe
	// Results are what is known of finished units, by key.
	Results map[string]pipeline.Result
	// Rows of data sets, where no result says them.
	Rows map[string]int64
	// Published reports that the recipe is that of a revision, which omits its place and how many are kept.
	Published bool
}

// Comparison is what a second mix changes.
type Comparison struct {
	// Changes are the members of the recipe that differ.
	Changes []Change `json:"changes,omitempty"`
	// Stages are all stages, with what runs of each.
	Stages []Stage `json:"stages"`
	// Counts are those that differ, in the order of the second mix. They are absent where the rows of a data set are not known.
	Counts []Count `json:"counts,omitempty"`
	// Unknown are the data sets whose rows are not known.
	Unknown []string `json:"unknown,omitempty"`
	// Estimated are the data sets that are divided anew: a group of rows that would be cut can move their counts a little.
	Estimated []string `json:"estimated,omitempty"`
}

// Change is one member of the recipe, with its values as JSON.
type Change struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Stage is what runs of a stage.
type Stage struct {
	Name pipeline.Stage `json:"name"`
	Runs []string       `json:"runs,omitempty"`
	Of   int            `json:"of"`
	// Since are the members of the recipe that make it run; empty where it runs for another reason only: an earlier stage of other data.
	Since []string `json:"since,omitempty"`
}

// Count is what one data set has of a mixed split.
type Count struct {
	Split   string   `json:"split"`
	Domain  string   `json:"domain"`
	Dataset string   `json:"dataset"`
	Before  [3]int64 `json:"before"` // rows, unique rows, most repeats
	After   [3]int64 `json:"after"`
}

// Differs reports whether the two mixes are not the same.
func (c Comparison) Differs() bool { return len(c.Changes) > 0 }

// Mixes compares two mixes. The error is that of a mix whose counts cannot be planned.
func Mixes(before, after Side) (Comparison, error) {
	var c Comparison
	if before.Published || after.Published {
		before.Recipe, after.Recipe = before.Recipe.Content(), after.Recipe.Content()
	}
	old, err := assume(before, nil)
	if err != nil {
		return c, fmt.Errorf("the first mix: %w", err)
	}
	now, err := assume(inferred(before, after, old), old)
	if err != nil {
		return c, fmt.Errorf("the second mix: %w", err)
	}
	c.Changes = changes(before.Recipe, after.Recipe)
	c.Unknown = now.unknown
	if before.Recipe.Output.Path != after.Recipe.Output.Path { // what is finished lies at the mix's own path
		old.keys = nil
	}
	c.Stages = stages(old, now)
	if len(old.unknown) == 0 && len(now.unknown) == 0 {
		c.Counts = counts(old.plan, now.plan)
	}
	c.Estimated = estimated(c.Stages, now)
	if old.keys == nil {
		for i := range c.Stages {
			c.Stages[i].Since = []string{"output.path"}
		}
		return c, nil
	}
	return c, since(&c, before, old, after)
}

// inferred returns the second mix with what is known of it from the first one: results by key, and the rows that are kept of each data set, which
// are as many where it is divided differently.
func inferred(before, after Side, old *walked) Side {
	after.Rows = merged(after.Rows, before.Rows, old.rows)
	results := map[string]pipeline.Result{}
	maps.Copy(results, before.Results)
	maps.Copy(results, after.Results)
	after.Results = results
	return after
}

// estimated returns the data sets that are divided anew, whose rows are known.
func estimated(all []Stage, now *walked) []string {
	var names []string
	for _, stage := range all {
		for _, name := range stage.Runs {
			if stage.Name == pipeline.StageSplit && slices.Contains(now.assumedSplits, name) && !slices.Contains(now.unknown, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// walked is a graph that was followed to its end.
type walked struct {
	keys    map[pipeline.Stage]map[string]string // by stage and name
	order   map[pipeline.Stage][]string
	plan    plan.Plan
	rows    map[string]int64 // kept of each data set
	unknown []string
	// balances are the results of the balance stage by what it compared.
	balances      map[string]pipeline.BalanceResult
	assumedSplits []string
}

// placeholder is how many rows a data set is taken to have whose rows are not known: keys need some.
const placeholder = 1_000_000

// assume walks a graph to its end. A result that is not known is taken to be one that no other key has.
func assume(side Side, earlier *walked) (*walked, error) {
	results := maps.Clone(side.Results)
	if results == nil {
		results = map[string]pipeline.Result{}
	}
	w := &walked{keys: map[pipeline.Stage]map[string]string{}, order: map[pipeline.Stage][]string{}, rows: map[string]int64{}, balances: map[string]pipeline.BalanceResult{}}
	for {
		graph, err := pipeline.Walk(side.Recipe, results)
		if err != nil {
			return nil, err
		}
		step := graph.Next()
		if step == nil {
			w.finish(side.Recipe, graph, results)
			return w, nil
		}
		for _, node := range step.Missing {
			result, err := w.assumed(side, step.Stage, node, graph, results, earlier)
			if err != nil {
				return nil, err
			}
			results[node.Key] = result
		}
	}
}

// assumed returns a result in the place of one that is not known.
func (w *walked) assumed(side Side, stage pipeline.Stage, node pipeline.Node, graph pipeline.Graph, results map[string]pipeline.Result, earlier *walked) (pipeline.Result, error) {
	switch stage {
	case pipeline.StageDownload:
		return pipeline.Result{Download: &pipeline.DownloadResult{Digest: node.Key}}, nil
	case pipeline.StageSplit:
		rows, ok := side.Rows[node.Name]
		if !ok {
			rows = placeholder
			w.unknown = append(w.unknown, node.Name)
		}
		w.assumedSplits = append(w.assumedSplits, node.Name)
		divided, err := divide(side.Recipe, node.Name, rows)
		divided.Digest = node.Key
		return pipeline.Result{Split: &divided}, err
	case pipeline.StageBalance:
		balanced, err := w.balance(side.Recipe, graph, results, earlier)
		return pipeline.Result{Balance: &balanced}, err
	case pipeline.StageMix:
		return pipeline.Result{Mix: &pipeline.MixResult{}}, nil
	default:
		return pipeline.Result{Publish: &pipeline.PublishResult{Revision: pipeline.RevisionName(node.Key)}}, nil
	}
}

// divide returns a data set with so many rows by the shares of the splits.
func divide(r recipe.Recipe, name string, rows int64) (pipeline.SplitResult, error) {
	all := map[string]int64{}
	for _, dataset := range r.DatasetNames() {
		all[dataset] = 0
	}
	all[name] = rows
	counts, err := plan.SplitCounts(r, all, all)
	if err != nil {
		return pipeline.SplitResult{}, err
	}
	return pipeline.SplitResult{Read: rows, Rows: counts[name].Rows, Units: counts[name].Units}, nil
}

// balance plans what is left. Rows that were dropped from the same data by the same rules are dropped again.
func (w *walked) balance(r recipe.Recipe, graph pipeline.Graph, results map[string]pipeline.Result, earlier *walked) (pipeline.BalanceResult, error) {
	finished := graph.Results(results)
	var balanced pipeline.BalanceResult
	if earlier != nil {
		balanced = earlier.balances[pipeline.ComparisonKey(r, finished)]
	}
	made, err := plan.New(r, pipeline.Remaining(r, finished, balanced))
	if err != nil {
		return balanced, err
	}
	balanced.Plan = made.Digest()
	return balanced, nil
}

// finish keeps what a comparison needs.
func (w *walked) finish(r recipe.Recipe, graph pipeline.Graph, results map[string]pipeline.Result) {
	for _, step := range graph.Steps {
		w.keys[step.Stage] = map[string]string{}
		for _, node := range step.Nodes {
			w.keys[step.Stage][node.Name] = node.Key
			w.order[step.Stage] = append(w.order[step.Stage], node.Name)
		}
	}
	w.plan = *graph.Plan
	finished := graph.Results(results)
	for _, name := range r.DatasetNames() {
		for _, rows := range finished.Split(name).Rows {
			w.rows[name] += rows
		}
	}
	for _, name := range w.unknown {
		delete(w.rows, name)
	}
	w.balances[pipeline.ComparisonKey(r, finished)] = *finished.Balance()
}

// stages lists what the second walk has that the first has not, by key: who built a key before builds it no more.
func stages(before, after *walked) []Stage {
	var all []Stage
	for _, name := range pipeline.Stages() {
		stage := Stage{Name: name, Of: len(after.order[name])}
		had := slices.Collect(maps.Values(before.keys[name]))
		for _, unit := range after.order[name] {
			if !slices.Contains(had, after.keys[name][unit]) {
				stage.Runs = append(stage.Runs, unit)
			}
		}
		all = append(all, stage)
	}
	return all
}

// counts lists the data sets whose part of a mixed split differs.
func counts(before, after plan.Plan) []Count {
	type place struct{ split, domain, dataset string }
	of := func(p plan.Plan) (places []place, numbers map[place][3]int64) {
		numbers = map[place][3]int64{}
		for _, split := range p.Splits {
			for _, domain := range split.Domains {
				for _, dataset := range domain.Datasets {
					at := place{split.Name, domain.Name, dataset.Name}
					places, numbers[at] = append(places, at), [3]int64{dataset.Rows, dataset.Unique, dataset.MaxRepeats}
				}
			}
		}
		return places, numbers
	}
	first, had := of(before)
	second, has := of(after)
	for _, at := range first {
		if _, ok := has[at]; !ok {
			second = append(second, at)
		}
	}
	var all []Count
	for _, at := range second {
		if had[at] != has[at] {
			all = append(all, Count{at.split, at.domain, at.dataset, had[at], has[at]})
		}
	}
	return all
}

// since finds for each stage that runs which members of the recipe make it run: each is changed alone.
func since(c *Comparison, before Side, old *walked, after Side) error {
	for _, member := range members(c.Changes) {
		alone, err := with(before.Recipe, after.Recipe, member)
		if err != nil {
			return err
		}
		if alone.Validate() != nil {
			continue // this change makes sense only with another one
		}
		one, err := assume(Side{Recipe: alone, Results: before.Results, Rows: merged(after.Rows, old.rows, before.Rows)}, old)
		if err != nil {
			continue // and so does one that cannot be planned
		}
		for i, stage := range stages(old, one) {
			if len(stage.Runs) > 0 && len(c.Stages[i].Runs) > 0 {
				c.Stages[i].Since = append(c.Stages[i].Since, member)
			}
		}
	}
	return nil
}

// merged returns the first of several numbers of rows for each data set.
func merged(rows ...map[string]int64) map[string]int64 {
	all := map[string]int64{}
	for _, some := range slices.Backward(rows) {
		maps.Copy(all, some)
	}
	return all
}

// members returns the members of the recipe that have changes.
func members(changes []Change) []string {
	var names []string
	for _, change := range changes {
		name, _, _ := strings.Cut(change.Path, ".")
		if name, _, _ = strings.Cut(name, "["); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// with returns a recipe with one member of another one.
func with(r, other recipe.Recipe, member string) (recipe.Recipe, error) {
	of, err := decoded(r)
	if err != nil {
		return recipe.Recipe{}, err
	}
	from, err := decoded(other)
	if err != nil {
		return recipe.Recipe{}, err
	}
	if value, ok := from[member]; ok {
		of[member] = value
	} else {
		delete(of, member)
	}
	encoded, err := json.Marshal(of)
	if err != nil {
		return recipe.Recipe{}, err
	}
	var changed recipe.Recipe
	return changed, json.Unmarshal(encoded, &changed)
}

func decoded(r recipe.Recipe) (map[string]json.RawMessage, error) {
	encoded, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	of := map[string]json.RawMessage{}
	return of, json.Unmarshal(encoded, &of)
}
