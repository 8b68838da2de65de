package open_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	addresses := func(files ...recipe.HTTPFile) recipe.Source { return recipe.Source{HTTP: &recipe.HTTP{URLs: files}} }
	on := func(h recipe.HuggingFace) recipe.Source { return recipe.Source{HuggingFace: &h} }
	onClaim := func(v recipe.Volume) recipe.Source { return recipe.Source{Volume: &v} }
	mounted := open.Options{Volume: volume.Options{Claims: map[string]string{"x": "/x"}}}
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
		{"no addresses", addresses(), open.Options{}, "at least one address"},
		{"a file address", addresses(recipe.HTTPFile{URL: "file:///etc/passwd"}), open.Options{}, "Address 1 of the http source"},
		{"no address", addresses(recipe.HTTPFile{URL: "http://a/b"}, recipe.HTTPFile{URL: "http://[secret"}), open.Options{}, "Address 2"},
		{"a short digest", addresses(recipe.HTTPFile{URL: "https://a/b?secret", SHA256: "abc"}), open.Options{}, "sha256 of https://a/b is not 64"},
		{"an upper-case digest", addresses(recipe.HTTPFile{URL: "https://a/b", SHA256: strings.Repeat("A", 64)}), open.Options{}, "lower-case"},
		{"an unknown claim", onClaim(recipe.Volume{ClaimName: "x"}), open.Options{}, `"x" is not mounted`},
		{"a path out of the claim", onClaim(recipe.Volume{ClaimName: "x", Path: "a/../../b"}),
			mounted, "leads out of the claim x"},
		{"a bad pattern on a claim", onClaim(recipe.Volume{ClaimName: "x", Files: []string{"{a"}}),
			mounted, `"{a" in files`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := open.New(tc.spec, tc.env)
			wantReason(t, err, contract.InvalidTask)
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("message %q, want %q and nothing secret", err, tc.says)
			}
		})
	}
	if _, err := open.New(on(recipe.HuggingFace{Repo: "openai/gsm8k"}), open.Options{}); err != nil {
		t.Errorf("with the zero options: %v", err)
	}
}
