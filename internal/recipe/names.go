package recipe

import (
	"regexp"
	"slices"
)

var fileWord = regexp.MustCompile(`\bfile\b`)

// MentionsFile reports whether an expression may use the variable file, so that its value depends on the names of files. It looks for the word
// alone: a field of that name, or a text with the word, counts as well, and then the data set depends on more than it has to.
func MentionsFile(expression string) bool { return fileWord.MatchString(expression) }

// MentionsFile reports whether an expression of the record may use the variable file.
func (r Record) MentionsFile() bool {
	for _, expression := range slices.Concat([]string{r.Question, r.ReferenceAnswer, r.AnswerType, r.Where, r.GroupBy}, r.Decontaminate) {
		if MentionsFile(expression) {
			return true
		}
	}
	for _, member := range r.Metadata {
		if MentionsFile(member.Value) {
			return true
		}
	}
	return false
}
