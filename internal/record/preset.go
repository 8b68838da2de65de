package record

import (
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
)

// Preset is a named mapping: nothing but one entry of the table below. Its parts are expressions over the fields of a row.
// A reference answer that cannot be found fails the row, and so does an empty question; an answer that the source gives as
// empty stays empty.
type Preset struct {
	// Name by which a manifest chooses the preset.
	Name string
	// Doc says in a sentence or two which rows it fits and what it makes of them, for the reference and the command line.
	Doc string

	wants      []decode.Field
	question   expression
	answer     expression
	answerType string
	originalID expression // "" is none
	keeps      []kept
}

// expression computes a string from a row.
type expression func(fields) (string, error)

// kept is a member of the metadata. Where value gives nil the record has no such member.
type kept struct {
	key   string
	value func(fields) (any, error)
}

var presets = []Preset{
	{
		Name:       "gsm8k",
		Doc:        "GSM8K (openai/gsm8k): question, and the number after the last \"#### \" of answer, without its commas. Numeric.",
		wants:      decode.Required("question", "answer"),
		question:   field("question"),
		answer:     numberAfter("answer", "####"),
		answerType: Numeric,
	},
	{
		Name:       "math",
		Doc:        "MATH (EleutherAI/hendrycks_math and its mirrors): problem, and what the last \\boxed or \\fbox of solution holds, as LaTeX. Text; keeps level and type.",
		wants:      slices.Concat(decode.Required("problem", "solution"), decode.Optional("level", "type")),
		question:   field("problem"),
		answer:     boxed("solution"),
		answerType: Text,
		keeps:      []kept{as("level"), as("type")},
	},
	{
		Name:       "squad2",
		Doc:        "SQuAD 2.0 and 1.1 (rajpurkar/squad_v2, rajpurkar/squad, or the original nested JSON): context, an empty line and question; the first answer, or \"unanswerable\". Text; keeps title, is_impossible (\"true\" or \"false\") and the texts of all answers.",
		wants:      slices.Concat(decode.Required("context", "question", "answers"), decode.Optional("id", "title", "is_impossible")),
		question:   joined("\n\n", field("context"), field("question")),
		answer:     firstAnswer,
		answerType: Text,
		originalID: id("id"),
		keeps:      []kept{as("title"), {"is_impossible", isImpossible}, {"answers", answerTexts}},
	},
	{
		Name:       "hotpotqa",
		Doc:        "HotpotQA (hotpotqa/hotpot_qa, either configuration, or the original JSON): question and answer, without the context. Text; keeps type and level where they are there.",
		wants:      slices.Concat(decode.Required("question", "answer"), decode.Optional("id", "_id", "type", "level")),
		question:   field("question"),
		answer:     field("answer"),
		answerType: Text,
		originalID: id("id", "_id"),
		keeps:      []kept{as("type"), as("level")},
	},
	{
		Name:       "hotpotqa-context",
		Doc:        "HotpotQA with its context: the paragraphs, each its title, a line end and its sentences, with empty lines between them and before question; answer. Text; keeps type and level where they are there.",
		wants:      slices.Concat(decode.Required("context", "question", "answer"), decode.Optional("id", "_id", "type", "level")),
		question:   joined("\n\n", paragraphs("context"), field("question")),
		answer:     field("answer"),
		answerType: Text,
		originalID: id("id", "_id"),
		keeps:      []kept{as("type"), as("level")},
	},
	{
		Name:       "humaneval",
		Doc:        "HumanEval (openai/openai_humaneval): prompt and canonical_solution, which continues it. Code; keeps test and entry_point.",
		wants:      slices.Concat(decode.Required("task_id", "prompt", "canonical_solution"), decode.Optional("test", "entry_point")),
		question:   field("prompt"),
		answer:     field("canonical_solution"),
		answerType: Code,
		originalID: id("task_id"),
		keeps:      []kept{as("test"), as("entry_point")},
	},
	{
		Name:       "mbpp",
		Doc:        "MBPP (google-research-datasets/mbpp): prompt (configuration sanitized) or text (configuration full), and code. Code; keeps the tests and their set-up.",
		wants:      slices.Concat(decode.Required("code"), decode.Optional("prompt", "text", "task_id", "test_list", "test_imports", "test_setup_code", "challenge_test_list")),
		question:   oneOf("prompt", "text"),
		answer:     field("code"),
		answerType: Code,
		originalID: id("task_id"),
		keeps:      []kept{as("test_list"), as("test_imports"), as("test_setup_code"), as("challenge_test_list")},
	},
}

// Presets lists the presets in the order of the documentation.
func Presets() []Preset { return slices.Clone(presets) }

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
	for _, p := range presets {
		if p.Name == name {
			return p, nil
		}
	}
	return Preset{}, contract.Failf(contract.InvalidTask, "there is no preset %q; the presets are %q", name, PresetNames())
}

// Fields are the fields of a row that the preset looks at.
func (p Preset) Fields() []decode.Field { return slices.Clone(p.wants) }

// Map evaluates the preset for a row whose values stand in the order of Fields.
func (p Preset) Map(row decode.Row) (Content, error) {
	if len(row.Values) != len(p.wants) {
		return Content{}, row.Failf("the preset %s wants %d fields and the row has %d", p.Name, len(p.wants), len(row.Values))
	}
	content, err := p.content(fields{p.wants, row.Values})
	if err != nil {
		return Content{}, row.Failf("%w", err)
	}
	return content, nil
}

func (p Preset) content(row fields) (c Content, err error) {
	c.AnswerType = p.answerType
	if c.Question, err = p.question(row); err != nil {
		return c, err
	}
	if c.Question == "" {
		return c, errEmpty
	}
	if c.ReferenceAnswer, err = p.answer(row); err != nil {
		return c, err
	}
	if p.originalID != nil {
		if c.OriginalID, err = p.originalID(row); err != nil {
			return c, err
		}
	}
	for _, k := range p.keeps {
		v, err := k.value(row)
		if err != nil {
			return c, err
		}
		if v == nil {
			continue
		}
		value, err := ValueOf(v)
		if err != nil {
			return c, err
		}
		c.Kept = append(c.Kept, Entry{k.key, value})
	}
	return c, nil
}
