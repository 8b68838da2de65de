package recipe

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
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

// queryDigest begins what takes the place of an address's query.
const queryDigest = "?sha256:"

// Published returns the source as anyone may read it: the query of an address, which may hold a signature or a token, is replaced by its digest.
// Sources with different queries stay different, and the published source has the key of the original one.
func (s Source) Published() Source {
	if s.HTTP == nil {
		return s
	}
	bare := *s.HTTP
	bare.URLs = slices.Clone(bare.URLs)
	for i, file := range bare.URLs {
		address, query, found := strings.Cut(file.URL, "?")
		if digest, done := strings.CutPrefix("?"+query, queryDigest); !found || done && IsHex(digest, 2*sha256.Size) {
			continue
		}
		bare.URLs[i].URL = fmt.Sprintf("%s%s%x", address, queryDigest, sha256.Sum256([]byte(query)))
	}
	s.HTTP = &bare
	return s
}

// Probes lists the probes sorted by name: their order in a manifest means nothing.
func (r Recipe) Probes() []Probe {
	if r.Decontaminate == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(r.Decontaminate.Against), func(a, b Probe) int { return cmp.Compare(a.Name, b.Name) })
}
