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

// Verdict is what a pass comes to.
type Verdict int

const (
	// Progressing is the end of a pass whose work is under way, or waits for something that will come by itself.
	Progressing Verdict = iota
	// Suspended is the end of a pass with work that the mix says not to do.
	Suspended
	// Stalled is the end of a pass after which a person has to act.
	Stalled
)

// Outcome is why a mix is not published, with the reason and the message of its conditions.
type Outcome struct {
	Verdict Verdict
	Reason  string
	Message string
}

// Progress returns the outcome of a pass whose work goes on as it should.
func Progress(message string) *Outcome { return Wait(datav1alpha1.ReasonProgressing, message) }

// Wait returns the outcome of a pass whose work goes on by itself, after what its reason says.
func Wait(reason, message string) *Outcome { return &Outcome{Progressing, reason, message} }

// Suspend returns the outcome of a pass that has a step to do, and may not do it.
func Suspend(step *pipeline.Step) *Outcome {
	message := fmt.Sprintf("Stage %s comes next; set spec.suspend to false to go on.", step.Stage)
	return &Outcome{Suspended, datav1alpha1.ReasonSuspended, message}
}

// Stall returns the outcome of a pass after which a person has to act.
func Stall(reason, message string) *Outcome { return &Outcome{Stalled, reason, message} }

// messageLimit bounds what a condition quotes, in characters.
const messageLimit = 1024

// Sentence makes a message of an error's text, which may repeat what is said outside.
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
