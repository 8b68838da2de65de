package outcome

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// Verdict is the result of a pass.
type Verdict int

const (
	// Progressing means that work is under way, or waits for something that happens by itself.
	Progressing Verdict = iota
	// Suspended means that there is work, and the mix is suspended.
	Suspended
	// Stalled means that a person has to act.
	Stalled
)

// Outcome is why a mix is not published, with the reason and the message of its conditions.
type Outcome struct {
	Verdict Verdict
	Reason  string
	Message string
}

// Progress returns the outcome of a pass whose work proceeds normally.
func Progress(message string) *Outcome { return Wait(datav1alpha1.ReasonProgressing, message) }

// Wait returns the outcome of a pass whose work continues by itself once what the reason names has happened.
func Wait(reason, message string) *Outcome { return &Outcome{Progressing, reason, message} }

// Suspend returns the outcome of a pass that has a step to do but must not do it.
func Suspend(step *pipeline.Step) *Outcome {
	message := fmt.Sprintf("Stage %s comes next; set spec.suspend to false to go on.", step.Stage)
	return &Outcome{Suspended, datav1alpha1.ReasonSuspended, message}
}

// Stall returns the outcome of a pass after which a person has to act.
func Stall(reason, message string) *Outcome { return &Outcome{Stalled, reason, message} }

// messageLimit is the number of characters that a condition quotes.
const messageLimit = 1024

// Sentence returns the text of an error as a sentence. The text may quote anything, so it is cleaned and cut.
func Sentence(text string) string {
	text = contract.Clean(text, messageLimit)
	first, width := utf8.DecodeRuneInString(text)
	if width > 0 {
		text = string(unicode.ToUpper(first)) + text[width:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
