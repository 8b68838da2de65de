package view

import (
	"fmt"
	"math"
	"strings"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// The limits beyond which a plan is worth a warning.
const (
	// manyPasses is how often a row may be repeated before it is worth a warning: up to about four passes, repeated rows train a language
	// model about as well as new ones (Muennighoff et al., Scaling Data-Constrained Language Models, 2023).
	manyPasses = 4
	// fewRows is how many different rows a data set should have where it is evaluated: of fewer than 100, the 95 % interval of a
	// score near one half is wider than ten points to either side.
	fewRows = 100
)

// Warnings returns a line for each thing that is easily missed in the table of a plan: rows of the largest split that repeat often, and splits
// whose rows are too few, or repeat, for a reliable score.
func Warnings(r recipe.Recipe, p plan.Plan) []string {
	trained := 0
	for i, split := range r.Splits {
		if split.Share > r.Splits[trained].Share {
			trained = i
		}
	}
	var lines []string
	for i, split := range p.Splits {
		if i == trained {
			lines = append(lines, repeats(split)...)
		} else {
			lines = append(lines, evaluated(split)...)
		}
	}
	return lines
}

func repeats(split plan.Split) []string {
	var often []string
	for _, dataset := range datasetsOf(split) {
		if dataset.MaxRepeats > manyPasses {
			often = append(often, English.Sprintf("%s (%d rows, up to %d times)", dataset.Name, dataset.Unique, dataset.MaxRepeats))
		}
	}
	if len(often) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("- %s repeats rows of %s; size: {policy: NoRepeat} repeats none, limits.maxRepeats refuses more than you want.", split.Name, enumerated(often))}
}

func evaluated(split plan.Split) []string {
	var lines, few []string
	var unique int64
	drawn := false
	for _, dataset := range datasetsOf(split) {
		unique += dataset.Unique
		if drawn = drawn || dataset.Drawn; dataset.Drawn || dataset.Rows == 0 || dataset.Unique >= fewRows {
			continue
		}
		few = append(few, fmt.Sprintf("%s (%d, ±%.0f points)", dataset.Name, dataset.Unique, halfInterval(dataset.Unique)))
	}
	if !drawn && unique < split.Rows {
		lines = append(lines, English.Sprintf("- %s has %d rows, but only %d different ones: a score over the mixed file counts some rows more often than others.", split.Name, split.Rows, unique))
	}
	if len(few) > 0 {
		lines = append(lines, fmt.Sprintf("- %s has few different rows of %s; the points are the 95 %% interval of a score near one half.", split.Name, enumerated(few)))
	}
	return lines
}

// halfInterval returns half the width of the 95 % interval of a score of one half over a number of rows, in percentage points.
func halfInterval(rows int64) float64 { return min(50, 98/math.Sqrt(float64(rows))) }

func datasetsOf(split plan.Split) []plan.Dataset {
	var all []plan.Dataset
	for _, domain := range split.Domains {
		all = append(all, domain.Datasets...)
	}
	return all
}

// enumerated joins names by commas and a last "and".
func enumerated(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
