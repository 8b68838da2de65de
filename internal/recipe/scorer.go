package recipe

// Scorer says how an answer is compared with the reference answer. The Python package has the scorers, and a label names one.
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

// Label returns the scorer's name in a label, as python/datasetmix/rewards.py has it.
func (s Scorer) Label() string {
	switch s {
	case NumericScorer:
		return "numeric"
	case FormulaScorer:
		return "formula"
	case NoAnswerTextScorer:
		return "no-answer text"
	case YesNoTextScorer:
		return "yes-no text"
	case CodeScorer:
		return "code"
	default:
		return "text"
	}
}

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
