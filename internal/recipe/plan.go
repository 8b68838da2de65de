package recipe

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/datasetmix/datasetmix/internal/mix"
)

// Plan is what the recipe's arithmetic makes of the counts: the exact rows of every mixed file, in the order of declaration.
type Plan struct {
	Splits []SplitPlan `json:"splits"`
}

// SplitPlan is one mixed split.
type SplitPlan struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Units are the sum of the domains'.
	Units   int64        `json:"units,omitempty"`
	Domains []DomainPlan `json:"domains"`
}

// DomainPlan is one domain's part of a mixed split.
type DomainPlan struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Units are the sum of the data sets'.
	Units    int64         `json:"units,omitempty"`
	Datasets []DatasetPlan `json:"datasets"`
}

// DatasetPlan is one data set's part of a mixed split, in rows.
type DatasetPlan struct {
	Name string `json:"name"`
	// Available are the data set's own rows in the split.
	Available int64 `json:"available"`
	// Balanced is its part of the domain's balanced pool.
	Balanced int64 `json:"balanced"`
	// Rows are those in the mixed file, repeats included.
	Rows int64 `json:"rows"`
	// Unique are the different rows among them; 0 where they are drawn.
	Unique int64 `json:"unique"`
	// MaxRepeats is how often the most frequent row appears; 0 where rows are drawn.
	MaxRepeats int64 `json:"maxRepeats"`
	// Units are the bytes or tokens that so many rows have if they are like the data set's rows on average, rounded; absent
	// where shares are measured in rows. The mix stage counts the rows' own, in Mixed.
	Units int64 `json:"units,omitempty"`
	// Drawn says that rows are drawn with replacement. Which ones, only going through the draws tells, and a plan takes as long
	// for ten rows as for ten thousand million: the mix stage counts Unique and MaxRepeats of such a data set, in Mixed.
	Drawn bool `json:"drawn,omitempty"`
}

// Plan computes every count of every mixed split. The error is an *InfeasibleError unless counts lack a data set.
//
// The total of a split follows its size policy: KeepTotal is the sum of the split's rows over all data sets; SmallestPool is
// floor(min over domains of balanced pool ÷ ratio); NoRepeat is the largest total in which no row appears twice; Rows is as
// asked. Domains share the total by share, the data sets of a domain share its rows by balanced pool.
//
// Where shares are measured in bytes or tokens, a domain's share of the rows is its share divided by the mean units of a row of
// its balanced pool, and so with the data sets of a domain whose balance is Shares. Totals and counts stay rows.
func (r Recipe) Plan(counts Counts) (Plan, error) {
	var plan Plan
	for i, split := range r.Splits {
		built, err := r.planSplit(i, split, counts)
		if err != nil {
			return Plan{}, err
		}
		plan.Splits = append(plan.Splits, built)
	}
	return plan, nil
}

func (r Recipe) planSplit(index int, split Split, counts Counts) (SplitPlan, error) {
	domains := r.sortedDomains()
	shape := make(mix.Shape, len(domains))
	for i, domain := range domains {
		have, err := r.have(index, domain, counts)
		if err != nil {
			return SplitPlan{}, err
		}
		if err := checkRows(index, split.Name, domain, have, counts); err != nil {
			return SplitPlan{}, err
		}
		if err := r.checkUnits(split.Name, domain, have); err != nil {
			return SplitPlan{}, err
		}
		have.Pool = domain.pool(have)
		shape[i] = have
	}
	total := split.Size.total(shape)
	if total == 0 {
		return SplitPlan{}, infeasible(split.Name, "its size comes to 0 rows; choose another size policy, or data sets with more rows")
	}
	built := SplitPlan{Name: split.Name, Rows: total}
	for i, allotted := range shape.Allot(total) {
		domain := r.planDomain(split.Name, domains[i], shape[i], allotted)
		built.Units += domain.Units
		built.Domains = append(built.Domains, domain)
	}
	if err := r.checkRepeats(built, domains, shape); err != nil {
		return SplitPlan{}, err
	}
	r.declaredOrder(&built)
	return built, nil
}

// have is a domain's share and what its data sets have in a split.
func (r Recipe) have(split int, domain Domain, counts Counts) (mix.Domain, error) {
	have := mix.Domain{Share: domain.Share, Rows: make([]int64, len(domain.Datasets))}
	if r.Measured() {
		have.Units = make([]int64, len(domain.Datasets))
	}
	for j, dataset := range domain.Datasets {
		count := counts[dataset.Name]
		if len(count.Rows) != len(r.Splits) {
			return have, fmt.Errorf("plan: %d counts for data set %s, %d splits", len(count.Rows), dataset.Name, len(r.Splits))
		}
		have.Rows[j] = count.Rows[split]
		if !r.Measured() {
			continue
		}
		if len(count.Units) != len(r.Splits) {
			return have, fmt.Errorf("plan: %d counts of %s for data set %s, %d splits", len(count.Units), r.unitName(), dataset.Name, len(r.Splits))
		}
		have.Units[j] = count.Units[split]
		if have.Units[j] < 0 || have.Units[j] > 0 && have.Rows[j] == 0 {
			return have, fmt.Errorf("plan: data set %s has %d %s in %d rows", dataset.Name, have.Units[j], r.unitName(), have.Rows[j])
		}
	}
	return have, nil
}

