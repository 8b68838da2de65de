package controllers

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// counts are the rows of the mixed splits: what the plan says, and what only finished files tell.
type counts struct {
	// plan is nil while there is none; it is in the order of the manifest.
	plan *plan.Plan
	// names of the data sets, sorted.
	names []string
	// reported per split, in the order of names; an entry is nil where, or while, the files of the split say nothing.
	reported [][]pipeline.MixedDataset
	// measured says whether shares are in bytes or tokens, drawn whether rows are drawn with replacement.
	measured, drawn bool
}

func (s *scope) counts() counts {
	mixed := map[string]pipeline.MixResult{}
	step, _ := s.graph.Step(pipeline.StageMix)
	for _, unit := range step.Nodes {
		if result := s.record.results[unit.Key].Mix; result != nil {
			mixed[unit.Name] = *result
		}
	}
	return counts{
		plan: s.graph.Plan, names: s.recipe.DatasetNames(), reported: pipeline.Reported(s.recipe, mixed),
		measured: s.recipe.Measured(), drawn: s.recipe.Resample == recipe.WithReplacement,
	}
}

// numbers are those of one data set, or of several together; a nil one is not known yet, or never will be.
type numbers struct{ unique, maxRepeats, units *int64 }

// of are the numbers of a data set in a split, by the places of both.
func (c counts) of(split, dataset int, planned plan.Dataset) numbers {
	out := numbers{unique: &planned.Unique, maxRepeats: &planned.MaxRepeats}
	if c.drawn {
		out = numbers{}
	}
	if c.reported[split] == nil {
		return out
	}
	reported := c.reported[split][dataset]
	if c.drawn {
		out.unique, out.maxRepeats = &reported.Unique, &reported.MaxRepeats
	}
	if c.measured && reported.Units >= 0 {
		out.units = &reported.Units
	}
	return out
}

// together sums the numbers of the data sets of a split that a test picks by name.
func (c counts) together(split int, pick func(name string) bool) numbers {
	unique, units := int64(0), int64(0)
	out := numbers{unique: &unique, units: &units}
	for d, planned := range c.plan.Splits[split].Datasets() {
		if !pick(planned.Name) {
			continue
		}
		of := c.of(split, d, planned)
		if of.unique == nil {
			out.unique = nil
		} else {
			unique += *of.unique
		}
		if of.units == nil || *of.units > math.MaxInt64-units { // a sum that overflows is that of no mix
			out.units = nil
		} else {
			units += *of.units
		}
	}
	return out
}

func every(string) bool { return true }

// splits are the sizes of the mixed splits, once there is a plan.
func (c counts) splits() []datav1alpha1.SplitStatus {
	if c.plan == nil {
		return nil
	}
	var splits []datav1alpha1.SplitStatus
	for i, split := range c.plan.Splits {
		of := c.together(i, every)
		splits = append(splits, datav1alpha1.SplitStatus{Name: split.Name, Rows: &split.Rows, Unique: of.unique, Units: of.units})
	}
	return splits
}

// domains are the parts of the domains, once there is a plan.
func (c counts) domains(r recipe.Recipe) []datav1alpha1.DomainStatus {
	if c.plan == nil {
		return nil
	}
	total := int64(0)
	for _, domain := range r.Domains {
		total += domain.Share
	}
	var domains []datav1alpha1.DomainStatus
	for i, domain := range r.Domains {
		status := datav1alpha1.DomainStatus{Name: domain.Name}
		in := func(name string) bool {
			return slices.ContainsFunc(domain.Datasets, func(of recipe.Dataset) bool { return of.Name == name })
		}
		for j, split := range c.plan.Splits {
			units := c.together(j, in).units
			status.Splits = append(status.Splits, datav1alpha1.DomainSplitStatus{
				Name:          split.Name,
				Rows:          &split.Domains[i].Rows,
				Units:         units,
				TargetMilli:   milli(domain.Share, total),
				AchievedMilli: c.achieved(j, split.Domains[i].Rows, units),
			})
		}
		domains = append(domains, status)
	}
	slices.SortFunc(domains, func(a, b datav1alpha1.DomainStatus) int { return cmp.Compare(a.Name, b.Name) })
	return domains
}

// achieved is a domain's share of a split in the unit of the mix; nil while that is not known.
func (c counts) achieved(split int, rows int64, units *int64) *int32 {
	if !c.measured {
		return milli(rows, c.plan.Splits[split].Rows)
	}
	if whole := c.together(split, every).units; units != nil && whole != nil && *whole > 0 {
		return milli(*units, *whole)
	}
	return nil
}

