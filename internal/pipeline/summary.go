package pipeline

import (
	"math"
	"slices"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Summary is what became of the rows of a mix, as far as that is known. The status, the reports and meta.json all take their numbers from it.
type Summary struct {
	// Plan is nil while there is none; it is in the order of the manifest.
	Plan *plan.Plan
	// Names of the data sets, sorted.
	Names []string

	recipe  recipe.Recipe
	results Results
	// datasets are those of the plan by split, in the order of Names.
	datasets [][]plan.Dataset
	// reported is what Reported returns.
	reported [][]MixedDataset
}

// Counts are what became of the rows of one data set in one split, or, for Unique and Units, of several data sets together. A number is nil
// while it is not known, and where the recipe does not ask for it.
type Counts struct {
	// Rows of the data set in the split, and those of them that were dropped, by reason; Variants are the rows with the question of
	// another one, written in another way.
	Rows, Overlap, Duplicates, NearDuplicates, Variants *int64
	// Available are the rows that were left, Balanced their part of the domain's pool, and Mixed the rows of the mixed files.
	Available, Balanced, Mixed *int64
	// Unique are the different rows among those, MaxRepeats is how often the most frequent one appears, Units are their bytes or tokens.
	Unique, MaxRepeats, Units *int64
}

// Summarize returns the summary of a recipe; planned is nil while there is no plan.
func Summarize(r recipe.Recipe, planned *plan.Plan, results Results) Summary {
	s := Summary{Plan: planned, Names: r.DatasetNames(), recipe: r, results: results, reported: Reported(r, results)}
	if planned != nil {
		for _, split := range planned.Splits {
			s.datasets = append(s.datasets, split.Datasets())
		}
	}
	return s
}

// Dataset returns the counts of a data set in a split, by the places of both: that of the split in the recipe, that of the data set in
// Names.
func (s Summary) Dataset(split, dataset int) Counts {
	var counts Counts
	if of := s.results.Split(s.Names[dataset]); of != nil {
		counts.Rows = &of.Rows[split]
	}
	if balanced := s.results.Balance(); balanced != nil {
		number := func(asked bool, rows DroppedRows) *int64 {
			n := rows.Of(split, dataset)
			if !asked {
				return nil
			}
			return &n
		}
		counts.Overlap = number(true, balanced.Overlap)
		counts.Duplicates = number(s.recipe.Duplicates == recipe.DropDuplicates, balanced.Duplicates)
		counts.NearDuplicates = number(s.recipe.NearDuplicates != nil, balanced.NearDuplicates)
		counts.Variants = number(s.recipe.Compare != recipe.CompareBytes, balanced.Variants)
	}
	if s.Plan == nil {
		return counts
	}
	planned := &s.datasets[split][dataset]
	counts.Available, counts.Balanced, counts.Mixed = &planned.Available, &planned.Balanced, &planned.Rows
	drawn := s.recipe.Resample == recipe.WithReplacement
	if !drawn {
		counts.Unique, counts.MaxRepeats = &planned.Unique, &planned.MaxRepeats
	}
	if s.reported[split] == nil {
		return counts
	}
	reported := &s.reported[split][dataset]
	if drawn {
		counts.Unique, counts.MaxRepeats = &reported.Unique, &reported.MaxRepeats
	}
	if s.recipe.Measured() && reported.Units >= 0 {
		counts.Units = &reported.Units
	}
	return counts
}

// Split returns the unique rows and the units of all data sets in a split.
func (s Summary) Split(split int) Counts { return s.together(split, s.Names) }

// Domain returns those of a domain's data sets.
func (s Summary) Domain(split int, domain recipe.Domain) Counts {
	var names []string
	for _, dataset := range domain.Datasets {
		names = append(names, dataset.Name)
	}
	return s.together(split, names)
}

func (s Summary) together(split int, names []string) Counts {
	sum := Counts{Unique: new(int64), Units: new(int64)}
	for i, name := range s.Names {
		if slices.Contains(names, name) {
			of := s.Dataset(split, i)
			sum.Unique, sum.Units = add(sum.Unique, of.Unique), add(sum.Units, of.Units)
		}
	}
	return sum
}

// add returns the sum of two numbers, nil where one is not known. A sum that overflows is that of no mix.
func add(a, b *int64) *int64 {
	if a == nil || b == nil || *b > math.MaxInt64-*a {
		return nil
	}
	sum := *a + *b
	return &sum
}
