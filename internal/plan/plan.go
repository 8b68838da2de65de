// Package plan is the arithmetic of a mix: from the rows that data sets have, and a recipe, it computes the exact rows of every mixed
// file, which occurrences each shard has, and in which order its rows are woven. It says why counts cannot meet a recipe.
//
// Imports: the standard library, internal/mix and internal/recipe.
package plan

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Plan is what the recipe's arithmetic makes of the counts: the exact rows of every mixed file, in the order of declaration.
type Plan struct {
	Splits []Split `json:"splits"`
}

// Split is one mixed split.
type Split struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Units are the sum of the domains'.
	Units   int64    `json:"units,omitempty"`
	Domains []Domain `json:"domains"`
}

// Domain is one domain's part of a mixed split.
type Domain struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Units are the sum of the data sets'.
	Units    int64     `json:"units,omitempty"`
	Datasets []Dataset `json:"datasets"`
}

// Dataset is one data set's part of a mixed split, in rows.
type Dataset struct {
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
	// where shares are measured in rows. The mix stage counts the rows' own, in its result.
	Units int64 `json:"units,omitempty"`
	// Drawn reports that rows are drawn with replacement. Which rows are drawn shows only when all draws are made, and a plan must take no longer
	// for ten billion rows than for ten, so the mix stage counts Unique and MaxRepeats of these data sets in its result.
	Drawn bool `json:"drawn,omitempty"`
}

// New computes every count of every mixed split. The error is an *InfeasibleError unless counts lack a data set.
//
// The total of a split follows its size policy: KeepTotal is the sum of the split's rows over all data sets; SmallestPool is
// floor(min over domains of balanced pool ÷ ratio); NoRepeat is the largest total in which no row appears twice; Rows is as
// asked. Domains share the total by share, the data sets of a domain share its rows by balanced pool.
//
// Where shares are measured in bytes or tokens, a domain's share of the rows is its share divided by the mean units of a row of
// its balanced pool, and so with the data sets of a domain whose balance is Shares. Totals and counts stay rows.
func New(r recipe.Recipe, counts Counts) (Plan, error) {
	var plan Plan
	for i, split := range r.Splits {
		built, err := planSplit(r, i, split, counts)
		if err != nil {
			return Plan{}, err
		}
		plan.Splits = append(plan.Splits, built)
	}
	return plan, nil
}

func planSplit(r recipe.Recipe, index int, split recipe.Split, counts Counts) (Split, error) {
	domains := r.SortedDomains()
	shape := make(mix.Shape, len(domains))
	for i, domain := range domains {
		have, err := holdings(r, index, domain, counts)
		if err != nil {
			return Split{}, err
		}
		if err := checkRows(index, split.Name, domain, have, counts); err != nil {
			return Split{}, err
		}
		if err := checkUnits(r, split.Name, domain, have); err != nil {
			return Split{}, err
		}
		have.Pool = poolOf(domain, have)
		shape[i] = have
	}
	total := totalOf(split.Size, shape)
	if total == 0 {
		return Split{}, infeasible(split.Name, "its size comes to 0 rows; choose another size policy, or data sets with more rows")
	}
	built := Split{Name: split.Name, Rows: total}
	for i, allotted := range shape.Allot(total) {
		domain := planDomain(r, split.Name, domains[i], shape[i], allotted)
		built.Units += domain.Units
		built.Domains = append(built.Domains, domain)
	}
	if err := checkRepeats(r, built, domains, shape); err != nil {
		return Split{}, err
	}
	declaredOrder(r, &built)
	return built, nil
}

// holdings returns a domain's share and what its data sets have in a split.
func holdings(r recipe.Recipe, split int, domain recipe.Domain, counts Counts) (mix.Domain, error) {
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
			return have, fmt.Errorf("plan: %d counts of %s for data set %s, %d splits", len(count.Units), r.Unit.Name(), dataset.Name, len(r.Splits))
		}
		have.Units[j] = count.Units[split]
		if have.Units[j] < 0 || have.Units[j] > 0 && have.Rows[j] == 0 {
			return have, fmt.Errorf("plan: data set %s has %d %s in %d rows", dataset.Name, have.Units[j], r.Unit.Name(), have.Rows[j])
		}
	}
	return have, nil
}

