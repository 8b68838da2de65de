package export

import (
	"slices"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// rl is the format for reinforcement learning with rewards that can be computed. TRL and Axolotl read prompt and hand the other columns
// to the reward; verl reads prompt, data_source, ability, reward_model and extra_info; OpenRLHF reads prompt, label and datasource.
type rl struct {
	prompted bool // by a system prompt, or by what rows keep
	label    labels
	source   []byte
	box      []byte
}

// promptFields are the turns of prompts that no system prompt begins: each row has its own.
var promptFields = []encode.Field{{Name: "role"}, {Name: "content", Own: true}}

// rlFields are the columns. Those that repeat another are there because each trainer has its own name for what it reads.
var rlFields = []encode.Field{
	{Name: "prompt", List: true, Fields: turnFields},
	{Name: "solution"},
	{Name: "data_source"},
	{Name: "datasource", Same: "data_source"},
	{Name: "ability"},
	{Name: "task"},
	{Name: "reward_model", Fields: []encode.Field{{Name: "style"}, {Name: "ground_truth"}}},
	{Name: "label", Same: "reward_model.ground_truth"},
	{Name: "extra_info", Fields: []encode.Field{
		{Name: "id"},
		{Name: "index", Integer: true},
		{Name: "split"},
		{Name: "dataset"},
		{Name: "domain", Same: "ability"},
		{Name: "answer_type", Same: "task"},
		{Name: "question", Own: true},
		{Name: "metadata", Own: true},
	}},
	{Name: "id", Same: "extra_info.id"},
	{Name: "dataset", Same: "extra_info.dataset"},
	{Name: "domain", Same: "ability"},
	{Name: "answer_type", Same: "task"},
	{Name: "reference_answer"},
}

// The places, among all leaves, of those that do not repeat another.
const (
	rlRole = iota
	rlContent
	rlSolution
	rlSource
	_
	rlDomain
	rlType
	rlStyle
	rlLabel
	_
	rlID
	rlIndex
	rlSplit
	rlDataset
	_
	_
	rlQuestion
	rlMetadata
	_
	_
	_
	_
	rlAnswer
)

// sourcePrefix comes before the name of a data set: a trainer that knows a data set by its bare name would score it by its own rule.
const sourcePrefix = "datasetmix/"

func (f *rl) fields() []encode.Field {
	if f.prompted {
		return rlFields
	}
	fields := slices.Clone(rlFields)
	fields[0].Fields = promptFields
	return fields
}

func (f *rl) add(x *Rows, to *encode.Table) error {
	r := &x.row
	scorer := f.label.scorer(r)
	f.source = append(append(f.source[:0], sourcePrefix...), r.dataset...)
	if err := f.prompt(x, scorer, to); err != nil {
		return err
	}
	to.Text(rlSolution, f.solution(r, scorer))
	to.Text(rlSource, f.source)
	to.Text(rlDomain, r.domain)
	to.Text(rlType, r.answerType)
	to.Text(rlStyle, []byte("rule"))
	to.Text(rlLabel, f.label.of(r, scorer))
	to.Text(rlID, r.id)
	to.Text(rlSplit, []byte(x.split))
	to.Text(rlDataset, r.dataset)
	to.Text(rlQuestion, r.question)
	to.Text(rlMetadata, r.metadata)
	to.Text(rlAnswer, r.answer)
	return nil
}

// id returns the leaf of the row's id.
func (f *rl) id() int { return rlID }

// index adds the row's place in the split.
func (f *rl) index(n int64, to *encode.Table) { to.Integer(rlIndex, n) }

// prompt adds the prompt that the row keeps, its chat up to the answer, or the question with its instruction, after the system prompt.
func (f *rl) prompt(x *Rows, scorer recipe.Scorer, to *encode.Table) error {
	turns, err := x.keptPrompt()
	if err == nil && turns == nil && x.export.Context {
		turns, err = x.asks(scorer)
	}
	if err != nil {
		return err
	}
	if turns != nil {
		x.turns(turns, rlRole, to)
		return nil
	}
	if system := x.export.SystemPrompt; system != "" {
		to.Text(rlRole, []byte(systemRole))
		to.Text(rlContent, []byte(system))
	}
	to.Text(rlRole, []byte(userRole))
	to.Text(rlContent, x.question(scorer))
	return nil
}

// solution returns the reference answer in a box, for rewards that parse LaTeX; empty where it is no formula, so that they do not score it.
func (f *rl) solution(r *row, scorer recipe.Scorer) []byte {
	if scorer != recipe.NumericScorer && scorer != recipe.FormulaScorer || len(r.answer) == 0 {
		return nil
	}
	f.box = append(append(append(f.box[:0], `\boxed{`...), r.answer...), '}')
	return f.box
}
