package outcome

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                        ".",
		"no such file":            "No such file.",
		"Done.":                   "Done.",
		"écrit":                   "Écrit.",
		strings.Repeat("a", 2000): "A" + strings.Repeat("a", messageLimit-2) + "….",
		"first\nsecond\x1b[2J":    "First second\ufffd[2J.",
	} {
		if diff := cmp.Diff(want, Sentence(text)); diff != "" {
			t.Errorf("sentence (-want +got):\n%s", diff)
		}
	}
}
