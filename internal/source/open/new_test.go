package open_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// TestNewTakesOneKind: a specification names exactly one kind of source.
func TestNewTakesOneKind(t *testing.T) {
	for name, spec := range map[string]recipe.Source{
		"has 0 of them": {},
		"has 2 of them": {HTTP: &recipe.HTTP{}, Volume: &recipe.Volume{}},
	} {
		_, err := open.New(spec, open.Options{})
		sources.WantReason(t, err, contract.InvalidTask)
		if !strings.Contains(err.Error(), name) {
			t.Errorf("message %q, want %q", err, name)
		}
	}
	if _, err := open.New(recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "openai/gsm8k"}}, open.Options{}); err != nil {
		t.Errorf("with the zero options: %v", err)
	}
}
