package plan

import (
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// CheckExpected refuses a recipe that the rows which its sources are expected to hold cannot meet, however many of them are left out, kept
// together or dropped: no build of it can succeed. A source without an expectation counts as large enough. The error is an *InfeasibleError.
func CheckExpected(r recipe.Recipe) error {
	for _, domain := range r.SortedDomains() {
		for _, dataset := range domain.Datasets {
			if rows := expectedOfDataset(dataset); rows > 0 && rows < int64(len(r.Splits)) && domain.Balance != recipe.None {
				return infeasible(r.Splits[0].Name, "data set %s is expected to have %d rows, and there are %d splits, each of which needs one; "+
					"add rows, or give domain %s the balance None", dataset.Name, rows, len(r.Splits), domain.Name)
			}
		}
	}
	if r.MaxRepeats == 0 || r.Measured() {
		return nil
	}
	for _, split := range r.Splits {
		if split.Size.Policy != recipe.ExactRows {
			continue // as large as the rows that there will be allow
		}
		if err := checkExpectedRepeats(r, split); err != nil {
			return err
		}
	}
	return nil
}

// checkExpectedRepeats compares expected rows with the limit of repeats: k rows of at most n different ones have one at least k/n times.
func checkExpectedRepeats(r recipe.Recipe, split recipe.Split) error {
	domains := r.SortedDomains()
	shares := make([]int64, len(domains))
	for i, domain := range domains {
		shares[i] = domain.Share
	}
	for i, rows := range mix.Apportion(split.Size.Rows, shares) {
		have := expectedOfDomain(domains[i])
		if have == 0 || (rows-1)/have < r.MaxRepeats {
			continue
		}
		return infeasible(split.Name, "%d of its %d rows are from domain %s, which is expected to have %d in all splits, so one would be repeated at least %d times, "+
			"and limits.maxRepeats is %d: lower the size, raise the limit, or add rows to the domain",
			rows, split.Size.Rows, domains[i].Name, have, (rows-1)/have+1, r.MaxRepeats)
	}
	return nil
}

// expectedOfDataset returns how many rows the data set's source is expected to hold, 0 if no number is given.
func expectedOfDataset(d recipe.Dataset) int64 {
	if d.Source.Expect == nil {
		return 0
	}
	return d.Source.Expect.Rows
}

// expectedOfDomain returns how many rows the sources of a domain's data sets are expected to hold, 0 if one of the numbers is not known.
func expectedOfDomain(d recipe.Domain) (sum int64) {
	for _, dataset := range d.Datasets {
		rows := expectedOfDataset(dataset)
		if rows == 0 {
			return 0
		}
		sum += rows
	}
	return sum
}
