// Package recipes holds recipes for tests.
package recipes

import (
	"strings"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Small returns a recipe of one data set and one split.
func Small() recipe.Recipe {
	return recipe.Recipe{
		Name: "small", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "small", Format: recipe.JSONL, KeepRevisions: 1},
		Splits: []recipe.Split{{Name: "train", Share: 5, Size: recipe.Size{Policy: recipe.KeepTotal}}},
		Domains: []recipe.Domain{{Name: "math", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{
			Name: "gsm8k", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c"}}, Record: recipe.Record{Preset: "gsm8k"},
		}}}},
	}
}

// Commit is a commit, as a Hub names one.
var Commit = strings.Repeat("0123456789", 4)

// Mixed returns a recipe with a pinned and a floating data set, and two floating probes.
func Mixed() recipe.Recipe {
	r := Contaminated(Six(recipe.KeepTotal, recipe.KeepTotal))
	r.Domains[0].Datasets[0].Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "openai/gsm8k", Revision: Commit}}
	return r
}

// Contaminated returns a recipe with two probes.
func Contaminated(r recipe.Recipe) recipe.Recipe {
	r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{
		{Name: "probe-a", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "p", Path: "a"}}, Preset: "gsm8k"},
		{Name: "probe-b", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "p", Path: "b"}}, Question: "row.question"},
	}}
	return r
}

// Six returns the recipe of the six data sets.
func Six(train, test recipe.SizePolicy) recipe.Recipe {
	dataset := func(name string) recipe.Dataset {
		return recipe.Dataset{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c", Path: name}}, Record: recipe.Record{Preset: name}}
	}
	domain := func(name string, share int64, datasets ...string) recipe.Domain {
		d := recipe.Domain{Name: name, Share: share, Balance: recipe.Largest}
		for _, n := range datasets {
			d.Datasets = append(d.Datasets, dataset(n))
		}
		return d
	}
	return recipe.Recipe{
		Name: "grpo-six", Seed: 42, Order: recipe.Shuffled, Output: recipe.Output{Path: "grpo-six", Format: recipe.JSONL, KeepRevisions: 3},
		Splits:  []recipe.Split{{Name: "train", Share: 5, Size: recipe.Size{Policy: train}}, {Name: "test", Share: 1, Size: recipe.Size{Policy: test}}},
		Domains: []recipe.Domain{domain("math", 4, "gsm8k", "math"), domain("qa", 3, "squad2", "hotpotqa"), domain("code", 3, "humaneval", "mbpp")},
	}
}

// SixRows returns the rows of the six data sets per split.
func SixRows() map[string][]int64 {
	return map[string][]int64{"gsm8k": {6227, 1246}, "math": {6250, 1250}, "squad2": {72999, 14600}, "hotpotqa": {74138, 14828}, "humaneval": {137, 27}, "mbpp": {356, 71}}
}
