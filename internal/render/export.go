package render

import (
	"slices"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/python"
)

// The default instructions of the format RL. Each asks for an answer that the scorer finds reliably: in the last closed box, or in a block of code.
// They are part of the export's key. A better instruction is a new version of the format, like any other change of its bytes.
const (
	numericInstruction  = `Think step by step, then give the final answer as a single number in \boxed{}.`
	formulaInstruction  = `Think step by step, then give the final answer in \boxed{}.`
	textInstruction     = `Think step by step, then give the final answer, as few words as possible, in \boxed{}.`
	noAnswerInstruction = `Think step by step, then give the final answer, as few words of the text as possible, in \boxed{}. If the text does not answer the question, give \boxed{unanswerable}.`
	codeInstruction     = "Give the complete program, with its imports, in one block of code that begins with ```python and ends with ```."
)

// keep returns the parts that a revision holds, in the order of a recipe; nil for all parts.
func keep(from []datav1alpha1.RevisionPart) (kept []recipe.RevisionPart) {
	for _, part := range recipe.RevisionParts() {
		if slices.Contains(from, datav1alpha1.RevisionPart(part)) {
			kept = append(kept, part)
		}
	}
	if len(kept) == len(recipe.RevisionParts()) {
		return nil
	}
	return kept
}

// exports returns the exports of an output, with default instructions filled in.
func exports(from []datav1alpha1.Export) []recipe.Export {
	var out []recipe.Export
	for _, e := range from {
		made := recipe.Export{Name: e.Name, Format: recipe.ExportFormat(e.Format), SystemPrompt: e.SystemPrompt}
		var defaults recipe.Instructions
		if e.Format == datav1alpha1.ExportRL {
			made.Scorer = python.RewardsSHA256()
			defaults = recipe.Instructions{
				Numeric: numericInstruction, Formula: formulaInstruction, Text: textInstruction, NoAnswer: noAnswerInstruction, Code: codeInstruction,
			}
		}
		made.Instructions = instructions(ptr.Deref(e.Instructions, datav1alpha1.Instructions{}), defaults)
		out = append(out, made)
	}
	return out
}

// instructions returns the instructions of an export: those that are set, else the defaults. A text that is set is also the default for formulas and
// for rows without an answer.
func instructions(from datav1alpha1.Instructions, defaults recipe.Instructions) recipe.Instructions {
	return recipe.Instructions{
		Numeric:  ptr.Deref(from.Numeric, defaults.Numeric),
		Formula:  ptr.Deref(from.Formula, ptr.Deref(from.Text, defaults.Formula)),
		Text:     ptr.Deref(from.Text, defaults.Text),
		NoAnswer: ptr.Deref(from.NoAnswer, ptr.Deref(from.Text, defaults.NoAnswer)),
		Code:     ptr.Deref(from.Code, defaults.Code),
	}
}
