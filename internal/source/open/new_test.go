package open_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	on := func(h recipe.HuggingFace) recipe.Source { return recipe.Source{HuggingFace: &h} }
	for _, tc := range []struct {
		name string
		spec recipe.Source
		env  open.Options
		says string
	}{
		{"nothing", recipe.Source{}, open.Options{}, "has 0 of them"},
		{"two kinds", recipe.Source{HTTP: &recipe.HTTP{}, Volume: &recipe.Volume{}}, open.Options{}, "has 2 of them"},
		{"no namespace", on(recipe.HuggingFace{Repo: "squad"}), open.Options{}, `"squad" is not namespace/name`},
		{"a path", on(recipe.HuggingFace{Repo: "a/../b"}), open.Options{}, "not namespace/name"},
		{"a bad pattern", on(recipe.HuggingFace{Repo: "a/b", Files: []string{"a["}}), open.Options{}, `"a[" in files`},
		{"an empty pattern", on(recipe.HuggingFace{Repo: "a/b", Files: []string{""}}), open.Options{}, "not a valid pattern"},
		{"an endpoint without a scheme", on(recipe.HuggingFace{Repo: "a/b"}), open.Options{Hub: hub.Options{Endpoint: "hub:8080"}}, "endpoint"},
		{"an endpoint with a password", on(recipe.HuggingFace{Repo: "a/b", Endpoint: "https://u:secret@hub"}), open.Options{}, "endpoint"},
		{"a token of two lines", on(recipe.HuggingFace{Repo: "a/b"}), open.Options{Hub: hub.Options{Token: "secret\nsecret"}}, "The token for a/b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := open.New(tc.spec, tc.env)
			sources.WantReason(t, err, contract.InvalidTask)
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("message %q, want %q and nothing secret", err, tc.says)
			}
		})
	}
	if _, err := open.New(on(recipe.HuggingFace{Repo: "openai/gsm8k"}), open.Options{}); err != nil {
		t.Errorf("with the zero options: %v", err)
	}
}
