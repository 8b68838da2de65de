package plan

import (
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// InfeasibleError is why counts cannot meet a recipe, with what to do.
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

// checkRows refuses a domain without a row in the split, and a data set without one unless the domain's balance is None.
func checkRows(index int, split string, domain recipe.Domain, have mix.Domain, counts Counts) error {
	if slices.Max(have.Rows) == 0 {
		why, remedy := counts.whyEmpty(index, domain.Datasets...)
		return infeasible(split, "domain %s has no row in it%s; %s, or leave the domain out", domain.Name, why, remedy)
	}
	for j, dataset := range domain.Datasets {
		if have.Rows[j] > 0 || domain.Balance == recipe.None {
			continue
		}
		why, remedy := counts.whyEmpty(index, dataset)
		if domain.Balance == recipe.Smallest {
			return infeasible(split, "data set %s has no row in it%s, and the balance Smallest cuts all of domain %s to as many; "+
				"%s, or give the domain the balance None", dataset.Name, why, domain.Name, remedy)
		}
		return infeasible(split, "data set %s has no row in it%s, so nothing can be repeated to what the balance of domain %s asks for; "+
			"%s, or give the domain the balance None", dataset.Name, why, domain.Name, remedy)
	}
	return nil
}

// whyEmpty returns why a split has no row of the first of some data sets that is divided, and what helps.
func (c Counts) whyEmpty(split int, datasets ...recipe.Dataset) (why, remedy string) {
	for _, dataset := range datasets {
		if of := c[dataset.Name].Before; of != nil {
			return whyEmpty(dataset, split, *of)
		}
	}
	return "", "give the split a larger share"
}

// whyEmpty returns why a split has no row of the data set, and what helps.
func whyEmpty(d recipe.Dataset, split int, of Grouping) (why, remedy string) {
	var rows int64
	for _, n := range of.Rows {
		rows += n
	}
	noun, by, add := "question", "", "add rows with other questions"
	if d.Record.GroupBy != "" {
		noun, by, add = "value", " of groupBy ("+d.Record.GroupBy+")", "group by something that tells more rows apart"
	}
	together := fmt.Sprintf("and rows with the same %s stay on one side", noun)
	switch {
	case of.Rows[split] > 0:
		return fmt.Sprintf(" (its %d rows of data set %s were dropped for the sake of rows of other splits)", of.Rows[split], d.Name),
			"leave out a data set that has the same rows"
	case of.Groups == 1 && rows > 1:
		return fmt.Sprintf(" (all %d rows of data set %s have the same %s%s, %s)", rows, d.Name, noun, by, together), add
	case 0 < of.Groups && of.Groups < rows:
		return fmt.Sprintf(" (the %d rows of data set %s have only %d different %ss%s, one of them in %d rows, %s)",
			rows, d.Name, of.Groups, noun, by, of.LargestGroup, together), add + " or give the split a larger share"
	}
	return fmt.Sprintf(" (the rows of data set %s, %d in all, are in other splits)", d.Name, rows), "add rows or give the split a larger share"
}

// checkUnits refuses a share that cannot be measured, because the rows have no bytes or tokens at all.
func checkUnits(r recipe.Recipe, split string, domain recipe.Domain, have mix.Domain) error {
	if !r.Measured() {
		return nil
	}
	if slices.Max(have.Units) == 0 {
		return infeasible(split, "the rows of domain %s have no %s, so its share cannot be measured in %s; "+
			"look at what its data sets map to the question and the reference answer, or measure shares in Rows", domain.Name, r.Unit.Name(), r.Unit)
	}
	for j, dataset := range domain.Datasets {
		if domain.Balance == recipe.Shares && have.Units[j] == 0 {
			return infeasible(split, "the %d rows of data set %s have no %s, so its share of domain %s cannot be measured in %s; "+
				"look at what it maps to the question and the reference answer, or measure shares in Rows",
				have.Rows[j], dataset.Name, r.Unit.Name(), domain.Name, r.Unit)
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
func checkRepeats(r recipe.Recipe, split Split, domains []recipe.Domain, shape mix.Shape) error {
	var worst Dataset
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
	if r.Resample == recipe.WithReplacement {
		bound, often = "no total is within the limit above", "at least"
	}
	return infeasible(split.Name, "%d rows would repeat a row of data set %s, which has %d, %s %d times, and limits.maxRepeats is %d; "+
		"%s %d rows, because of data set %s, which has %d: lower the size, raise the limit, or add rows to %s",
		split.Rows, worst.Name, worst.Available, often, most, r.MaxRepeats,
		bound, total, limiting, shape[i].Rows[j], limiting)
}

// leastRepeats returns how often the most frequent row appears when rows are used as evenly as can be.
func (d Dataset) leastRepeats() int64 {
	if d.Available == 0 {
		return 0
	}
	return d.Rows/d.Available + min(d.Rows%d.Available, 1)
}
