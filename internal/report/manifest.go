package report

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Of returns the facts of a manifest that are reported.
func Of(m revision.Manifest) Revision {
	out := Revision{Mix: m.Name, ID: m.Revision, Seed: m.Recipe.Seed, Order: string(m.Recipe.Order), Compare: string(m.Recipe.Compare), Fields: m.Fields}
	if m.Recipe.Measured() {
		out.Unit = strings.ToLower(string(m.Recipe.Unit))
	}
	results := m.Results()
	summary := pipeline.Summarize(m.Recipe, &m.Plan, results)
	for i, plan := range m.Plan.Splits {
		out.Splits = append(out.Splits, Split{
			Name: plan.Name, Share: m.Recipe.Splits[i].Share, Policy: string(m.Recipe.Splits[i].Size.Policy), Rows: plan.Rows, Unique: known(summary.Split(i).Unique),
		})
	}
	for _, declared := range m.Recipe.Domains {
		domain := Domain{Name: declared.Name, Share: declared.Share}
		for _, split := range m.Plan.Splits {
			for _, plan := range split.Domains {
				if plan.Name == declared.Name {
					domain.Rows = append(domain.Rows, plan.Rows)
				}
			}
		}
		out.Domains = append(out.Domains, domain)
		if m.Recipe.Measured() {
			var units []int64
			for i := range m.Plan.Splits {
				units = append(units, known(summary.Domain(i, declared).Units))
			}
			out.Units = append(out.Units, units)
		}
		for _, dataset := range declared.Datasets {
			out.Datasets = append(out.Datasets, datasetOf(summary, results, declared.Name, dataset))
		}
	}
	out.Exports = exportsOf(m.Recipe, m.Plan)
	places := placesOf(m.Recipe)
	for _, file := range m.Files {
		out.Files = append(out.Files, fileOf(places, file))
	}
	return out
}

// known returns a count of a published mix, 0 for one that its recipe does not ask for.
func known(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func datasetOf(summary pipeline.Summary, results pipeline.Results, domain string, declared recipe.Dataset) Dataset {
	download, divided := results.Download(declared.Name), results.Split(declared.Name)
	out := Dataset{
		Name: declared.Name, Domain: domain, Source: SourceText(declared.Source), Mapping: cmp.Or(declared.Record.Preset, "expressions"),
		Resolved: cmp.Or(download.Revision, "sha256 "+download.Digest), License: download.License,
		Read: divided.Read, Dropped: drops(divided.Dropped),
	}
	var overlap, same, near int64
	for s := range summary.Plan.Splits {
		of := summary.Dataset(s, slices.Index(summary.Names, declared.Name))
		out.Splits = append(out.Splits, Counts{
			Rows: known(of.Available), Balanced: known(of.Balanced), Mixed: known(of.Mixed), Unique: known(of.Unique), MaxRepeats: known(of.MaxRepeats),
		})
		overlap += known(of.Overlap)
		out.Variants += known(of.Variants)
		same += known(of.Duplicates)
		near += known(of.NearDuplicates)
	}
	for _, drop := range []Drop{
		{"a later split has the same question", overlap},
		{"the split has a row with the same question and answer", same},
		{"a later split has nearly the same question", near},
	} {
		if drop.Rows > 0 {
			out.Dropped = append(out.Dropped, drop)
		}
	}
	return out
}

// Balanced returns the result of a revision's balance stage, the zero value if its manifest has none.
func Balanced(m revision.Manifest) pipeline.BalanceResult {
	if balanced := m.Results().Balance(); balanced != nil {
		return *balanced
	}
	return pipeline.BalanceResult{}
}

// drops returns the rows that the split stage dropped, by reason.
func drops(rows map[string]int64) []Drop {
	var out []Drop
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, Drop{Reason: cmp.Or(leftOut[reason], reason), Rows: rows[reason]})
	}
	return out
}

// leftOut has texts that complete "dropped because …", by the reasons of the split stage.
var leftOut = map[string]string{
	"where":               "the record's where does not keep it",
	"contaminated":        "a source to decontaminate against has the same question",
	"contaminated-ngrams": "the question overlaps one of a source to decontaminate against",
	"unmappable":          "the row has not what the record takes from it",
	"no-answer":           "the row has no reference answer",
	"not-a-number":        "the answer type is numeric and the reference answer is no number",
	"malformed":           "the row is malformed",
	"invalid-utf8":        "the row is not UTF-8",
	"duplicate-name":      "the row has a name twice in an object",
	"missing-field":       "a field that the record needs is not there",
	"wrong-shape":         "the row is no object, or has another number of fields than the header",
	"too-long":            "the row is too long",
}

// SourceText returns a source as text for people.
func SourceText(source recipe.Source) string {
	switch {
	case source.HuggingFace != nil:
		words := []string{source.HuggingFace.Repo}
		for _, word := range append([]string{source.HuggingFace.Config, source.HuggingFace.Split}, source.HuggingFace.Files...) {
			if word != "" {
				words = append(words, word)
			}
		}
		return strings.Join(words, ", ")
	case source.HTTP != nil:
		var urls []string
		for _, file := range source.HTTP.URLs {
			urls = append(urls, withoutQuery(file.URL))
		}
		return strings.Join(urls, ", ")
	case source.ObjectStore != nil:
		return strings.Join(append([]string{withoutQuery(source.ObjectStore.URL)}, source.ObjectStore.Files...), ", ")
	case source.OCI != nil:
		return strings.Join(append([]string{source.OCI.Reference}, source.OCI.Files...), ", ")
	default:
		return strings.Join(append([]string{"claim " + source.Volume.ClaimName, source.Volume.Path}, source.Volume.Files...), ", ")
	}
}

// withoutQuery removes the query, which may hold a signature.
func withoutQuery(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return url
}

// owner is the split, and the data set or export, that a file's rows belong to.
type owner struct{ split, dataset, export string }

// placesOf returns the owners of a recipe's files of rows, by the files' paths.
func placesOf(r recipe.Recipe) map[string]owner {
	places := map[string]owner{}
	for _, shard := range r.Shards() {
		places[revision.MixedFile(shard, r.Output.Format)] = owner{split: shard.Split}
		for _, export := range r.Output.Exports {
			shard.Export = export.Name
			places[revision.ExportFile(shard)] = owner{split: shard.Split, export: export.Name}
		}
	}
	for _, split := range r.Splits {
		for _, name := range r.DatasetNames() {
			places[revision.ProcessedFile(name, split.Name)] = owner{split: split.Name, dataset: name}
			places[revision.TestFile(name, split.Name)] = owner{split: split.Name, dataset: name}
		}
	}
	return places
}

func fileOf(places map[string]owner, file revision.PublishedFile) File {
	out := File{Path: file.Path, Bytes: file.Bytes, SHA256: file.SHA256}
	if file.Rows == nil {
		return out
	}
	out.Rows = *file.Rows
	place := places[file.Path]
	out.Split, out.Dataset, out.Export = place.split, place.dataset, place.export
	if strings.HasPrefix(file.Path, "raw/") {
		out.Dataset = strings.TrimSuffix(path.Base(file.Path), path.Ext(file.Path))
	}
	return out
}
