package refusals

import "strings"

// rows are refusals of how rows are read, mapped, measured and compared.
var rows = []Case{
	{Name: "an unknown preset", Edits: []Edit{{first + "record.preset", "gsm9k"}}, Want: []string{
		`spec.domains[0].datasets[0].record.preset: Unsupported value: "gsm9k": supported values: "gsm8k", "math", "squad2", "hotpotqa", "hotpotqa-context", "humaneval", "mbpp", "messages", "sharegpt", "preference", "alpaca", "text", "verl"`,
	}},
	{Name: "a member that is kept and that every row has", Edits: []Edit{{first + "record.keep", []any{"messages", "question"}}, {first + "record.keepAsText", []any{"tools"}}}, Want: []string{
		"spec.domains[0].datasets[0].record.keep[1]: Invalid value: A member that is kept must not be named id, dataset, domain, question, reference_answer, answer_type or metadata, which every row has; keep it under another name in metadata, or the whole row by \"*\".",
	}},
	{Name: "a member that is kept twice", Edits: []Edit{{first + "record.keep", []any{"tools", "tools"}}}, Want: []string{
		`spec.domains[0].datasets[0].record.keep[1]: Duplicate value: "tools"`,
	}},
	{Name: "an unknown scorer", Edits: []Edit{{first + "record.scorer", "Vibes"}}, Want: []string{
		`spec.domains[0].datasets[0].record.scorer: Unsupported value: "Vibes": supported values: "Numeric", "Formula", "Text", "NoAnswerText", "YesNoText", "Code"`,
	}},
	{Name: "no record", Edits: []Edit{{first + "record", map[string]any{"where": "row.keep"}}}, Want: []string{
		"spec.domains[0].datasets[0].record: Invalid value: A record must have exactly one of preset and question.",
	}},
	{Name: "a preset and a question", Edits: []Edit{{first + "record.question", "row.q"}, {first + "record.referenceAnswer", "row.a"}, {first + "record.answerType", "text"}}, Want: []string{
		"spec.domains[0].datasets[0].record: Invalid value: A record must have exactly one of preset and question.",
	}},
	{Name: "a question without an answer", Edits: []Edit{{first + "record", map[string]any{"question": "row.q", "answerType": "text"}}}, Want: []string{
		"spec.domains[0].datasets[0].record: Invalid value: The question, the referenceAnswer and the answerType of a record must be set together.",
	}},
	{Name: "metadata and a preset", Edits: []Edit{{first + "record.metadata", []any{map[string]any{"name": "id", "value": "row.id"}}}}, Want: []string{
		"spec.domains[0].datasets[0].record: Invalid value: A record with a preset must not have metadata: the preset has its own.",
	}},
	{Name: "metadata named source", Edits: []Edit{{first + "record", map[string]any{"question": "row.q", "referenceAnswer": "row.a", "answerType": "text",
		"metadata": []any{map[string]any{"name": "source", "value": "row.s"}}}}}, Want: []string{
		"spec.domains[0].datasets[0].record.metadata[0]: Invalid value: The name source is taken: it is the name of the data set in the metadata of every record.",
	}},
	{Name: "expressions", Edits: []Edit{
		{first + "record", map[string]any{"question": "row.q", "referenceAnswer": "row.a", "answerType": "numeric", "where": "row.keep", "groupBy": "row.title",
			"metadata": []any{map[string]any{"name": "original_id", "value": "row.id"}, map[string]any{"name": "level", "value": "row.?level"}}}},
		{"spec.domains.0.datasets.1.record.where", "row.level != 'Level 1'"}, {"spec.domains.0.datasets.1.record.groupBy", "row.type"},
	}},
	{Name: "a path out of the rows' document", Edits: []Edit{{first + "read", map[string]any{"path": "data..rows"}}}, Want: []string{
		`spec.domains[0].datasets[0].read.path: Invalid value: spec.domains[0].datasets[0].read.path in body should match '^[^.]+(\.[^.]+)*$'`,
	}},
	{Name: "a limit of bad rows that are not skipped", Edits: []Edit{{first + "read", map[string]any{"maxBadRows": int64(5)}}}, Want: []string{
		"spec.domains[0].datasets[0].read: Invalid value: The number maxBadRows must be set only with the onBadRow Skip.",
	}},
	{Name: "a tokenizer for rows", Edits: []Edit{{"spec.tokenizer", map[string]any{"encoding": "o200k_base"}}}, Want: []string{
		"spec: Invalid value: A tokenizer must be set only with the unit Tokens.",
	}},
	{Name: "a tokenizer for bytes", Edits: []Edit{{"spec.unit", "Bytes"}, {"spec.tokenizer", map[string]any{"encoding": "o200k_base"}}}, Want: []string{
		"spec: Invalid value: A tokenizer must be set only with the unit Tokens.",
	}},
	{Name: "two tokenizers", Edits: []Edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"encoding": "o200k_base", "file": "t.json", "sha256": digest}}}, Want: []string{
		"spec.tokenizer: Invalid value: A tokenizer must be exactly one of encoding and file.",
	}},
	{Name: "a tokenizer's file without its digest", Edits: []Edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"file": "t.json"}}}, Want: []string{
		"spec.tokenizer: Invalid value: The file and the sha256 of a tokenizer must be set together.",
	}},
	{Name: "a tokenizer's file out of the volume", Edits: []Edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"file": "/t.json", "sha256": digest}}}, Want: []string{
		"spec.tokenizer.file: Invalid value: A path must be a relative path without '..' segments.",
	}},
	{Name: "an unknown encoding", Edits: []Edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"encoding": "gpt2"}}}, Want: []string{
		`spec.tokenizer.encoding: Unsupported value: "gpt2": supported values: "o200k_base", "cl100k_base"`,
	}},
	{Name: "a probe named as a data set", Edits: []Edit{{"spec.decontaminate", map[string]any{"against": []any{datasetNamed("probe"), datasetNamed("mbpp")}}},
		{"spec.decontaminate.against.0.record", nil}, {"spec.decontaminate.against.1.record", nil},
		{"spec.decontaminate.against.0.preset", "gsm8k"}, {"spec.decontaminate.against.1.preset", "mbpp"}}, Want: []string{
		"spec: Invalid value: No source to decontaminate against may have the name of a data set.",
	}},
	{Name: "a probe without a question", Edits: []Edit{{"spec.decontaminate", map[string]any{"against": []any{datasetNamed("probe")}}}, {"spec.decontaminate.against.0.record", nil}}, Want: []string{
		"spec.decontaminate.against[0]: Invalid value: A source to decontaminate against must have exactly one of preset and question.",
	}},
	{Name: "a probe's name twice", Edits: []Edit{{"spec.decontaminate", map[string]any{"against": []any{datasetNamed("probe"), datasetNamed("probe")}}},
		{"spec.decontaminate.against.0.record", nil}, {"spec.decontaminate.against.1.record", nil}}, Want: []string{
		`spec.decontaminate.against[1]: Duplicate value: {"name":"probe"}`,
	}, Also: []string{
		"spec.decontaminate.against[0]: Invalid value: A source to decontaminate against must have exactly one of preset and question.",
		"spec.decontaminate.against[1]: Invalid value: A source to decontaminate against must have exactly one of preset and question.",
	}},
	{Name: "near duplicates of no percentage", Edits: []Edit{{"spec.nearDuplicates", map[string]any{"words": int64(5)}}}, Want: []string{
		"spec.nearDuplicates.percent: Required value",
	}},
	{Name: "a path and a table", Edits: []Edit{{first + "read", map[string]any{"path": "data", "table": map[string]any{"quote": "None"}}}}, Want: []string{
		"spec.domains[0].datasets[0].read: Invalid value: Only one of path and table must be set: the first is for a JSON document, the second for delimited text.",
	}},
	{Name: "a delimiter that is the quote", Edits: []Edit{{first + "read", map[string]any{"table": map[string]any{"delimiter": `"`}}}}, Want: []string{
		`spec.domains[0].datasets[0].read.table.delimiter: Invalid value: spec.domains[0].datasets[0].read.table.delimiter in body should match '^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x7e]$'`,
	}},
	{Name: "a tokenizer's file above the volume", Edits: []Edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"file": "../t.json", "sha256": digest}}}, Want: []string{
		"spec.tokenizer.file: Invalid value: A path must be a relative path without '..' segments.",
	}},
	{Name: "a probe with two questions", Edits: []Edit{{"spec.decontaminate", map[string]any{"against": []any{datasetNamed("probe")}}}, {"spec.decontaminate.against.0.record", nil},
		{"spec.decontaminate.against.0.preset", "gsm8k"}, {"spec.decontaminate.against.0.question", "row.q"}}, Want: []string{
		"spec.decontaminate.against[0]: Invalid value: A source to decontaminate against must have exactly one of preset and question.",
	}},
}

// digest is a SHA-256 of no file.
var digest = strings.Repeat("0123456789abcdef", 4)
