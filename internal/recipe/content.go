package recipe

import "slices"

// Content returns the recipe without what changes no published byte: the folder on the volume, the number of revisions and the
// bytes of originals that are kept, when sources were resolved anew, what they were expected to hold, and the policy. Its sources are
// Published.
func (r Recipe) Content() Recipe {
	r.Output.Path, r.Output.KeepRevisions, r.Output.CacheSize, r.Policy = "", 0, 0, nil
	return mapSources(r, func(from Source) Source {
		from.Refresh, from.Expect = "", nil
		return from.Published()
	})
}

// mapSources returns a recipe whose sources are changed; r stays as it is.
func mapSources(r Recipe, change func(Source) Source) Recipe {
	r.Domains = slices.Clone(r.Domains)
	for d := range r.Domains {
		datasets := slices.Clone(r.Domains[d].Datasets)
		for i := range datasets {
			datasets[i].Source = change(datasets[i].Source)
		}
		r.Domains[d].Datasets = datasets
	}
	if r.Decontaminate != nil {
		probes := *r.Decontaminate
		probes.Against = slices.Clone(probes.Against)
		for i := range probes.Against {
			probes.Against[i].Source = change(probes.Against[i].Source)
		}
		r.Decontaminate = &probes
	}
	return r
}

// EvaluationSplit returns the split whose rows are also published per data set, to evaluate each alone: the last declared one.
// A mix with one split has none.
func (r Recipe) EvaluationSplit() string {
	if len(r.Splits) < 2 {
		return ""
	}
	return r.Splits[len(r.Splits)-1].Name
}
