package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ExportFormat is the shape of an export's rows; internal/export documents the columns of each.
type ExportFormat string

// The formats of exports.
const (
	// ExportRL has a prompt and what its answer is scored by, for GRPO and its kin.
	ExportRL ExportFormat = "RL"
	// ExportSFT has chats that end in the answer, for supervised fine-tuning.
	ExportSFT ExportFormat = "SFT"
	// ExportPreference has a prompt, and an answer that is preferred to another, for DPO and its kin.
	ExportPreference ExportFormat = "Preference"
	// ExportText has texts, for pretraining.
	ExportText ExportFormat = "Text"
)

// Export is the mix once more, in the shape that a trainer reads, row for row in the order of the mixed files.
type Export struct {
	// Name of the folder below exports/.
	Name   string       `json:"name"`
	Format ExportFormat `json:"format"`
	// SystemPrompt is the first message of every prompt; without one, prompts begin with the question.
	SystemPrompt string `json:"systemPrompt,omitempty"`
	// Instructions follow the question, by how the answer is scored.
	Instructions Instructions `json:"instructions,omitzero"`
	// Context reports that what a row keeps as system and as history comes before its turns. It is false in recipes of older releases, and in
	// those without such rows.
	Context bool `json:"context,omitempty"`
	// Scorer is the SHA-256, in hex, of the rewards.py next to the rows; empty for formats without a scorer. It is in no key of a
	// mixed file: the rows do not depend on it.
	Scorer string `json:"scorer,omitempty"`
}

// Instructions are how an answer is to be given, by the scorer of the row; an empty one adds nothing.
type Instructions struct {
	Numeric  string `json:"numeric,omitempty"`
	Formula  string `json:"formula,omitempty"`
	Text     string `json:"text,omitempty"`
	NoAnswer string `json:"noAnswer,omitempty"`
	Code     string `json:"code,omitempty"`
}

// Bounds of exports, those of the API.
const (
	maxExports      = 8
	maxSystemPrompt = 8192 // characters
	maxInstruction  = 2048
)

// Export finds an export by its name.
func (r Recipe) Export(name string) (Export, bool) {
	i := slices.IndexFunc(r.Output.Exports, func(e Export) bool { return e.Name == name })
	if i < 0 {
		return Export{}, false
	}
	return r.Output.Exports[i], true
}

// judgeExports checks that exports are named as splits are, and are within the API's bounds.
func judgeExports(r Recipe) error {
	var names []string
	for _, e := range r.Output.Exports {
		names = append(names, e.Name)
		if utf8.RuneCountInString(e.SystemPrompt) > maxSystemPrompt {
			return fmt.Errorf("export %s has a system prompt of more than %d characters", e.Name, maxSystemPrompt)
		}
		for _, text := range []string{e.Instructions.Numeric, e.Instructions.Formula, e.Instructions.Text, e.Instructions.NoAnswer, e.Instructions.Code} {
			if utf8.RuneCountInString(text) > maxInstruction {
				return fmt.Errorf("export %s has an instruction of more than %d characters", e.Name, maxInstruction)
			}
		}
		if err := judgeExport(r, e); err != nil {
			return err
		}
		if (e.Scorer != "") != (e.Format == ExportRL) || e.Scorer != "" && !IsHex(e.Scorer, 64) {
			return fmt.Errorf("export %s has the scorer %q; one of format RL has the SHA-256 of its own, and another none", e.Name, e.Scorer)
		}
	}
	if err := asManyAs("exports", len(names), 0, maxExports); err != nil {
		return fmt.Errorf("the recipe has %w", err)
	}
	return errors.Join(eachNamed("export", names))
}

// The members of a source's row that exports take, where they are kept, in place of what is made of the question and the answer.
const (
	KeptMessages      = "messages"
	KeptConversations = "conversations"
	KeptPrompt        = "prompt"
	KeptChosen        = "chosen"
	KeptRejected      = "rejected"
	KeptText          = "text"
	KeptSystem        = "system"
	KeptHistory       = "history"
)

// HasContext reports whether the rows of a data set keep what comes before their turns.
func (r Recipe) HasContext() bool {
	names := r.KeptNames()
	return slices.Contains(names, KeptSystem) || slices.Contains(names, KeptHistory)
}

// judgeExport checks that every data set has what the format is made of, as far as its record shows.
func judgeExport(r Recipe, e Export) error {
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		record := dataset.Record
		switch e.Format {
		case ExportPreference:
			for _, member := range []string{KeptChosen, KeptRejected} {
				if !record.keeps(member) {
					return fmt.Errorf("export %s of format Preference cannot hold data set %s, whose rows keep no member %s; use the preset preference, name it in record.keep, or leave the export out",
						e.Name, name, member)
				}
			}
		case ExportRL:
			if record.scoresNothing() {
				return fmt.Errorf("export %s of format RL cannot hold data set %s, whose rows have no reference answer: every answer would score 0; use the format SFT or Text, "+
					"give a referenceAnswer, or leave the export out", e.Name, name)
			}
		case ExportSFT:
			if record.answersNothing() && !record.keeps(KeptMessages) && !record.keeps(KeptConversations) {
				return fmt.Errorf("export %s of format SFT cannot hold data set %s, whose rows have no reference answer and keep no chat; use the format Text, give a referenceAnswer, "+
					"name messages or conversations in record.keep, or leave the export out", e.Name, name)
			}
		}
	}
	return nil
}

// keeps reports whether rows keep a member, where their source has it.
func (r Record) keeps(member string) bool {
	return slices.ContainsFunc(r.Kept(), func(m KeptMember) bool { return m.Name == member })
}

// answersNothing reports whether the reference answer is the empty text in every row.
func (r Record) answersNothing() bool {
	answer := strings.TrimSpace(r.Resolved().ReferenceAnswer)
	return answer == `""` || answer == "''"
}

// scoresNothing reports whether no row has what an answer could be scored by: a reference answer, other answers, or the tests of a program.
func (r Record) scoresNothing() bool {
	resolved := r.Resolved()
	answers := slices.ContainsFunc(resolved.Metadata, func(m Metadata) bool { return m.Name == "answers" })
	scorer := resolved.ScorerOf(strings.Trim(resolved.AnswerType, " \"'"))
	return r.answersNothing() && !answers && scorer != CodeScorer
}

// HasFactoryInfo reports whether LLaMA-Factory can train on the format, and its files are described for it.
func (e Export) HasFactoryInfo() bool { return e.Format == ExportSFT || e.Format == ExportText }
