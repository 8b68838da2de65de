package refusals

import "strings"

// mixes are refusals of names, seeds, shares and sizes.
var mixes = []Case{
	{Name: "a refresh without end", Edits: []Edit{{"spec.refresh", map[string]any{"everySeconds": int64(59)}}}, Want: []string{
		"spec.refresh.everySeconds: Invalid value: 59: spec.refresh.everySeconds in body should be greater than or equal to 60",
	}},
	{Name: "a name too long for Jobs", Edits: []Edit{{"metadata.name", strings.Repeat("a", 41)}}, Want: []string{
		"<nil>: Invalid value: The name of a DatasetMix must be at most 40 characters long and contain no dot, so that the names of its Jobs and pods fit.",
	}},
	{Name: "a name with a dot", Edits: []Edit{{"metadata.name", "a.b"}}, Want: []string{
		"<nil>: Invalid value: The name of a DatasetMix must be at most 40 characters long and contain no dot, so that the names of its Jobs and pods fit.",
	}},
	{Name: "no seed", Edits: []Edit{{"spec.seed", nil}}, Want: []string{"spec.seed: Required value"}},
	{Name: "a seed that is no integer", Edits: []Edit{{"spec.seed", 1.5}}, Want: []string{
		`<nil>: Invalid value: "": Checked value must be of type integer with format int64 in spec.seed`,
		`spec.seed: Invalid value: "float64": spec.seed in body must be of type int64: "float64"`,
	}},
	{Name: "an unknown field", Edits: []Edit{{"spec.sed", int64(1)}}, Want: []string{"spec.sed: Invalid value: unknown field"}, Decoding: `unknown field "spec.sed"`},
	{Name: "the license unknown", Edits: []Edit{{"spec.policy", map[string]any{"licenses": []any{"mit", "unknown"}}}}, Want: []string{
		"spec.policy: Invalid value: The licenses of a policy must not have unknown, which is no license: set unknownLicenses to Allow.",
	}},
	{Name: "a data set's name twice in a domain", Edits: []Edit{{"spec.domains.0.datasets.1.name", "gsm8k"}}, Want: []string{
		`spec.domains[0].datasets[1]: Duplicate value: {"name":"gsm8k"}`,
	}},
	{Name: "a data set's name twice in the mix", Edits: []Edit{{"spec.domains.1.datasets.1.name", "gsm8k"}}, Want: []string{
		"spec: Invalid value: The names of data sets must be unique over all domains.",
	}},
	{Name: "too many data sets", Edits: []Edit{
		{"spec.domains.0.datasets", datasets("x", 32)}, {"spec.domains.1.datasets", datasets("y", 32)},
	}, Want: []string{"spec: Invalid value: A mix must have at most 64 data sets over all domains."}},
	{Name: "a share of zero", Edits: []Edit{{"spec.domains.0.share", int64(0)}}, Want: []string{
		"spec.domains[0]: Invalid value: The share of a domain must be greater than 0 and at most 1000000.",
	}},
	{Name: "a negative share", Edits: []Edit{{"spec.splits.0.share", "-0.5"}}, Want: []string{
		"spec.splits[0]: Invalid value: The share of a split must be greater than 0 and at most 1000000.",
	}},
	{Name: "a share that is no number", Edits: []Edit{{"spec.splits.0.share", "half"}}, Want: []string{
		`spec.splits[0].share: Invalid value: spec.splits[0].share in body should match '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$'`,
	}, Also: []string{
		"spec.splits[0]: Invalid value: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' evaluating rule: The share of a split must be greater than 0 and at most 1000000.",
	}},
	{Name: "a data set's share without balance Shares", Edits: []Edit{{first + "share", int64(1)}}, Want: []string{
		"spec.domains[0]: Invalid value: Every data set of a domain must have a share if the domain's balance is Shares, and none must otherwise.",
	}},
	{Name: "balance Shares without every share", Edits: []Edit{{"spec.domains.0.balance", "Shares"}, {first + "share", int64(1)}}, Want: []string{
		"spec.domains[0]: Invalid value: Every data set of a domain must have a share if the domain's balance is Shares, and none must otherwise.",
	}},
	{Name: "a data set's share of zero", Edits: []Edit{{"spec.domains.0.balance", "Shares"}, {first + "share", "0"}, {"spec.domains.0.datasets.1.share", "1"}}, Want: []string{
		"spec.domains[0].datasets[0]: Invalid value: The share of a data set must be greater than 0 and at most 1000000.",
	}},
	{Name: "rows without the policy Rows", Edits: []Edit{{"spec.splits.0.size.rows", int64(5)}}, Want: []string{
		"spec.splits[0].size: Invalid value: A size must have rows if its policy is Rows, and must not otherwise.",
	}},
	{Name: "the policy Rows without rows", Edits: []Edit{{"spec.splits.0.size.policy", "Rows"}}, Want: []string{
		"spec.splits[0].size: Invalid value: A size must have rows if its policy is Rows, and must not otherwise.",
	}},
	{Name: "a limit of repeats where draws decide", Edits: []Edit{{"spec.resample", "WithReplacement"}, {"spec.limits", map[string]any{"maxRepeats": int64(5)}}}, Want: []string{
		"spec: Invalid value: The limit maxRepeats must not be set with the resample WithReplacement, where the draws decide how often a row appears.",
	}},
	{Name: "no repeats where draws decide", Edits: []Edit{{"spec.resample", "WithReplacement"}, {"spec.splits.1.size.policy", "NoRepeat"}, {"spec.limits", nil}}, Want: []string{
		"spec: Invalid value: No split may have the size NoRepeat with the resample WithReplacement, which repeats rows by chance.",
	}},
}

// datasets returns n data sets, whose names begin with a prefix.
func datasets(prefix string, n int) []any {
	var list []any
	for i := range n {
		list = append(list, datasetNamed(prefix+string(rune('a'+i/26))+string(rune('a'+i%26))))
	}
	return list
}

// datasetNamed returns a data set that is valid.
func datasetNamed(name string) map[string]any {
	return map[string]any{
		"name":   name,
		"source": map[string]any{"volume": map[string]any{"claimName": "c"}},
		"record": map[string]any{"preset": "gsm8k"},
	}
}
