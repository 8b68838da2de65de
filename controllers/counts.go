package controllers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// splits are the sizes of the mixed splits, once there is a plan.
func (s *scope) splits() []datav1alpha1.SplitStatus {
	if s.graph.Plan == nil {
		return nil
	}
	var splits []datav1alpha1.SplitStatus
	for _, split := range s.graph.Plan.Splits {
		unique := int64(0)
		for _, dataset := range split.Datasets() {
			unique += dataset.Unique
		}
		splits = append(splits, datav1alpha1.SplitStatus{Name: split.Name, Rows: &split.Rows, Unique: &unique})
	}
	return splits
}

// domains are the parts of the domains, once there is a plan.
func (s *scope) domains() []datav1alpha1.DomainStatus {
	if s.graph.Plan == nil {
		return nil
	}
	total := int64(0)
	for _, domain := range s.recipe.Domains {
		total += domain.Share
	}
	var domains []datav1alpha1.DomainStatus
	for i, domain := range s.recipe.Domains {
		status := datav1alpha1.DomainStatus{Name: domain.Name}
		for _, split := range s.graph.Plan.Splits {
			status.Splits = append(status.Splits, datav1alpha1.DomainSplitStatus{
				Name:          split.Name,
				Rows:          &split.Domains[i].Rows, // a plan is in the order of the manifest
				TargetMilli:   milli(domain.Share, total),
				AchievedMilli: milli(split.Domains[i].Rows, split.Rows),
			})
		}
		domains = append(domains, status)
	}
	slices.SortFunc(domains, func(a, b datav1alpha1.DomainStatus) int { return cmp.Compare(a.Name, b.Name) })
	return domains
}

// milli is part of whole in thousandths, to the nearest. Whole is at most 10^10 times 64: nothing overflows.
func milli(part, whole int64) *int32 {
	return ptr.To(int32((2000*part + whole) / (2 * whole)))
}

// shares is the achieved ratio of the first split in the order of the manifest, for people: math 40.0% qa 30.0% code 30.0%.
func shares(r recipe.Recipe, domains []datav1alpha1.DomainStatus) string {
	var parts []string
	for _, domain := range r.Domains {
		for _, status := range domains {
			if status.Name == domain.Name {
				achieved := *status.Splits[0].AchievedMilli
				parts = append(parts, fmt.Sprintf("%s %d.%d%%", domain.Name, achieved/10, achieved%10))
			}
		}
	}
	return strings.Join(parts, " ")
}

// datasets are what became of the data sets, as far as the results tell.
func (s *scope) datasets() []datav1alpha1.DatasetStatus {
	var datasets []datav1alpha1.DatasetStatus
	for i, name := range s.recipe.DatasetNames() {
		_, domain, _ := s.recipe.Dataset(name)
		status := datav1alpha1.DatasetStatus{Name: name, Domain: domain.Name}
		if result := s.result(recipe.Download, name).Download; result != nil {
			status.Revision, status.License, status.Digest = result.Revision, result.License, result.Digest
			status.Files, status.Bytes = ptr.To(int32(result.Files)), &result.Bytes
		}
		if result := s.result(recipe.Divide, name).Split; result != nil {
			status.Rows = ptr.To(sum(result.Rows))
			status.Dropped = dropped(result.Dropped)
			status.Splits = s.datasetSplits(i, name, result)
		}
		datasets = append(datasets, status)
	}
	return datasets
}

// result is that of a unit of the present graph, empty while there is none.
func (s *scope) result(stage recipe.Stage, name string) recipe.Result {
	step, _ := s.graph.Step(stage)
	for _, unit := range step.Units {
		if unit.Name == name {
			return s.record.results[unit.Key]
		}
	}
	return recipe.Result{}
}

func dropped(rows map[string]int64) []datav1alpha1.DroppedRows {
	var list []datav1alpha1.DroppedRows
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		list = append(list, datav1alpha1.DroppedRows{Reason: reason, Rows: ptr.To(rows[reason])})
	}
	return list
}

// datasetSplits: index is the place of the data set among all, sorted by name, as in the result of the balance stage.
func (s *scope) datasetSplits(index int, name string, divided *recipe.Divided) []datav1alpha1.DatasetSplitStatus {
	balanced := s.result(recipe.Balancing, s.recipe.Name).Balance
	var splits []datav1alpha1.DatasetSplitStatus
	for i, split := range s.recipe.Splits {
		status := datav1alpha1.DatasetSplitStatus{Name: split.Name, Rows: &divided.Rows[i]}
		if balanced != nil {
			status.Overlap = ptr.To(balanced.Overlap.Of(i, index))
		}
		if s.graph.Plan != nil {
			planned(&status, s.graph.Plan.Splits[i], name)
		}
		splits = append(splits, status)
	}
	return splits
}

func planned(status *datav1alpha1.DatasetSplitStatus, split recipe.SplitPlan, name string) {
	for _, dataset := range split.Datasets() {
		if dataset.Name == name {
			status.Balanced, status.Mixed = ptr.To(dataset.Balanced), ptr.To(dataset.Rows)
			status.Unique, status.MaxRepeats = ptr.To(dataset.Unique), ptr.To(dataset.MaxRepeats)
		}
	}
}

func sum(values []int64) int64 {
	total := int64(0)
	for _, value := range values {
		total += value
	}
	return total
}
