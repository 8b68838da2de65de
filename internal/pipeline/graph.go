// Package pipeline is the stage graph: which work a recipe needs, the key of each piece, what each reports, and what follows from the
// reports so far. It is pure: the controller, the worker and the local build walk the same graph and come to the same keys.
//
// Imports: the standard library, internal/plan and internal/recipe.
package pipeline

import (
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Stage is one kind of work. Every stage is one Job, with one pod per unit.
type Stage string

// The stages, each needing the results of those before it.
const (
	StageDownload Stage = "download"
	StageSplit    Stage = "split"
	StageBalance  Stage = "balance"
	StageMix      Stage = "mix"
	StagePublish  Stage = "publish"
)

// versions are the versions of the stages' algorithms. Every key begins with one: raising it is the only way in which a new
// release of the operator rebuilds data.
var versions = map[Stage]string{StageDownload: "download/v1", StageSplit: "split/v2", StageBalance: "balance/v2", StageMix: "mix/v1", StagePublish: "publish/v1"}

// Stages lists the stages in order.
func Stages() []Stage {
	return []Stage{StageDownload, StageSplit, StageBalance, StageMix, StagePublish}
}

// Node is the work of one pod.
type Node struct {
	// Name of the data set or probe (download), of the data set (split), of the shard (mix) or of the mix (balance, publish).
	Name string `json:"name"`
	// Key is the SHA-256, in hex, of everything that the unit's result depends on.
	Key string `json:"key"`
}

// Step is one stage whose units are known.
type Step struct {
	Stage Stage
	Nodes []Node
	// Missing are the units that have no result yet.
	Missing []Node
}

// Graph is the part of the stage graph that the results so far reveal.
type Graph struct {
	// Steps are the stages that were reached, in order; all but the last are finished.
	Steps []Step
	// Plan is known once the balance stage is finished.
	Plan *plan.Plan
	// Published is known once everything is finished.
	Published *PublishResult
}

// Next returns the step to do, nil when everything is finished.
func (g Graph) Next() *Step {
	last := &g.Steps[len(g.Steps)-1]
	if len(last.Missing) == 0 {
		return nil
	}
	return last
}

// Step finds a stage that was reached.
func (g Graph) Step(stage Stage) (Step, bool) {
	i := slices.IndexFunc(g.Steps, func(s Step) bool { return s.Stage == stage })
	if i < 0 {
		return Step{}, false
	}
	return g.Steps[i], true
}

// Walk follows the graph as far as the results go. It is pure: the same recipe and results give the same keys everywhere.
// The error is an *InfeasibleError, a *DriftError, a *recipe.LicenseError, or says that a result contradicts another.
func Walk(r recipe.Recipe, results map[string]Result) (Graph, error) {
	w := walk{recipe: r, results: results}
	for _, stage := range Stages() {
		units, err := w.units(stage)
		if err != nil {
			return w.graph, err
		}
		if err := w.drift(stage, units); err != nil {
			return w.graph, err
		}
		step := Step{Stage: stage, Nodes: units}
		for _, unit := range units {
			if !results[unit.Key].is(stage) {
				step.Missing = append(step.Missing, unit)
			} else if err := checkResult(r, unit, results[unit.Key]); err != nil {
				return w.graph, fmt.Errorf("the result of stage %s for %s does not fit the recipe: %w", stage, unit.Name, err)
			}
		}
		w.graph.Steps = append(w.graph.Steps, step)
		if len(step.Missing) > 0 {
			return w.graph, nil
		}
	}
	published := *results[w.graph.Steps[len(w.graph.Steps)-1].Nodes[0].Key].Publish
	w.graph.Published = &published
	return w.graph, nil
}

func (r Result) is(stage Stage) bool {
	switch stage {
	case StageDownload:
		return r.Download != nil
	case StageSplit:
		return r.Split != nil
	case StageBalance:
		return r.Balance != nil
	case StageMix:
		return r.Mix != nil
	default:
		return r.Publish != nil
	}
}

type walk struct {
	recipe  recipe.Recipe
	results map[string]Result
	graph   Graph
}

func (w *walk) units(stage Stage) ([]Node, error) {
	switch stage {
	case StageDownload:
		return Downloads(w.recipe), nil
	case StageSplit:
		return w.divisions(), nil
	case StageBalance:
		return w.balance(), nil
	case StageMix:
		return w.mixes()
	default:
		return w.publish(), nil
	}
}

// Downloads returns the units of the download stage. No key has what a source is expected to hold: that is compared
// with the result.
func Downloads(r recipe.Recipe) []Node {
	var units []Node
	for _, named := range r.Sources() {
		units = append(units, Node{named.Name, key(StageDownload, sourceKey(named.Source))})
	}
	return units
}

// Ahead lists the units of the split stage that can be built before the stage is reached, while other data sets are downloaded:
// those whose data set and probes are all downloaded.
func Ahead(r recipe.Recipe, results map[string]Result) []Node {
	w := walk{recipe: r, results: results}
	w.graph.Steps = []Step{{Stage: StageDownload, Nodes: Downloads(r)}}
	there := w.originals()
	for _, probe := range r.Probes() {
		if there[probe.Name] == "" {
			return nil
		}
	}
	return slices.DeleteFunc(w.divisions(), func(unit Node) bool {
		return there[unit.Name] == "" || results[unit.Key].Split != nil
	})
}

// divisions returns the units of the split stage: a row carries its data set's and its domain's name, so both are in the key.
func (w *walk) divisions() []Node {
	type splitShare struct {
		Name  string `json:"name"`
		Share int64  `json:"share"`
	}
	var splits []splitShare
	for _, split := range w.recipe.Splits {
		splits = append(splits, splitShare{split.Name, split.Share})
	}
	digests := w.originals()
	var units []Node
	for _, name := range w.recipe.DatasetNames() {
		dataset, domain, _ := w.recipe.Dataset(name)
		units = append(units, Node{name, key(StageSplit, struct {
			Download string        `json:"download"`
			Dataset  string        `json:"dataset"`
			Domain   string        `json:"domain"`
			Record   recipe.Record `json:"record"`
			Splits   []splitShare  `json:"splits"`
			Seed     int64         `json:"seed"`
			Read     recipe.Read   `json:"read,omitzero"`
			measured
			Decontaminate *decontaminated   `json:"decontaminate,omitempty"`
			Compare       recipe.Comparison `json:"compare,omitempty"`
			WithoutRaw    bool              `json:"withoutRaw,omitempty"`
		}{
			digests[name], name, domain.Name, recordKey(dataset.Record), splits, w.recipe.Seed,
			dataset.Read, measuredKey(w.recipe), decontaminatedKey(w.recipe, digests), w.recipe.Compare,
			!w.recipe.Output.Holds(recipe.RawPart),
		})})
	}
	return units
}

// originals returns the digest of each finished download by name, followed by the digest of its files' names if rows depend on them.
func (w *walk) originals() map[string]string {
	digests := map[string]string{}
	for _, unit := range w.graph.Steps[0].Nodes {
		if done := w.results[unit.Key].Download; done != nil {
			digests[unit.Name] = done.Digest + done.Names
		}
	}
	return digests
}

// contents returns the digests of all divided data sets, sorted by name.
func (w *walk) contents() []string {
	var digests []string
	for _, unit := range w.graph.Steps[1].Nodes {
		digests = append(digests, w.results[unit.Key].Split.Digest)
	}
	return digests
}

func (w *walk) balance() []Node {
	return []Node{{w.recipe.Name, key(StageBalance, struct {
		Contents   []string       `json:"contents"`
		Domains    any            `json:"domains"`
		Splits     []recipe.Split `json:"splits"`
		MaxRepeats int64          `json:"maxRepeats"`
		Seed       int64          `json:"seed"`
		deduplicated
		measured
		Resample recipe.Resample `json:"resample,omitempty"`
	}{
		w.contents(), w.ratios(), w.recipe.Splits, w.recipe.MaxRepeats, w.recipe.Seed,
		deduplicatedKey(w.recipe), measuredKey(w.recipe), w.recipe.Resample,
	})}}
}

// ComparisonKey returns the key of what the balance stage finds by comparing rows, and drops. Shares, sizes and limits are not in it.
func ComparisonKey(r recipe.Recipe, results Results) string {
	var of struct {
		Datasets []string `json:"datasets"`
		Contents []string `json:"contents"`
		Splits   []string `json:"splits"`
		deduplicated
		measured
	}
	of.Datasets, of.deduplicated, of.measured = r.DatasetNames(), deduplicatedKey(r), measuredKey(r)
	for _, name := range of.Datasets {
		of.Contents = append(of.Contents, results.Split(name).Digest)
	}
	for _, split := range r.Splits {
		of.Splits = append(of.Splits, split.Name)
	}
	return key(StageBalance, of)
}

// ratios returns the shares and balances of domains and data sets, which is what the balance stage needs of them.
func (w *walk) ratios() any {
	type part struct {
		Name  string `json:"name"`
		Share int64  `json:"share,omitempty"`
	}
	type ratio struct {
		part
		Balance  recipe.Balance `json:"balance"`
		Datasets []part         `json:"datasets"`
	}
	var ratios []ratio
	for _, domain := range w.recipe.SortedDomains() {
		r := ratio{part: part{domain.Name, domain.Share}, Balance: domain.Balance}
		for _, dataset := range domain.Datasets {
			r.Datasets = append(r.Datasets, part{dataset.Name, dataset.Share})
		}
		ratios = append(ratios, r)
	}
	return ratios
}

// mixes returns the units of the mix stage: a mixed file depends on its own split's rows alone, so a new size of the test split leaves the train
// file as it is.
func (w *walk) mixes() ([]Node, error) {
	results := w.graph.Results(w.results)
	balanced := *results.Balance()
	counts := Remaining(w.recipe, results, balanced)
	for _, name := range w.recipe.DatasetNames() {
		if slices.ContainsFunc(counts[name].Rows, func(n int64) bool { return n < 0 }) {
			return nil, fmt.Errorf("of data set %s the balance stage dropped more rows than there are", name)
		}
	}
	planned, err := plan.New(w.recipe, counts)
	if err != nil {
		return nil, err
	}
	if digest := planned.Digest(); digest != balanced.Plan {
		return nil, fmt.Errorf("the balance stage planned %s, and its counts give %s: manager and worker disagree", balanced.Plan, digest)
	}
	w.graph.Plan = &planned
	contents := w.contents()
	var units []Node
	for _, shard := range w.recipe.Files() {
		split, _ := planned.Split(shard.Split)
		units = append(units, w.mix(shard, split, contents))
	}
	return units, nil
}

// mix returns the unit of one mixed file: what the balance stage dropped follows from the contents and from what is to be dropped.
func (w *walk) mix(shard recipe.Shard, split plan.Split, contents []string) Node {
	type part struct {
		Name string `json:"name"`
		Rows int64  `json:"rows"`
	}
	var parts []part
	for _, dataset := range split.Datasets() {
		parts = append(parts, part{dataset.Name, dataset.Rows})
	}
	format, columns, export := w.recipe.Output.Format, columnsKey(w.recipe), (*exported)(nil)
	if of, ok := w.recipe.Export(shard.Export); ok { // the same bytes beside mixed files of any format
		format, columns, export = "", nil, exportedKey(w.recipe, of)
	}
	return Node{shard.Name(), key(StageMix, struct {
		Contents []string      `json:"contents"`
		Overlap  string        `json:"overlap"`
		Split    string        `json:"split"`
		Parts    []part        `json:"parts"`
		Order    recipe.Order  `json:"order"`
		Format   recipe.Format `json:"format,omitempty"`
		Seed     int64         `json:"seed"`
		deduplicated
		measured
		Resample recipe.Resample `json:"resample,omitempty"`
		Shard    *sharded        `json:"shard,omitempty"`
		Columns  []string        `json:"columns,omitempty"`
		Export   *exported       `json:"export,omitempty"`
	}{
		contents, versions[StageBalance], split.Name, parts, w.recipe.Order, format, w.recipe.Seed,
		deduplicatedKey(w.recipe), measuredKey(w.recipe), w.recipe.Resample, shardKey(shard), columns, export,
	})}
}

// publish returns the unit of the publish stage: the published files state the whole recipe and every result, so all of them are in the key. Where
// the mix lies and how many revisions stay are not: they change no byte.
func (w *walk) publish() []Node {
	var results []Result
	for _, step := range w.graph.Steps {
		for _, unit := range step.Nodes {
			results = append(results, w.results[unit.Key].Content())
		}
	}
	return []Node{{w.recipe.Name, key(StagePublish, struct {
		Recipe  recipe.Recipe `json:"recipe"`
		Results []Result      `json:"results"`
	}{w.recipe.Content(), results})}}
}

// revisionLength is how many characters of the publish key name a revision.
const revisionLength = 10

// RevisionName returns the name of what a publish key publishes.
func RevisionName(publishKey string) string { return publishKey[:revisionLength] }

// key hashes canonical JSON (fixed field order, no floats, no maps but sorted ones) that begins with the stage's version.
func key(stage Stage, inputs any) string {
	return recipe.Digest(struct {
		Stage  string `json:"stage"`
		Inputs any    `json:"inputs"`
	}{versions[stage], inputs})
}
