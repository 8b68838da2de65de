package source_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	web := func(files ...recipe.HTTPFile) recipe.Source { return recipe.Source{HTTP: &recipe.HTTP{URLs: files}} }
	on := func(h recipe.HuggingFace) recipe.Source { return recipe.Source{HuggingFace: &h} }
	volume := func(v recipe.Volume) recipe.Source { return recipe.Source{Volume: &v} }
	for _, tc := range []struct {
		name string
		spec recipe.Source
		env  source.Environment
		says string
	}{
		{"nothing", recipe.Source{}, source.Environment{}, "has 0 of them"},
		{"two kinds", recipe.Source{HTTP: &recipe.HTTP{}, Volume: &recipe.Volume{}}, source.Environment{}, "has 2 of them"},
		{"no namespace", on(recipe.HuggingFace{Repo: "squad"}), source.Environment{}, `"squad" is not namespace/name`},
		{"a path", on(recipe.HuggingFace{Repo: "a/../b"}), source.Environment{}, "not namespace/name"},
		{"a bad pattern", on(recipe.HuggingFace{Repo: "a/b", Files: []string{"a["}}), source.Environment{}, `"a[" in files`},
		{"an empty pattern", on(recipe.HuggingFace{Repo: "a/b", Files: []string{""}}), source.Environment{}, "not a valid pattern"},
		{"an endpoint without a scheme", on(recipe.HuggingFace{Repo: "a/b"}), source.Environment{HubEndpoint: "hub:8080"}, "endpoint"},
		{"an endpoint with a password", on(recipe.HuggingFace{Repo: "a/b", Endpoint: "https://u:secret@hub"}), source.Environment{}, "endpoint"},
		{"a token of two lines", on(recipe.HuggingFace{Repo: "a/b"}), source.Environment{Token: "secret\nsecret"}, "The token for a/b"},
		{"no addresses", web(), source.Environment{}, "at least one address"},
		{"a file address", web(recipe.HTTPFile{URL: "file:///etc/passwd"}), source.Environment{}, "Address 1 of the http source"},
		{"no address", web(recipe.HTTPFile{URL: "http://a/b"}, recipe.HTTPFile{URL: "http://[secret"}), source.Environment{}, "Address 2"},
		{"a short digest", web(recipe.HTTPFile{URL: "https://a/b?secret", SHA256: "abc"}), source.Environment{}, "sha256 of https://a/b is not 64"},
		{"an upper-case digest", web(recipe.HTTPFile{URL: "https://a/b", SHA256: strings.Repeat("A", 64)}), source.Environment{}, "lower-case"},
		{"an unknown claim", volume(recipe.Volume{ClaimName: "x"}), source.Environment{}, `"x" is not mounted`},
		{"a path out of the claim", volume(recipe.Volume{ClaimName: "x", Path: "a/../../b"}),
			source.Environment{Claims: map[string]string{"x": "/x"}}, "leads out of the claim x"},
		{"a bad pattern on a claim", volume(recipe.Volume{ClaimName: "x", Files: []string{"{a"}}),
			source.Environment{Claims: map[string]string{"x": "/x"}}, `"{a" in files`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := source.New(tc.spec, tc.env)
			wantReason(t, err, contract.InvalidTask)
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("message %q, want %q and nothing secret", err, tc.says)
			}
		})
	}
	if _, err := source.New(on(recipe.HuggingFace{Repo: "openai/gsm8k"}), source.Environment{}); err != nil {
		t.Errorf("with the zero environment: %v", err)
	}
}
