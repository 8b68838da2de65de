package recipe_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// What a revision holds is said in one way, is less than all, and holds the mix.
func TestWhatRevisionsHold(t *testing.T) {
	export := []recipe.Export{{Name: "sft", Format: recipe.ExportSFT}}
	for _, c := range []struct {
		keep    []recipe.RevisionPart
		exports []recipe.Export
		want    string
	}{
		{nil, nil, ""},
		{[]recipe.RevisionPart{recipe.MixedPart}, nil, ""},
		{[]recipe.RevisionPart{recipe.RawPart, recipe.ProcessedPart, recipe.TestPart}, export, ""},
		{[]recipe.RevisionPart{recipe.TestPart}, export, ""},
		{[]recipe.RevisionPart{recipe.RawPart}, nil, "a revision must hold the mix"},
		{[]recipe.RevisionPart{recipe.MixedPart, recipe.RawPart}, nil, "in this order"},
		{[]recipe.RevisionPart{recipe.MixedPart, recipe.MixedPart}, nil, "in this order"},
		{[]recipe.RevisionPart{recipe.MixedPart, "Exports"}, nil, "in this order"},
		{recipe.RevisionParts(), nil, "some of Raw, Processed, Mixed and Test"},
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Output.Keep, r.Output.Exports = c.keep, c.exports
		if err := r.Validate(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: the error is %v, want %q", c.keep, err, c.want)
		}
	}
}
