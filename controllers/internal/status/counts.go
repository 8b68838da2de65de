package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// requestLength is the schema's limit for a source's request, in characters.
const requestLength = 256

// splitsOf returns the sizes of the mixed splits, once there is a plan.
func splitsOf(summary pipeline.Summary) []datav1alpha1.SplitStatus {
	if summary.Plan == nil {
		return nil
	}
	var splits []datav1alpha1.SplitStatus
	for i, split := range summary.Plan.Splits {
		of := summary.Split(i)
		splits = append(splits, datav1alpha1.SplitStatus{Name: split.Name, Rows: &split.Rows, Unique: of.Unique, Units: of.Units})
	}
	return splits
}

// domainsOf returns the rows and shares of the domains, once there is a plan.
func domainsOf(r recipe.Recipe, summary pipeline.Summary) []datav1alpha1.DomainStatus {
	if summary.Plan == nil {
		return nil
	}
	total := int64(0)
	for _, domain := range r.Domains {
		total += domain.Share
	}
	var domains []datav1alpha1.DomainStatus
	for i, domain := range r.Domains {
		status := datav1alpha1.DomainStatus{Name: domain.Name}
		for j, split := range summary.Plan.Splits {
			units := summary.Domain(j, domain).Units
			status.Splits = append(status.Splits, datav1alpha1.DomainSplitStatus{
				Name:          split.Name,
				Rows:          &split.Domains[i].Rows,
				Units:         units,
				TargetMilli:   milli(domain.Share, total),
				AchievedMilli: achieved(r, summary, j, split.Domains[i].Rows, units),
			})
		}
		domains = append(domains, status)
	}
	slices.SortFunc(domains, func(a, b datav1alpha1.DomainStatus) int { return cmp.Compare(a.Name, b.Name) })
	return domains
}

// achieved returns a domain's share of a split in the unit of the mix; nil while that is not known.
func achieved(r recipe.Recipe, summary pipeline.Summary, split int, rows int64, units *int64) *int32 {
	if !r.Measured() {
		return milli(rows, summary.Plan.Splits[split].Rows)
	}
	if whole := summary.Split(split).Units; units != nil && whole != nil && *whole > 0 {
		return milli(*units, *whole)
	}
	return nil
}

// milli returns part of whole in thousandths, rounded to the nearest. Numbers whose product would overflow lose their last binary digits.
func milli(part, whole int64) *int32 {
	for whole > 1<<50 {
		part, whole = part/2, whole/2
	}
	return ptr.To(int32(min(1000, (2000*min(part, whole)+whole)/(2*whole))))
}

// shares returns the achieved shares in the first split for people, such as math 40.0% qa 30.0% code 30.0%, in the order of the manifest. It is empty
// while they are not known.
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

// datasetsOf returns the status of the data sets, with the counts that are known.
func datasetsOf(b *build.Build, summary pipeline.Summary) []datav1alpha1.DatasetStatus {
	var datasets []datav1alpha1.DatasetStatus
	for i, name := range summary.Names {
		_, domain, _ := b.Target.Recipe.Dataset(name)
		status := datav1alpha1.DatasetStatus{Name: name, Domain: domain.Name}
		status.Source = sourceOf(b, name)
		if result := resultOf(b, pipeline.StageSplit, name).Split; result != nil {
			status.Rows = ptr.To(sum(result.Rows))
			status.Dropped = dropped(result.Dropped)
			status.BadRows = badRows(result.Bad)
			status.Splits = datasetSplits(b.Target.Recipe, i, summary)
		}
		datasets = append(datasets, status)
	}
	return datasets
}

// resultOf returns the result of a node of the present graph, empty while it has no result.
func resultOf(b *build.Build, stage pipeline.Stage, name string) pipeline.Result {
	node, _ := b.Target.Graph.Node(stage, name)
	return b.Ledger.Results[node.Key]
}

// sourceOf returns what a data set's source was resolved to, nil while that is not known.
func sourceOf(b *build.Build, name string) *datav1alpha1.SourceStatus {
	done := resultOf(b, pipeline.StageDownload, name).Download
	if done == nil {
		return nil
	}
	named, _ := b.Target.Recipe.Source(name)
	status := &datav1alpha1.SourceStatus{
		Request: contract.Clean(named.Source.Request(), requestLength), Revision: done.Revision, License: done.License,
		FileCount: ptr.To(int32(done.Files)), Bytes: &done.Bytes, Digest: done.Digest,
	}
	for _, file := range done.Listed {
		status.Files = append(status.Files, datav1alpha1.SourceFile{Path: file.Path, Bytes: ptr.To(file.Size), SHA256: file.SHA256})
	}
	if divided := resultOf(b, pipeline.StageSplit, name).Split; divided != nil {
		status.Rows = &divided.Read
	}
	return status
}

func dropped(rows map[string]int64) []datav1alpha1.DroppedRows {
	var list []datav1alpha1.DroppedRows
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		list = append(list, datav1alpha1.DroppedRows{Reason: reason, Rows: ptr.To(rows[reason])})
	}
	return list
}

// badRows returns the places of the first rows that were skipped.
func badRows(names []string) []datav1alpha1.BadRow {
	var rows []datav1alpha1.BadRow
	for _, name := range names {
		rows = append(rows, datav1alpha1.BadRow(name))
	}
	return rows
}

// datasetSplits returns the splits of a data set, which is given by its index in summary.Names.
func datasetSplits(r recipe.Recipe, index int, summary pipeline.Summary) []datav1alpha1.DatasetSplitStatus {
	var splits []datav1alpha1.DatasetSplitStatus
	for i, split := range r.Splits {
		of := summary.Dataset(i, index)
		splits = append(splits, datav1alpha1.DatasetSplitStatus{
			Name: split.Name, Rows: of.Rows, Overlap: of.Overlap, Variants: of.Variants, Duplicates: of.Duplicates, NearDuplicates: of.NearDuplicates,
			Balanced: of.Balanced, Mixed: of.Mixed, Unique: of.Unique, MaxRepeats: of.MaxRepeats, Units: of.Units,
		})
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
