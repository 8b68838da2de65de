package record

import (
	"slices"
	"sync"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Preset is a named mapping: nothing but one entry of the table below, in the language that every mapping is written in.
type Preset struct {
	// Name by which a manifest chooses the preset.
	Name string
	// Doc says in a sentence or two which rows it fits and what it makes of them, for the reference and the command line.
	Doc string
	// Record has the preset's expressions.
	Record recipe.Record

	mapping *mapping
}

// Unanswerable is the reference answer of a question that its context does not answer.
const Unanswerable = "unanswerable"

var presets = []Preset{
	{
		Name: "gsm8k",
		Doc:  "GSM8K (openai/gsm8k): question, and the number after the last \"#### \" of answer, without its commas. Numeric.",
		Record: recipe.Record{
			Question:        `row.question`,
			ReferenceAnswer: `row.answer.afterLast("####").number()`,
			AnswerType:      Numeric,
		},
	},
	{
		Name: "math",
		Doc:  "MATH (EleutherAI/hendrycks_math and its mirrors): problem, and what the last \\boxed or \\fbox of solution holds, as LaTeX; two rows of the data set have an empty box, and are kept. Text; keeps level and type.",
		Record: recipe.Record{
			Question:        `row.problem`,
			ReferenceAnswer: `row.solution.boxed()`,
			AnswerType:      Text,
			Answers:         recipe.OptionalAnswers,
			Metadata:        optional("level", "type"),
		},
	},
	{
		Name: "squad2",
		Doc:  "SQuAD 2.0 and 1.1 (rajpurkar/squad_v2, rajpurkar/squad, or the original nested JSON): context, an empty line and question; the first answer, or \"unanswerable\". Text; keeps title, is_impossible (\"true\" or \"false\") and the texts of all answers.",
		Record: recipe.Record{
			Question:        `row.context + "\n\n" + row.question`,
			ReferenceAnswer: `squadAnswer(row.answers, row.?is_impossible)`,
			AnswerType:      Text,
			Metadata: slices.Concat([]recipe.Metadata{{Name: KeyOriginalID, Value: `row.?id`}}, optional("title"), []recipe.Metadata{
				{Name: "is_impossible", Value: `row.answers.text == [] ? "true" : "false"`},
				{Name: "answers", Value: `row.answers.text`},
			}),
		},
	},
	{
		Name: "hotpotqa",
		Doc:  "HotpotQA (hotpotqa/hotpot_qa, either configuration, or the original JSON): question and answer, without the context. Text; keeps type and level where they are there.",
		Record: recipe.Record{
			Question:        `row.question`,
			ReferenceAnswer: `row.answer`,
			AnswerType:      Text,
			Metadata:        append([]recipe.Metadata{{Name: KeyOriginalID, Value: `row.?id.or(row.?_id)`}}, optional("type", "level")...),
		},
	},
	{
		Name: "hotpotqa-context",
		Doc:  "HotpotQA with its context: the paragraphs, each its title, a line end and its sentences, with empty lines between them and before question; answer. Text; keeps type and level where they are there.",
		Record: recipe.Record{
			Question:        `hotpotParagraphs(row.context) + "\n\n" + row.question`,
			ReferenceAnswer: `row.answer`,
			AnswerType:      Text,
			Metadata:        append([]recipe.Metadata{{Name: KeyOriginalID, Value: `row.?id.or(row.?_id)`}}, optional("type", "level")...),
		},
	},
	{
		Name: "humaneval",
		Doc:  "HumanEval (openai/openai_humaneval): prompt and canonical_solution, which continues it. Code; keeps test and entry_point.",
		Record: recipe.Record{
			Question:        `row.prompt`,
			ReferenceAnswer: `row.canonical_solution`,
			AnswerType:      Code,
			Metadata:        append([]recipe.Metadata{{Name: KeyOriginalID, Value: `row.task_id`}}, optional("test", "entry_point")...),
		},
	},
	{
		Name: "mbpp",
		Doc:  "MBPP (google-research-datasets/mbpp): prompt (configuration sanitized) or text (configuration full), and code. Code; keeps the tests and their set-up.",
		Record: recipe.Record{
			Question:        `row.?prompt.or(row.?text)`,
			ReferenceAnswer: `row.code`,
			AnswerType:      Code,
			Metadata:        append([]recipe.Metadata{{Name: KeyOriginalID, Value: `row.?task_id`}}, optional("test_list", "test_imports", "test_setup_code", "challenge_test_list")...),
		},
	},
}

// optional keeps fields under their own names, where they are there.
func optional(names ...string) []recipe.Metadata {
	members := make([]recipe.Metadata, len(names))
	for i, name := range names {
		members[i] = recipe.Metadata{Name: name, Value: "row.?" + name}
	}
	return members
}

// compiled is the table with every preset compiled, which takes some milliseconds, once in a program that needs it.
var compiled = sync.OnceValues(func() ([]Preset, error) {
	out := slices.Clone(presets)
	for i, p := range out {
		m, err := compile(p.Record, p.Name)
		if err != nil {
			return nil, contract.Within("preset "+p.Name, err)
		}
		out[i].mapping = m
	}
	return out, nil
})

// Presets lists the presets in the order of the documentation.
func Presets() []Preset {
	all, err := compiled()
	if err != nil {
		return slices.Clone(presets) // Which a test rules out.
	}
	return slices.Clone(all)
}

// PresetNames lists the names of the presets in the same order.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.Name
	}
	return names
}

// Lookup finds a preset by its name; a name that is unknown is an InvalidTask failure that lists those there are.
func Lookup(name string) (Preset, error) {
	if !slices.Contains(PresetNames(), name) {
		return Preset{}, contract.Failf(contract.InvalidTask, "there is no preset %q; the presets are %q", name, PresetNames())
	}
	all, err := compiled()
	if err != nil {
		return Preset{}, err
	}
	return all[slices.Index(PresetNames(), name)], nil
}

// Fields are the fields of a row that the preset looks at.
func (p Preset) Fields() []decode.Field { return p.mapping.Fields() }

// Map evaluates the preset for a row whose values stand in the order of Fields.
func (p Preset) Map(row decode.Row) (Content, error) { return p.mapping.Map(row) }
