package recipe_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestFloating(t *testing.T) {
	hub := func(revision string) recipe.Source {
		return recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "a/b", Revision: revision}}
	}
	web := func(digests ...string) recipe.Source {
		source := recipe.Source{HTTP: &recipe.HTTP{}}
		for _, digest := range digests {
			source.HTTP.URLs = append(source.HTTP.URLs, recipe.HTTPFile{URL: "https://example.org", SHA256: digest})
		}
		return source
	}
	for _, c := range []struct {
		what   string
		source recipe.Source
		want   bool
	}{
		{"the default branch", hub(""), true},
		{"a branch", hub("main"), true},
		{"a commit", hub(recipes.Commit), false},
		{"a tag that is nearly a commit", hub(recipes.Commit[1:]), true},
		{"a branch of 40 letters", hub(strings.Repeat("g", 40)), true},
		{"addresses with digests", web("d1", "d2"), false},
		{"one address without a digest", web("d1", ""), true},
		{"a folder", recipe.Source{Volume: &recipe.Volume{ClaimName: "c"}}, true},
	} {
		if got := c.source.Floating(); got != c.want {
			t.Errorf("%s: floating %t, want %t", c.what, got, c.want)
		}
	}
}

func TestRequest(t *testing.T) {
	for want, source := range map[string]recipe.Source{
		"huggingFace a/b at the default branch":    {HuggingFace: &recipe.HuggingFace{Repo: "a/b"}},
		"huggingFace a/b at v1, config c, split s": {HuggingFace: &recipe.HuggingFace{Repo: "a/b", Revision: "v1", Config: "c", Split: "s"}},
		"huggingFace a/b at v1, files x y":         {HuggingFace: &recipe.HuggingFace{Repo: "a/b", Revision: "v1", Files: []string{"x", "y"}}},
		"http https://example.org/a.jsonl":         {HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "https://example.org/a.jsonl?signature=secret"}}}},
		"http https://example.org/a and 1 more":    {HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "https://example.org/a"}, {URL: "https://example.org/b"}}}},
		"volume corpora":                           {Volume: &recipe.Volume{ClaimName: "corpora"}},
		"objectStore s3://bucket/prefix":           {ObjectStore: &recipe.ObjectStore{URL: "s3://bucket/prefix"}},
		"oci example.org/rows:v1":                  {OCI: &recipe.OCI{Reference: "example.org/rows:v1"}},
		"volume corpora/folder, files *.jsonl":     {Volume: &recipe.Volume{ClaimName: "corpora", Path: "folder", Files: []string{"*.jsonl"}}},
		"":                                         {},
	} {
		if got := source.Request(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
