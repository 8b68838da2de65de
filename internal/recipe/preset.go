package recipe

import "slices"

// Preset is a named mapping: nothing but one entry of the table below, in the language that every mapping is written in.
type Preset struct {
	// Name by which a manifest chooses the preset.
	Name string
	// Version is the name of the preset in a recipe: Name until its mapping changes, then a new one for each mapping, so that rows of one
	// mapping never have the keys of another.
	Version string
	// Doc is a sentence or two on which rows the preset fits and what it makes of them, for the reference and the command line.
	Doc string
	// Changed is what the mapping changed; empty for a first mapping.
	Changed string
	// Record has the preset's expressions and its other settings.
	Record Record
}

// Answer types and a name of metadata in records. internal/record and internal/mapping document both.
const (
	numeric, text, code = "numeric", "text", "code"
	originalID          = "original_id"
)

var presets = []Preset{
	{
		Name: "gsm8k",
		Doc:  "GSM8K (openai/gsm8k): question, and the number after the last \"#### \" of answer, without its commas. Numeric.",
		Record: Record{
			Question:        `row.question`,
			ReferenceAnswer: `row.answer.afterLast("####").number()`,
			AnswerType:      numeric,
		},
	},
	{
		Name: "math",
		Doc:  "MATH (EleutherAI/hendrycks_math and its mirrors): problem, and what the last \\boxed or \\fbox of solution holds, as LaTeX; two rows of the data set have an empty box, and are kept. Text; keeps level and type.",
		Record: Record{
			Question:        `row.problem`,
			ReferenceAnswer: `row.solution.boxed()`,
			AnswerType:      text,
			Answers:         OptionalAnswers,
			Metadata:        optional("level", "type"),
			Scorer:          FormulaScorer,
		},
	},
	{
		Name: "squad2",
		Doc:  "SQuAD 2.0 and 1.1 (rajpurkar/squad_v2, rajpurkar/squad, or the original nested JSON): context, an empty line and question; the first answer, or \"unanswerable\". Text; keeps title, is_impossible (\"true\" or \"false\") and the texts of all answers.",
		Record: Record{
			Question:        `row.context + "\n\n" + row.question`,
			ReferenceAnswer: `squadAnswer(row.answers, row.?is_impossible)`,
			AnswerType:      text,
			Metadata: slices.Concat([]Metadata{{Name: originalID, Value: `row.?id`}}, optional("title"), []Metadata{
				{Name: "is_impossible", Value: `row.answers.text == [] ? "true" : "false"`},
				{Name: "answers", Value: `row.answers.text`},
			}),
			Scorer: NoAnswerTextScorer,
		},
	},
	{
		Name:   "hotpotqa",
		Doc:    "HotpotQA (hotpotqa/hotpot_qa, either configuration, or the original JSON): question and answer, without the context. Text; keeps type and level where they are there.",
		Record: hotpot(`row.question`),
	},
	{
		Name:   "hotpotqa-context",
		Doc:    "HotpotQA with its context: the paragraphs, each its title, a line end and its sentences, with empty lines between them and before question; answer. Text; keeps type and level where they are there.",
		Record: hotpot(`hotpotParagraphs(row.context) + "\n\n" + row.question`),
	},
	{
		Name: "humaneval",
		Doc:  "HumanEval (openai/openai_humaneval): prompt and canonical_solution, which continues it. Code; keeps test and entry_point.",
		Record: Record{
			Question:        `row.prompt`,
			ReferenceAnswer: `row.canonical_solution`,
			AnswerType:      code,
			Metadata:        append([]Metadata{{Name: originalID, Value: `row.task_id`}}, optional("test", "entry_point")...),
		},
	},
	{
		Name:    "mbpp",
		Version: "mbpp/v2",
		Doc:     "MBPP (google-research-datasets/mbpp): prompt (configuration sanitized) or text (configuration full), and the tests that the code should pass, which alone name its function; code. Code; keeps the tests and their set-up.",
		Changed: "the tests stand in the question; before, a model could not know what to call the function.",
		Record: Record{
			Question:        `(has(row.prompt) ? row.prompt : has(row.text) ? row.text : fail("none of the fields prompt and text is there")) + "\n\nYour code should pass these tests:\n\n" + row.test_list.join("\n")`,
			ReferenceAnswer: `row.code`,
			AnswerType:      code,
			Metadata:        append([]Metadata{{Name: originalID, Value: `row.?task_id`}}, optional("test_list", "test_imports", "test_setup_code", "challenge_test_list")...),
		},
	},
	{
		Name:   "messages",
		Doc:    "Chats as OpenAI, TRL and most of the Hub write them: messages, a list of turns with role and content, or a text of JSON that holds one. The texts of the user's turns, with empty lines between them; the last text of the assistant. Text; keeps messages and tools as they are. Every turn is decontaminated.",
		Record: chat("messages", "messages", "tools"),
	},
	{
		Name:   "sharegpt",
		Doc:    "Chats as ShareGPT writes them: conversations, a list of turns with from (human, gpt, system) and value. As messages; keeps conversations, system and tools.",
		Record: chat("conversations", "conversations", "system", "tools"),
	},
	{
		Name: "preference",
		Doc:  "Preference pairs: prompt, chosen and rejected, each a text or a list of turns; without prompt, the turns before the answers stand in both lists. The prompt, of a list the texts of the user's turns; what is chosen, of a list the last text of the assistant. Text; keeps prompt, chosen and rejected as they are. What is chosen and what is rejected are decontaminated, too.",
		Record: Record{
			Question:        `has(row.prompt) && type(row.prompt) == string ? row.prompt : (has(row.prompt) ? row.prompt : row.chosen).turns("user").join("\n\n")`,
			ReferenceAnswer: `type(row.chosen) == string ? row.chosen : row.chosen.turns("assistant").last()`,
			AnswerType:      text,
			Keep:            []string{"chosen", "prompt", "rejected"},
			Decontaminate:   []string{`type(row.chosen) == string ? [row.chosen] : row.chosen.turns()`, `type(row.rejected) == string ? [row.rejected] : row.rejected.turns()`},
		},
	},
	{
		Name: "alpaca",
		Doc:  "Instructions as Alpaca writes them: instruction and, where there is one, an empty line and input; output. Text; keeps instruction, input, output, system and history as they are.",
		Record: Record{
			Question:        `row.?input.orValue("") == "" ? row.instruction : row.instruction + "\n\n" + row.input`,
			ReferenceAnswer: `row.output`,
			AnswerType:      text,
			Keep:            []string{"history", "input", "instruction", "output", "system"},
		},
	},
	{
		Name: "text",
		Doc:  "Plain text: text is the question, and there is no answer. Text.",
		Record: Record{
			Question:        `row.text`,
			ReferenceAnswer: `""`,
			AnswerType:      text,
		},
	},
	{
		Name: "verl",
		Doc:  "Rows as verl reads them: prompt, a list of turns, of which the user's are the question, and reward_model.ground_truth, of which anything but a text or a number is written as JSON. Text; keeps data_source, prompt, ability, reward_model and extra_info as they are.",
		Record: Record{
			Question:        `row.prompt.turns("user").join("\n\n")`,
			ReferenceAnswer: `type(row.reward_model.ground_truth) in [list, map, bool] ? jsonText(row.reward_model.ground_truth) : row.reward_model.ground_truth`,
			AnswerType:      text,
			Keep:            []string{"ability", "data_source", "extra_info", "prompt", "reward_model"},
		},
	},
}

