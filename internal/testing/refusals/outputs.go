package refusals

// outputs are refusals of the output and of workers.
var outputs = []Case{
	{Name: "a cache of less than nothing", Edits: []Edit{{"spec.output.cache", map[string]any{"maxSize": "-1Gi"}}}, Want: []string{
		"spec.output.cache: Invalid value: The maxSize of a cache must not be negative.",
	}},
	{Name: "the priority of the cluster's own pods", Edits: []Edit{{"spec.worker", map[string]any{"priorityClassName": "system-node-critical"}}}, Want: []string{
		"spec.worker.priorityClassName: Invalid value: A priorityClassName that begins with system- is for pods of the cluster itself, which a worker must not push aside; name another one.",
	}},
	{Name: "a path out of the output claim", Edits: []Edit{{"spec.output.path", "../x"}}, Want: []string{
		"spec.output.path: Invalid value: spec.output.path in body should match '^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$'",
	}},
	{Name: "a proxy with credentials", Edits: []Edit{{"spec.worker", map[string]any{"proxy": map[string]any{"https": "http://jane:secret@proxy:3128"}}}}, Want: []string{
		`spec.worker.proxy.https: Invalid value: spec.worker.proxy.https in body should match '^(https?|socks5h?)://[^\s/?#@]+/?$'`,
	}},
	{Name: "a proxy", Edits: []Edit{{"spec.worker", map[string]any{"proxy": map[string]any{
		"http": "http://proxy:3128", "https": "socks5://proxy:1080/", "noProxy": []any{".svc", "10.0.0.0/8", "[::1]:80", "*.example.org"}}}}}},
	{Name: "no proxy at all", Edits: []Edit{{"spec.worker", map[string]any{"proxy": map[string]any{}}}}, Want: []string{
		"spec.worker.proxy: Invalid value: 0: spec.worker.proxy in body should have at least 1 properties",
	}},
	{Name: "too many shards", Edits: []Edit{{"spec.output.shards", int64(1025)}}, Want: []string{
		"spec.output.shards: Invalid value: 1025: spec.output.shards in body should be less than or equal to 1024",
	}, Also: []string{
		"spec: Invalid value: A mix must have at most 2048 mixed and exported files: the number of splits times the shards, once for the mix and once for each export.",
	}},
	{Name: "too many mixed files", Edits: []Edit{{"spec.output.shards", int64(1024)}, {"spec.splits.2", map[string]any{"name": "dev", "share": int64(1), "size": map[string]any{"policy": "KeepTotal"}}}}, Want: []string{
		"spec: Invalid value: A mix must have at most 2048 mixed and exported files: the number of splits times the shards, once for the mix and once for each export.",
	}},
	{Name: "too many reports on data sets", Edits: []Edit{{"spec.unit", "Bytes"}, {"spec.output.shards", int64(683)}}, Want: []string{
		"spec: Invalid value: With the unit Bytes or Tokens, or the resample WithReplacement, the number of splits times the shards times the data sets must be at most 8192, since each mixed file reports on each data set.",
	}},
	{Name: "as many files as there may be", Edits: []Edit{{"spec.output.shards", int64(1024)}, {"spec.output.format", "Parquet"}}},
	{Name: "as many reports as there may be", Edits: []Edit{{"spec.resample", "WithReplacement"}, {"spec.limits", nil}, {"spec.output.shards", int64(682)}}},
	{Name: "a revision without the mix", Edits: []Edit{{"spec.output.keep", []any{"Raw", "Test"}}}, Want: []string{
		"spec.output: Invalid value: A revision must hold the mix: keep Mixed, or have at least one export.",
	}},
	{Name: "a part twice", Edits: []Edit{{"spec.output.keep", []any{"Mixed", "Mixed"}}}, Want: []string{
		`spec.output.keep[1]: Duplicate value: "Mixed"`,
	}},
	{Name: "an unknown part", Edits: []Edit{{"spec.output.keep", []any{"Mixed", "Exports"}}}, Want: []string{
		`spec.output.keep[1]: Unsupported value: "Exports": supported values: "Raw", "Processed", "Mixed", "Test"`,
	}},
	{Name: "an export alone", Edits: []Edit{{"spec.output.keep", []any{"Test"}}, {"spec.output.exports", []any{map[string]any{"name": "rl", "format": "RL"}}}}},
	{Name: "the mixed files alone", Edits: []Edit{{"spec.output.keep", []any{"Mixed"}}}},
	{Name: "a claim and a template", Edits: []Edit{{"spec.output.volume.claimName", "c"}}, Want: []string{
		"spec.output.volume: Invalid value: An output volume must be exactly one of claimName and claimTemplate.",
	}},
	{Name: "Delete for another owner's claim", Edits: []Edit{
		{"spec.output.volume", map[string]any{"claimName": "c"}}, {"spec.output.deletionPolicy", "Delete"},
	}, Want: []string{
		"spec.output: Invalid value: The deletionPolicy Delete needs a claimTemplate: a claim that is named by claimName belongs to whoever made it.",
	}},
	{Name: "a claim of no size", Edits: []Edit{{"spec.output.volume.claimTemplate.size", "0"}}, Want: []string{
		"spec.output.volume.claimTemplate: Invalid value: The size of a claimTemplate must be greater than 0.",
	}},
	{Name: "a toleration of nothing", Edits: []Edit{{"spec.worker", map[string]any{"tolerations": []any{map[string]any{"value": "v"}}}}}, Want: []string{
		"spec.worker.tolerations[0]: Invalid value: A toleration without a key must have the operator Exists.",
	}},
	{Name: "too many reports on data sets that are drawn", Edits: []Edit{{"spec.resample", "WithReplacement"}, {"spec.limits", nil}, {"spec.output.shards", int64(683)}}, Want: []string{
		"spec: Invalid value: With the unit Bytes or Tokens, or the resample WithReplacement, the number of splits times the shards times the data sets must be at most 8192, since each mixed file reports on each data set.",
	}},
}