// milli is part of whole in thousandths, to the nearest. Of numbers whose product would overflow, the last digits do not count.
func milli(part, whole int64) *int32 {
	for whole > 1<<50 {
		part, whole = part/2, whole/2
	}
	return ptr.To(int32(min(1000, (2000*min(part, whole)+whole)/(2*whole))))
}

// shares is the achieved ratio of the first split in the order of the manifest, for people: math 40.0% qa 30.0% code 30.0%.
// It is empty while the ratio is not known.
func shares(r recipe.Recipe, domains []datav1alpha1.DomainStatus) string {
	var parts []string
	for _, domain := range r.Domains {
		for _, status := range domains {
			if status.Name == domain.Name && status.Splits[0].AchievedMilli != nil {
				achieved := *status.Splits[0].AchievedMilli
				parts = append(parts, fmt.Sprintf("%s %d.%d%%", domain.Name, achieved/10, achieved%10))
			}
		}
	}
	return strings.Join(parts, " ")
}

// datasets are what became of the data sets, as far as the results tell.
func (s *scope) datasets(counts counts) []datav1alpha1.DatasetStatus {
	var datasets []datav1alpha1.DatasetStatus
	for i, name := range counts.names {
		_, domain, _ := s.recipe.Dataset(name)
		status := datav1alpha1.DatasetStatus{Name: name, Domain: domain.Name}
		status.Source = s.source(name)
		if result := s.result(pipeline.StageSplit, name).Split; result != nil {
			status.Rows = ptr.To(sum(result.Rows))
			status.Dropped = dropped(result.Dropped)
			status.BadRows = badRows(result.Bad)
			status.Splits = s.datasetSplits(i, result, counts)
		}
		datasets = append(datasets, status)
	}
	return datasets
}

// result is that of a unit of the present graph, empty while there is none.
func (s *scope) result(stage pipeline.Stage, name string) pipeline.Result {
	step, _ := s.graph.Step(stage)
	for _, unit := range step.Nodes {
		if unit.Name == name {
			return s.record.results[unit.Key]
		}
	}
	return pipeline.Result{}
}

func dropped(rows map[string]int64) []datav1alpha1.DroppedRows {
	var list []datav1alpha1.DroppedRows
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		list = append(list, datav1alpha1.DroppedRows{Reason: reason, Rows: ptr.To(rows[reason])})
	}
	return list
}

// badRows names the first rows that were skipped.
func badRows(names []string) []datav1alpha1.BadRow {
	var rows []datav1alpha1.BadRow
	for _, name := range names {
		rows = append(rows, datav1alpha1.BadRow(name))
	}
	return rows
}

// datasetSplits: index is the place of the data set among all, sorted by name, as in the result of the balance stage.
func (s *scope) datasetSplits(index int, divided *pipeline.SplitResult, counts counts) []datav1alpha1.DatasetSplitStatus {
	balanced := s.result(pipeline.StageBalance, s.recipe.Name).Balance
	var splits []datav1alpha1.DatasetSplitStatus
	for i, split := range s.recipe.Splits {
		status := datav1alpha1.DatasetSplitStatus{Name: split.Name, Rows: &divided.Rows[i]}
		if balanced != nil {
			status.Overlap = ptr.To(balanced.Overlap.Of(i, index))
		}
		if balanced != nil && s.recipe.Compare != recipe.CompareBytes {
			status.Variants = ptr.To(balanced.Variants.Of(i, index))
		}
		if balanced != nil && s.recipe.Duplicates == recipe.DropDuplicates {
			status.Duplicates = ptr.To(balanced.Duplicates.Of(i, index))
		}
		if balanced != nil && s.recipe.NearDuplicates != nil {
			status.NearDuplicates = ptr.To(balanced.NearDuplicates.Of(i, index))
		}
		if counts.plan != nil {
			planned := counts.plan.Splits[i].Datasets()[index]
			of := counts.of(i, index, planned)
			status.Balanced, status.Mixed = &planned.Balanced, &planned.Rows
			status.Unique, status.MaxRepeats, status.Units = of.unique, of.maxRepeats, of.units
		}
		splits = append(splits, status)
	}
	return splits
}

func sum(values []int64) int64 {
	total := int64(0)
	for _, value := range values {
		total += value
	}
	return total
}
