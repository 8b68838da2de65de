package recipe

// Content is the recipe without what changes no published byte: the folder on the volume and the number of revisions kept.
func (r Recipe) Content() Recipe {
	r.Output.Path, r.Output.KeepRevisions = "", 0
	return r
}

// EvaluationSplit is the split whose rows are also published per data set, to evaluate each alone: the last declared one.
// A mix with one split has none.
func (r Recipe) EvaluationSplit() string {
	if len(r.Splits) < 2 {
		return ""
	}
	return r.Splits[len(r.Splits)-1].Name
}