func planDomain(r recipe.Recipe, split string, domain recipe.Domain, have mix.Domain, allotted []int64) Domain {
	built := Domain{Name: domain.Name}
	for j, rows := range allotted {
		dataset := Dataset{Name: domain.Datasets[j].Name, Available: have.Rows[j], Balanced: have.Pool[j], Rows: rows}
		if dataset.Drawn = Draws(r, split, dataset).Drawn(); !dataset.Drawn {
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

// expected returns rows·units/available, rounded to the nearest, half up.
func expected(rows, units, available int64) int64 {
	product := new(big.Int).Mul(big.NewInt(rows), big.NewInt(units))
	product.Lsh(product, 1).Add(product, big.NewInt(available))
	return product.Quo(product, new(big.Int).Lsh(big.NewInt(available), 1)).Int64()
}

// Draws returns which row each occurrence of a planned data set is, in the mixed files of a split.
func Draws(r recipe.Recipe, split string, dataset Dataset) mix.Draws {
	if r.Resample == recipe.WithReplacement {
		return mix.WithReplacement(dataset.Available, dataset.Rows, mix.NewKey(r.Seed, "replace/"+split))
	}
	return mix.InPasses(dataset.Available)
}

// totalOf returns the number of rows of a split's mix.
func totalOf(s recipe.Size, shape mix.Shape) int64 {
	switch s.Policy {
	case recipe.SmallestPool:
		return shape.SmallestPool()
	case recipe.NoRepeat:
		return shape.NoRepeat()
	case recipe.ExactRows:
		return s.Rows
	default:
		return shape.KeepTotal()
	}
}

// poolOf returns the balanced number of rows of each data set of the domain.
func poolOf(d recipe.Domain, have mix.Domain) []int64 {
	switch d.Balance {
	case recipe.Smallest:
		return mix.Smallest(have.Rows)
	case recipe.None:
		return have.Rows
	case recipe.Shares:
		shares := make([]int64, len(d.Datasets))
		for i, dataset := range d.Datasets {
			shares[i] = dataset.Share
		}
		return mix.Proportional(have.Rows, shares, have.Units)
	default:
		return mix.Largest(have.Rows)
	}
}

// declaredOrder puts a plan's domains and data sets into the order of the manifest, for people.
func declaredOrder(r recipe.Recipe, split *Split) {
	place := map[string]int{}
	for i, domain := range r.Domains {
		place["domain "+domain.Name] = i
		for j, dataset := range domain.Datasets {
			place[dataset.Name] = j
		}
	}
	slices.SortFunc(split.Domains, func(a, b Domain) int { return place["domain "+a.Name] - place["domain "+b.Name] })
	for _, domain := range split.Domains {
		slices.SortFunc(domain.Datasets, func(a, b Dataset) int { return place[a.Name] - place[b.Name] })
	}
}

// Split finds the plan of a split by name.
func (p Plan) Split(name string) (Split, bool) {
	i := slices.IndexFunc(p.Splits, func(s Split) bool { return s.Name == name })
	if i < 0 {
		return Split{}, false
	}
	return p.Splits[i], true
}

// Datasets lists a split's data sets sorted by name.
func (s Split) Datasets() []Dataset {
	var out []Dataset
	for _, domain := range s.Domains {
		out = append(out, domain.Datasets...)
	}
	slices.SortFunc(out, func(a, b Dataset) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Digest returns the SHA-256, in hex, of a plan whose domains and data sets are sorted by name.
func (p Plan) Digest() string {
	type split struct {
		Name     string    `json:"name"`
		Rows     int64     `json:"rows"`
		Datasets []Dataset `json:"datasets"`
	}
	var splits []split
	for _, s := range p.Splits {
		splits = append(splits, split{s.Name, s.Rows, s.Datasets()})
	}
	return recipe.Digest(struct {
		Plan   string  `json:"plan"`
		Splits []split `json:"splits"`
	}{"plan/v1", splits})
}
