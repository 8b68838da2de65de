package recipe

import (
	"cmp"
	"slices"
)

// NamedSource is what one unit of the download stage fetches: the files of a data set or of a probe.
type NamedSource struct {
	Name   string
	Source Source
}

// Sources lists the sources of all data sets and probes, sorted by name. No probe has the name of a data set.
func (r Recipe) Sources() []NamedSource {
	var sources []NamedSource
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			sources = append(sources, NamedSource{dataset.Name, dataset.Source})
		}
	}
	for _, probe := range r.Probes() {
		sources = append(sources, NamedSource{probe.Name, probe.Source})
	}
	slices.SortFunc(sources, func(a, b NamedSource) int { return cmp.Compare(a.Name, b.Name) })
	return sources
}

// Source finds the source of a data set or of a probe by name.
func (r Recipe) Source(name string) (NamedSource, bool) {
	for _, source := range r.Sources() {
		if source.Name == name {
			return source, true
		}
	}
	return NamedSource{}, false
}

// Probes lists the probes sorted by name: their order in a manifest means nothing.
func (r Recipe) Probes() []Probe {
	if r.Decontaminate == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(r.Decontaminate.Against), func(a, b Probe) int { return cmp.Compare(a.Name, b.Name) })
}
