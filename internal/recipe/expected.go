package recipe

import "github.com/datasetmix/datasetmix/internal/mix"

// CheckExpected finds what the rows that sources are expected to hold cannot meet, however many of them are left out, kept together or
// dropped: what it refuses, no build can make. A source of which nothing is expected is taken to have rows enough. The error is an
// *InfeasibleError.
func (r Recipe) CheckExpected() error {
	for _, domain := range r.sortedDomains() {
		for _, dataset := range domain.Datasets {
			if rows := dataset.expected(); rows > 0 && rows < int64(len(r.Splits)) && domain.Balance != None {
				return infeasible(r.Splits[0].Name, "data set %s is expected to have %d rows, and there are %d splits, each of which needs one; "+
					"add rows, or give domain %s the balance None", dataset.Name, rows, len(r.Splits), domain.Name)
			}
		}
	}
	if r.MaxRepeats == 0 || r.Measured() {
		return nil
	}
	for _, split := range r.Splits {
		if split.Size.Policy != ExactRows {
			continue // as large as the rows that there will be allow
		}
		if err := r.checkExpectedRepeats(split); err != nil {
			return err
		}
	}
	return nil
}

// checkExpectedRepeats: k rows of at most n different ones have one at least k/n times.
func (r Recipe) checkExpectedRepeats(split Split) error {
	domains := r.sortedDomains()
	shares := make([]int64, len(domains))
	for i, domain := range domains {
		shares[i] = domain.Share
	}
	for i, rows := range mix.Apportion(split.Size.Rows, shares) {
		have := domains[i].expected()
		if have == 0 || (rows-1)/have < r.MaxRepeats {
			continue
		}
		return infeasible(split.Name, "%d of its %d rows are from domain %s, which is expected to have %d in all splits, so one would be repeated at least %d times, "+
			"and limits.maxRepeats is %d: lower the size, raise the limit, or add rows to the domain",
			rows, split.Size.Rows, domains[i].Name, have, (rows-1)/have+1, r.MaxRepeats)
	}
	return nil
}

// expected is how many rows the data set's source is expected to hold, 0 where nobody said.
func (d Dataset) expected() int64 {
	if d.Source.Expect == nil {
		return 0
	}
	return d.Source.Expect.Rows
}

// expected is the sum of the data sets', 0 where one is not known.
func (d Domain) expected() (sum int64) {
	for _, dataset := range d.Datasets {
		rows := dataset.expected()
		if rows == 0 {
			return 0
		}
		sum += rows
	}
	return sum
}
