package tokens

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

func TestUnits(t *testing.T) {
	question, answer := "Wie groß?", "7 Ω"
	count := func(tokenizer recipe.Tokenizer) int64 {
		c, err := New(tokenizer, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Count(question) + c.Count(answer)
	}
	encoding := recipe.Tokenizer{Encoding: "cl100k_base"}
	for what, c := range map[string]struct {
		recipe recipe.Recipe
		want   int64
	}{
		"unset":    {recipe.Recipe{}, 0},
		"rows":     {recipe.Recipe{Unit: recipe.InRows}, 0},
		"bytes":    {recipe.Recipe{Unit: recipe.InBytes}, 10 + 4},
		"estimate": {recipe.Recipe{Unit: recipe.InTokens}, count(recipe.Tokenizer{})},
		"encoding": {recipe.Recipe{Unit: recipe.InTokens, Tokenizer: encoding}, count(encoding)},
	} {
		units, err := UnitsOf(c.recipe, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := units.Of(question, answer); got != c.want || (units == nil) != (c.want == 0) {
			t.Errorf("%s: %d units, want %d", what, got, c.want)
		}
	}
	if _, err := UnitsOf(recipe.Recipe{Unit: recipe.InTokens, Tokenizer: recipe.Tokenizer{Encoding: "none"}}, nil); err == nil {
		t.Error("an unknown encoding counts")
	}
}
