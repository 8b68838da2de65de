// Package compare predicts, before anything is built, which units an edit of a mix builds again and how its counts change. It walks the stage
// graphs of both recipes. Where the result of a unit is not known, it assumes one that only this unit's key has. It is pure.
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
	// Results are the known results of units, by key.
	Results map[string]pipeline.Result
	// Rows are the rows of the data sets whose results are not known.
	Rows map[string]int64
	// Published reports that the recipe is from a revision's manifest, which omits output.path and the number of revisions to keep.
	Published bool
}

// Comparison has the differences of a second mix from a first one.
type Comparison struct {
	// Changes are the members of the recipe that differ.
	Changes []Change `json:"changes,omitempty"`
	// Stages are all stages, each with the units that run.
	Stages []Stage `json:"stages"`
	// Counts are the counts that differ, in the order of the second mix; empty if Unknown is not.
	Counts []Count `json:"counts,omitempty"`
	// Unknown are the data sets of the second mix whose rows are not known.
	Unknown []string `json:"unknown,omitempty"`
	// Estimated are the data sets that are split again. Their counts can differ a little, since no group of rows is cut.
	Estimated []string `json:"estimated,omitempty"`
}

// Change is a member of the recipe that differs, with its values as JSON; a value is empty if the member is absent.
type Change struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Stage has the units of a stage that run.
type Stage struct {
	Name pipeline.Stage `json:"name"`
	Runs []string       `json:"runs,omitempty"`
	Of   int            `json:"of"`
	// Since are the members of the recipe that make it run; empty if no single member does, such as when the data differs.
	Since []string `json:"since,omitempty"`
}

// Count has the counts of a data set in a mixed split, before and after.
type Count struct {
	Split   string   `json:"split"`
	Domain  string   `json:"domain"`
	Dataset string   `json:"dataset"`
	Before  [3]int64 `json:"before"` // rows, unique rows, and how often a row repeats at most
	After   [3]int64 `json:"after"`
}

// Differs reports whether the two mixes are not the same.
func (c Comparison) Differs() bool { return len(c.Changes) > 0 }

// Mixes compares two mixes. It is an error if the counts of a mix cannot be planned.
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
	if before.Recipe.Output.Path != after.Recipe.Output.Path { // finished units are stored below the output path
		old.nodes = nil
	}
	c.Stages = stages(old, now)
	if len(old.unknown) == 0 && len(now.unknown) == 0 {
		c.Counts = counts(old.plan, now.plan)
	}
	c.Estimated = estimated(c.Stages, now)
	if old.nodes == nil {
		for i := range c.Stages {
			c.Stages[i].Since = []string{"output.path"}
		}
		return c, nil
	}
	return c, since(&c, before, old, after)
}

// inferred returns the second mix with what the first one shows of it: the results of units with equal keys, and the rows that are kept of each
// data set, which do not depend on how it is split.
func inferred(before, after Side, old *walked) Side {
	after.Rows = merged(after.Rows, before.Rows, old.rows)
	after.Results = merged(after.Results, before.Results)
	return after
}

// estimated returns the data sets with known rows that are split again.
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

// walked is a stage graph that was walked to its end.
type walked struct {
	nodes   map[pipeline.Stage][]pipeline.Node
	plan    plan.Plan
	rows    map[string]int64 // kept of each data set whose rows are known
	unknown []string         // data sets whose rows are not known
	// balances are the results of the balance stage, by their ComparisonKey.
	balances      map[string]pipeline.BalanceResult
	assumedSplits []string // data sets whose split result is assumed
}

// placeholder is the number of rows of a data set whose rows are not known: a plan needs one.
const placeholder = 1_000_000

// assume walks the stage graph of a side to its end, and assumes a result for each unit whose result is not known.
func assume(side Side, earlier *walked) (*walked, error) {
	results := merged(side.Results)
	w := &walked{nodes: map[pipeline.Stage][]pipeline.Node{}, rows: map[string]int64{}, balances: map[string]pipeline.BalanceResult{}}
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

// assumed returns the assumed result of a unit. Its digests are the unit's key, so that the keys of later units differ as well.
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

// divide returns the split result of a data set with a number of rows, divided by the shares of the splits.
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

// balance returns the assumed result of the balance stage. Rows that the earlier mix dropped from the same data by the same rules are dropped
// again.
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

// finish keeps what a comparison needs of the finished graph.
func (w *walked) finish(r recipe.Recipe, graph pipeline.Graph, results map[string]pipeline.Result) {
	for _, step := range graph.Steps {
		w.nodes[step.Stage] = step.Nodes
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

// stages returns the stages with the units that run: those of the second walk whose key no unit of the first has.
func stages(before, after *walked) []Stage {
	var all []Stage
	for _, name := range pipeline.Stages() {
		stage := Stage{Name: name, Of: len(after.nodes[name])}
		for _, node := range after.nodes[name] {
			if !slices.ContainsFunc(before.nodes[name], func(had pipeline.Node) bool { return had.Key == node.Key }) {
				stage.Runs = append(stage.Runs, node.Name)
			}
		}
		all = append(all, stage)
	}
	return all
}

// counts returns the counts that differ between two plans.
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

// since finds for each stage that runs the members of the recipe that make it run, by changing one member at a time.
func since(c *Comparison, before Side, old *walked, after Side) error {
	for _, member := range members(c.Changes) {
		alone, err := with(before.Recipe, after.Recipe, member)
		if err != nil {
			return err
		}
		if alone.Validate() != nil {
			continue // the change is valid only together with another one
		}
		one, err := assume(Side{Recipe: alone, Results: before.Results, Rows: merged(after.Rows, old.rows, before.Rows)}, old)
		if err != nil {
			continue // likewise
		}
		for i, stage := range stages(old, one) {
			if len(stage.Runs) > 0 && len(c.Stages[i].Runs) > 0 {
				c.Stages[i].Since = append(c.Stages[i].Since, member)
			}
		}
	}
	return nil
}

// merged returns the union of maps; for a key in several of them it takes the value of the first.
func merged[V any](several ...map[string]V) map[string]V {
	all := map[string]V{}
	for _, one := range slices.Backward(several) {
		maps.Copy(all, one)
	}
	return all
}

// members returns the top-level members of the recipe that have changes.
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

// with returns a recipe in which one member is that of another recipe.
func with(r, other recipe.Recipe, member string) (recipe.Recipe, error) {
	of := plain(r)
	if value, ok := plain(other)[member]; ok {
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
