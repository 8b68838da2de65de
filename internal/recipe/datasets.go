package recipe

import (
	"cmp"
	"slices"
	"strings"
)

// Name returns what shares are measured in, for a sentence.
func (u ShareUnit) Name() string { return strings.ToLower(string(u)) }

// Measured reports whether shares are measured in something other than rows, so that rows have units to count.
func (r Recipe) Measured() bool { return r.Unit == InBytes || r.Unit == InTokens }

// SortedDomains returns the domains by name, each with its data sets by name: the order in which all arithmetic is done.
func (r Recipe) SortedDomains() []Domain {
	domains := slices.Clone(r.Domains)
	for i := range domains {
		domains[i].Datasets = slices.Clone(domains[i].Datasets)
		slices.SortFunc(domains[i].Datasets, func(a, b Dataset) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(domains, func(a, b Domain) int { return cmp.Compare(a.Name, b.Name) })
	return domains
}

// Dataset finds a data set and its domain by name.
func (r Recipe) Dataset(name string) (Dataset, Domain, bool) {
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			if dataset.Name == name {
				return dataset, domain, true
			}
		}
	}
	return Dataset{}, Domain{}, false
}

// DatasetNames lists every data set by name, sorted: the order of every list by data set that a machine reads.
func (r Recipe) DatasetNames() []string {
	var names []string
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			names = append(names, dataset.Name)
		}
	}
	slices.Sort(names)
	return names
}
