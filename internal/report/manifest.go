package report

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Of gives what a manifest says of its revision, in the words of the reports.
func Of(m contract.Manifest) Revision {
	out := Revision{Mix: m.Name, ID: m.Revision, Seed: m.Recipe.Seed, Order: string(m.Recipe.Order)}
	for i, plan := range m.Plan.Splits {
		split := Split{Name: plan.Name, Share: m.Recipe.Splits[i].Share, Policy: string(m.Recipe.Splits[i].Size.Policy), Rows: plan.Rows}
		for _, dataset := range plan.Datasets() {
			split.Unique += dataset.Unique
		}
		out.Splits = append(out.Splits, split)
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
		for _, dataset := range declared.Datasets {
			out.Datasets = append(out.Datasets, datasetOf(m, declared.Name, dataset))
		}
	}
	for _, file := range m.Files {
		out.Files = append(out.Files, fileOf(m, file))
	}
	return out
}

func datasetOf(m contract.Manifest, domain string, declared recipe.Dataset) Dataset {
	out := Dataset{Name: declared.Name, Domain: domain, Source: sourceText(declared.Source), Mapping: cmp.Or(declared.Record.Preset, "expressions")}
	for _, finished := range m.Stages {
		switch {
		case finished.Stage == recipe.Download && finished.Unit.Name == declared.Name:
			done := finished.Result.Download
			out.Resolved, out.License = cmp.Or(done.Revision, "sha256 "+done.Digest), done.License
		case finished.Stage == recipe.Divide && finished.Unit.Name == declared.Name:
			out.Read = finished.Result.Split.Read
			out.Dropped = drops(finished.Result.Split.Dropped)
		}
	}
	overlap := out.Read - out.DroppedRows()
	for _, split := range m.Plan.Splits {
		for _, plan := range split.Datasets() {
			if plan.Name == declared.Name {
				out.Splits = append(out.Splits, Counts{Rows: plan.Available, Balanced: plan.Balanced, Mixed: plan.Rows, Unique: plan.Unique, MaxRepeats: plan.MaxRepeats})
				overlap -= plan.Available
			}
		}
	}
	if overlap > 0 {
		out.Dropped = append(out.Dropped, Drop{Reason: "a later split has the same question", Rows: overlap})
	}
	return out
}

// drops lists what the split stage left out, by reason.
func drops(rows map[string]int64) []Drop {
	texts := map[string]string{"where": "the record's where does not keep it"}
	var out []Drop
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, Drop{Reason: cmp.Or(texts[reason], reason), Rows: rows[reason]})
	}
	return out
}

func sourceText(source recipe.Source) string {
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
	default:
		return strings.Join(append([]string{"claim " + source.Volume.ClaimName, source.Volume.Path}, source.Volume.Files...), ", ")
	}
}

// withoutQuery leaves out what may be a signature.
func withoutQuery(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return url
}

func fileOf(m contract.Manifest, file contract.PublishedFile) File {
	out := File{Path: file.Path, Bytes: file.Bytes, SHA256: file.SHA256}
	if file.Rows == nil {
		return out
	}
	out.Rows = *file.Rows
	for _, split := range m.Recipe.Splits {
		if file.Path == contract.MixedFile(split.Name) {
			out.Split = split.Name
		}
		for _, name := range m.Recipe.DatasetNames() {
			if file.Path == contract.ProcessedFile(name, split.Name) || file.Path == contract.TestFile(name, split.Name) {
				out.Split, out.Dataset = split.Name, name
			}
		}
	}
	if strings.HasPrefix(file.Path, "raw/") {
		out.Dataset = strings.TrimSuffix(path.Base(file.Path), path.Ext(file.Path))
	}
	return out
}
