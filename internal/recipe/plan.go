package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/mix"
)

// Counts holds the rows of every data set, by name, per split in the order of declaration.
type Counts map[string][]int64

// Plan is what the recipe's arithmetic makes of the counts: the exact rows of every mixed file, in the order of declaration.
type Plan struct {
	Splits []SplitPlan `json:"splits"`
}

// SplitPlan is one mixed split.
type SplitPlan struct {
	Name    string       `json:"name"`
	Rows    int64        `json:"rows"`
	Domains []DomainPlan `json:"domains"`
}

// DomainPlan is one domain's part of a mixed split.
type DomainPlan struct {
	Name     string        `json:"name"`
	Rows     int64         `json:"rows"`
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
	// Unique are the different rows among them.
	Unique int64 `json:"unique"`
	// MaxRepeats is how often the most frequent row appears.
	MaxRepeats int64 `json:"maxRepeats"`
}

// InfeasibleError says why counts cannot meet a recipe, and what to do.
type InfeasibleError struct {
	Split   string
	Problem string
}

func (e *InfeasibleError) Error() string {
	return fmt.Sprintf("the mix of split %s cannot be made: %s", e.Split, e.Problem)
}

// Plan computes every count of every mixed split. The error is an *InfeasibleError unless counts lack a data set.
//
// The total of a split follows its size policy: KeepTotal is the sum of the split's rows over all data sets; SmallestPool is
// floor(min over domains of balanced pool ÷ ratio); NoRepeat is the largest total in which no row appears twice; Rows is as
// asked. Domains share the total by share, the data sets of a domain share its rows by balanced pool.
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
		rows := make([]int64, len(domain.Datasets))
		for j, dataset := range domain.Datasets {
			have, ok := counts[dataset.Name]
			if !ok || len(have) != len(r.Splits) {
				return SplitPlan{}, fmt.Errorf("plan: %d counts for data set %s, %d splits", len(have), dataset.Name, len(r.Splits))
			}
			rows[j] = have[index]
		}
		shape[i] = mix.Domain{Share: domain.Share, Rows: rows, Pool: domain.pool(rows)}
	}
	total := split.Size.total(shape)
	built := SplitPlan{Name: split.Name, Rows: total}
	for i, allotted := range shape.Allot(total) {
		built.Domains = append(built.Domains, planDomain(domains[i], shape[i], allotted))
	}
	if err := r.checkSplit(built, shape); err != nil {
		return SplitPlan{}, err
	}
	r.declaredOrder(&built)
	return built, nil
}

func planDomain(domain Domain, shape mix.Domain, allotted []int64) DomainPlan {
	built := DomainPlan{Name: domain.Name}
	for j, rows := range allotted {
		available := shape.Rows[j]
		repeats := int64(0)
		if available > 0 {
			repeats = (rows + available - 1) / available
		}
		built.Rows += rows
		built.Datasets = append(built.Datasets, DatasetPlan{
			Name: domain.Datasets[j].Name, Available: available, Balanced: shape.Pool[j],
			Rows: rows, Unique: min(rows, available), MaxRepeats: repeats,
		})
	}
	return built
}

// checkSplit finds what cannot be: rows from where there are none, an empty mix, a row repeated more often than allowed.
func (r Recipe) checkSplit(split SplitPlan, shape mix.Shape) error {
	fail := func(format string, args ...any) error {
		return &InfeasibleError{Split: split.Name, Problem: fmt.Sprintf(format, args...)}
	}
	for i, domain := range split.Domains {
		for j, dataset := range domain.Datasets {
			if dataset.Available == 0 && shape[i].Pool[j] > 0 {
				return fail("data set %s has no row in it, so nothing can be repeated to the %d rows that the balance of domain %s asks for; "+
					"give the split a larger share, or the domain the balance None", dataset.Name, dataset.Balanced, domain.Name)
			}
		}
		if slices.Max(shape[i].Pool) == 0 {
			return fail("domain %s has no row in it; give the split a larger share, or leave the domain out", domain.Name)
		}
	}
	if split.Rows == 0 {
		return fail("its size comes to 0 rows; choose another size policy, or data sets with more rows")
	}
	return r.checkRepeats(split, shape, fail)
}

// checkRepeats names the data set that is repeated most, and the largest total that the limit allows.
func (r Recipe) checkRepeats(split SplitPlan, shape mix.Shape, fail func(string, ...any) error) error {
	var worst DatasetPlan
	for _, domain := range split.Domains {
		for _, dataset := range domain.Datasets {
			if dataset.MaxRepeats > worst.MaxRepeats {
				worst = dataset
			}
		}
	}
	if r.MaxRepeats == 0 || worst.MaxRepeats <= r.MaxRepeats {
		return nil
	}
	capped := slices.Clone(shape)
	for i := range capped {
		capped[i].Rows = slices.Clone(capped[i].Rows)
		for j := range capped[i].Rows {
			capped[i].Rows[j] *= r.MaxRepeats
		}
	}
	return fail("%d rows would repeat data set %s, which has %d, up to %d times, and limits.maxRepeats is %d; "+
		"the largest total within the limit is %d rows: lower the size, raise the limit, or add rows to %s",
		split.Rows, worst.Name, worst.Available, worst.MaxRepeats, r.MaxRepeats, capped.NoRepeat(), worst.Name)
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
func (d Domain) pool(rows []int64) []int64 {
	switch d.Balance {
	case Smallest:
		return mix.Smallest(rows)
	case None:
		return rows
	case Shares:
		shares := make([]int64, len(d.Datasets))
		for i, dataset := range d.Datasets {
			shares[i] = dataset.Share
		}
		return mix.Proportional(rows, shares, nil)
	default:
		return mix.Largest(rows)
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

// SplitCounts is what the splits make of data sets with so many rows each, as long as no group of rows is cut and no
// question stands in two splits: the counts of a plan that is made before any data is there.
func (r Recipe) SplitCounts(rows map[string]int64) (Counts, error) {
	shares := make([]int64, len(r.Splits))
	for i, split := range r.Splits {
		shares[i] = split.Share
	}
	counts := Counts{}
	for _, name := range r.DatasetNames() {
		n, ok := rows[name]
		if !ok {
			return nil, fmt.Errorf("the number of rows of data set %s is missing; the data sets are %s", name, strings.Join(r.DatasetNames(), ", "))
		}
		if n < 0 {
			return nil, fmt.Errorf("data set %s cannot have %d rows", name, n)
		}
		counts[name] = mix.Apportion(n, shares)
	}
	for name := range rows {
		if _, ok := counts[name]; !ok {
			return nil, fmt.Errorf("there is no data set %s; the data sets are %s", name, strings.Join(r.DatasetNames(), ", "))
		}
	}
	return counts, nil
}