func (r Recipe) planDomain(split string, domain Domain, have mix.Domain, allotted []int64) DomainPlan {
	built := DomainPlan{Name: domain.Name}
	for j, rows := range allotted {
		dataset := DatasetPlan{Name: domain.Datasets[j].Name, Available: have.Rows[j], Balanced: have.Pool[j], Rows: rows}
		if dataset.Drawn = r.Draws(split, dataset).Drawn(); !dataset.Drawn {
			dataset.Unique, dataset.MaxRepeats = min(rows, dataset.Available), dataset.leastRepeats()
		}
		if have.Units != nil && dataset.Available > 0 {
			dataset.Units = expected(rows, have.Units[j], dataset.Available)
		}
		built.Rows += rows
		built.Units += dataset.Units
		built.Datasets = append(built.Datasets, dataset)
	}
	return built
}

// expected is rows·units/available, rounded to the nearest, half up.
func expected(rows, units, available int64) int64 {
	product := new(big.Int).Mul(big.NewInt(rows), big.NewInt(units))
	product.Lsh(product, 1).Add(product, big.NewInt(available))
	return product.Quo(product, new(big.Int).Lsh(big.NewInt(available), 1)).Int64()
}

// Draws says which row each occurrence of a planned data set is, in the mixed files of a split.
func (r Recipe) Draws(split string, dataset DatasetPlan) mix.Draws {
	if r.Resample == WithReplacement {
		return mix.WithReplacement(dataset.Available, dataset.Rows, mix.NewKey(r.Seed, "replace/"+split))
	}
	return mix.InPasses(dataset.Available)
}

// total is the number of rows of a split's mix.
func (s Size) total(shape mix.Shape) int64 {
	switch s.Policy {
	case SmallestPool:
		return shape.SmallestPool()
	case NoRepeat:
		return shape.NoRepeat()
	case ExactRows:
		return s.Rows
	default:
		return shape.KeepTotal()
	}
}

// pool is the balanced number of rows of each data set of the domain.
func (d Domain) pool(have mix.Domain) []int64 {
	switch d.Balance {
	case Smallest:
		return mix.Smallest(have.Rows)
	case None:
		return have.Rows
	case Shares:
		shares := make([]int64, len(d.Datasets))
		for i, dataset := range d.Datasets {
			shares[i] = dataset.Share
		}
		return mix.Proportional(have.Rows, shares, have.Units)
	default:
		return mix.Largest(have.Rows)
	}
}

// sortedDomains are the domains by name, each with its data sets by name: the order in which all arithmetic is done.
func (r Recipe) sortedDomains() []Domain {
	domains := slices.Clone(r.Domains)
	for i := range domains {
		domains[i].Datasets = slices.Clone(domains[i].Datasets)
		slices.SortFunc(domains[i].Datasets, func(a, b Dataset) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(domains, func(a, b Domain) int { return cmp.Compare(a.Name, b.Name) })
	return domains
}

// declaredOrder puts a plan's domains and data sets into the order of the manifest, for people.
func (r Recipe) declaredOrder(split *SplitPlan) {
	place := map[string]int{}
	for i, domain := range r.Domains {
		place["domain "+domain.Name] = i
		for j, dataset := range domain.Datasets {
			place[dataset.Name] = j
		}
	}
	slices.SortFunc(split.Domains, func(a, b DomainPlan) int { return place["domain "+a.Name] - place["domain "+b.Name] })
	for _, domain := range split.Domains {
		slices.SortFunc(domain.Datasets, func(a, b DatasetPlan) int { return place[a.Name] - place[b.Name] })
	}
}

// Dataset finds a data set and its domain by name.
func (r Recipe) Dataset(name string) (Dataset, Domain, bool) {
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			if dataset.Name == name {
				return dataset, domain, true
			}
		}
	}
	return Dataset{}, Domain{}, false
}

// DatasetNames lists every data set by name, sorted: the order of every list by data set that a machine reads.
func (r Recipe) DatasetNames() []string {
	var names []string
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			names = append(names, dataset.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Split finds the plan of a split by name.
func (p Plan) Split(name string) (SplitPlan, bool) {
	i := slices.IndexFunc(p.Splits, func(s SplitPlan) bool { return s.Name == name })
	if i < 0 {
		return SplitPlan{}, false
	}
	return p.Splits[i], true
}

// Datasets lists a split's data sets sorted by name.
func (s SplitPlan) Datasets() []DatasetPlan {
	var out []DatasetPlan
	for _, domain := range s.Domains {
		out = append(out, domain.Datasets...)
	}
	slices.SortFunc(out, func(a, b DatasetPlan) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
