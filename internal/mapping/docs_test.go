package mapping

import (
	"os"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// fences returns the contents of the page's code blocks in one language.
func fences(page, language string) (blocks []string) {
	for _, part := range strings.Split(page, "\n```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		blocks = append(blocks, block)
	}
	return blocks
}

// TestPage evaluates every example of docs/mapping.md.
func TestPage(t *testing.T) {
	content, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	row := strings.ReplaceAll(fences(page, "json")[0], "\n", " ")
	examples := strings.Join(fences(page, "cel"), "\n")
	for _, line := range strings.Split(examples, "\n") {
		expression, want, ok := strings.Cut(line, "  // ")
		if !ok {
			t.Errorf("%s: no result", line)
			continue
		}
		expression = strings.TrimSpace(expression)
		r := recipe.Record{Question: `"q"`, ReferenceAnswer: `"a"`, AnswerType: record.Text, Metadata: []recipe.Metadata{{Name: "k", Value: expression}}}
		gives(t, r, row, want)
	}
}

// gives tests what the expression of a record's only metadata makes of a row: a value, "absent", or "error: " and a part of the message.
func gives(t *testing.T, r recipe.Record, row, want string) {
	t.Helper()
	c, err := mapped(t, r, row)
	got := "absent"
	if len(c.Metadata) > 0 {
		got = string(c.Metadata[0].Value)
	}
	if message, refused := strings.CutPrefix(want, "error: "); refused {
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %s, %v\nshould say %s", r.Metadata[0].Value, got, err, message)
		}
	} else if err != nil || got != want {
		t.Errorf("%s: %s, %v\nshould be %s", r.Metadata[0].Value, got, err, want)
	}
}
