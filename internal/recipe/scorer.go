package recipe

import "cmp"

// Scorer is how an answer is compared with the reference answer. The Python package has the scorers, and a label names one.
type Scorer string

// The scorers. Numeric compares one number, exactly; Formula LaTeX by what it means; Text the words that both have; NoAnswerText the
// same where a row may have no answer, YesNoText where yes and no are answers of their own; Code runs programs.
const (
	NumericScorer      Scorer = "Numeric"
	FormulaScorer      Scorer = "Formula"
	TextScorer         Scorer = "Text"
	NoAnswerTextScorer Scorer = "NoAnswerText"
	YesNoTextScorer    Scorer = "YesNoText"
	CodeScorer         Scorer = "Code"
)

// labels are the names of scorers in python/datasetmix/rewards.py.
var labels = map[Scorer]string{
	NumericScorer: "numeric", FormulaScorer: "formula", TextScorer: "text", NoAnswerTextScorer: "no-answer text", YesNoTextScorer: "yes-no text",
	CodeScorer: "code",
}

// Label returns the scorer's name in a label; that of TextScorer for any other text.
func (s Scorer) Label() string { return cmp.Or(labels[s], labels[TextScorer]) }

// ScorerOf returns the scorer of the rows with an answer type: the record's own, else its preset's, else that of the answer type.
func (r Record) ScorerOf(answerType string) Scorer {
	if own := r.Resolved().Scorer; own != "" {
		return own
	}
	switch answerType {
	case numeric:
		return NumericScorer
	case code:
		return CodeScorer
	}
	return TextScorer
}
