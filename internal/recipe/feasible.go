package recipe

import (
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/mix"
)

// InfeasibleError says why counts cannot meet a recipe, and what to do.
type InfeasibleError struct {
	Split   string
	Problem string
}

func (e *InfeasibleError) Error() string {
	return fmt.Sprintf("the mix of split %s cannot be made: %s", e.Split, e.Problem)
}

func infeasible(split, format string, args ...any) error {
	return &InfeasibleError{Split: split, Problem: fmt.Sprintf(format, args...)}
}

// checkRows finds what cannot be balanced: rows from where there are none.
func checkRows(split string, domain Domain, have mix.Domain) error {
	if slices.Max(have.Rows) == 0 {
		return infeasible(split, "domain %s has no row in it; give the split a larger share, or leave the domain out", domain.Name)
	}
	for j, dataset := range domain.Datasets {
		if have.Rows[j] > 0 || domain.Balance == None {
			continue
		}
		if domain.Balance == Smallest {
			return infeasible(split, "data set %s has no row in it, and the balance Smallest cuts all of domain %s to as many; "+
				"give the split a larger share, or the domain the balance None", dataset.Name, domain.Name)
		}
		return infeasible(split, "data set %s has no row in it, so nothing can be repeated to what the balance of domain %s asks for; "+
			"give the split a larger share, or the domain the balance None", dataset.Name, domain.Name)
	}
	return nil
}

// checkUnits finds rows in which a share cannot be measured, because they have no bytes or tokens at all.
func (r Recipe) checkUnits(split string, domain Domain, have mix.Domain) error {
	if !r.Measured() {
		return nil
	}
	if slices.Max(have.Units) == 0 {
		return infeasible(split, "the rows of domain %s have no %s, so its share cannot be measured in %s; "+
			"look at what its data sets map to the question and the reference answer, or measure shares in Rows", domain.Name, r.unitName(), r.Unit)
	}
	for j, dataset := range domain.Datasets {
		if domain.Balance == Shares && have.Units[j] == 0 {
			return infeasible(split, "the %d rows of data set %s have no %s, so its share of domain %s cannot be measured in %s; "+
				"look at what it maps to the question and the reference answer, or measure shares in Rows",
				have.Rows[j], dataset.Name, r.unitName(), domain.Name, r.Unit)
		}
	}
	return nil
}

// checkRepeats refuses a split in which a row appears more often than the limit allows. It names the data set whose rows
// repeat most, and the largest total that the limit allows with the data set that limits it; that can be another one, where
// rounding gives it the row that is too many.
//
// Drawn with replacement, the most frequent of n rows appears at least ⌈k/n⌉ times in k, and how often only the draws tell: a
// plan that passes here can still fail when it is mixed.
func (r Recipe) checkRepeats(split SplitPlan, domains []Domain, shape mix.Shape) error {
	var worst DatasetPlan
	most := int64(0)
	for _, dataset := range split.Datasets() {
		if repeats := dataset.leastRepeats(); repeats > most {
			worst, most = dataset, repeats
		}
	}
	if r.MaxRepeats == 0 || most <= r.MaxRepeats {
		return nil
	}
	total, i, j := shape.Limit(r.MaxRepeats)
	limiting, bound, often := domains[i].Datasets[j].Name, "the largest total within the limit is", "up to"
	if r.Resample == WithReplacement {
		bound, often = "no total is within the limit above", "at least"
	}
	return infeasible(split.Name, "%d rows would repeat a row of data set %s, which has %d, %s %d times, and limits.maxRepeats is %d; "+
		"%s %d rows, because of data set %s, which has %d: lower the size, raise the limit, or add rows to %s",
		split.Rows, worst.Name, worst.Available, often, most, r.MaxRepeats,
		bound, total, limiting, shape[i].Rows[j], limiting)
}

// leastRepeats is how often the most frequent row appears when rows are used as evenly as can be.
func (d DatasetPlan) leastRepeats() int64 {
	if d.Available == 0 {
		return 0
	}
	return d.Rows/d.Available + min(d.Rows%d.Available, 1)
}