// hotpot returns the record of HotpotQA. The question says what is shown.
func hotpot(question string) Record {
	return Record{
		Question:        question,
		ReferenceAnswer: `row.answer`,
		AnswerType:      text,
		Metadata:        append([]Metadata{{Name: originalID, Value: `row.?id.or(row.?_id)`}}, optional("type", "level")...),
		Scorer:          YesNoTextScorer,
	}
}

// chat returns the record of a list of turns.
func chat(turns string, keep ...string) Record {
	return Record{
		Question:        "row." + turns + `.turns("user").join("\n\n")`,
		ReferenceAnswer: "row." + turns + `.turns("assistant").last()`,
		AnswerType:      text,
		Keep:            keep,
		Decontaminate:   []string{"row." + turns + ".turns()"},
	}
}

// optional keeps fields under their own names, where they are there.
func optional(names ...string) []Metadata {
	members := make([]Metadata, len(names))
	for i, name := range names {
		members[i] = Metadata{Name: name, Value: "row.?" + name}
	}
	return members
}

// Presets lists the presets in the order of the documentation.
func Presets() []Preset {
	all := slices.Clone(presets)
	for i := range all {
		if all[i].Version == "" {
			all[i].Version = all[i].Name
		}
	}
	return all
}

// PresetVersion returns the name in a recipe of a manifest's preset; of an unknown preset, the manifest's name.
func PresetVersion(name string) string {
	for _, p := range Presets() {
		if p.Name == name {
			return p.Version
		}
	}
	return name
}

// FindPreset finds a preset by the name that a recipe has for it.
func FindPreset(version string) (Preset, bool) {
	all := Presets()
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Version == version })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

// Resolved returns the record with the settings of its preset in place of the preset's name. With an unknown preset, it returns the record as it is.
func (r Record) Resolved() Record {
	p, ok := FindPreset(r.Preset)
	if !ok {
		return r
	}
	out := p.Record
	out.Where, out.GroupBy, out.Rule = r.Where, r.GroupBy, r.Rule
	if r.Answers != "" {
		out.Answers = r.Answers
	}
	if r.Scorer != "" {
		out.Scorer = r.Scorer
	}
	out.Keep, out.KeepAsText = union(out.Keep, r.Keep), union(out.KeepAsText, r.KeepAsText)
	out.Decontaminate = slices.Concat(out.Decontaminate, r.Decontaminate)
	return out
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
