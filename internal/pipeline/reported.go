package pipeline

import (
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Remaining returns what every data set has left per split, once the rows that may not stay are dropped. The units are those that the
// balance stage counted of the rows left, or of the split stage where balance has not counted.
func Remaining(r recipe.Recipe, results Results, balanced BalanceResult) plan.Counts {
	counts := plan.Counts{}
	for i, name := range r.DatasetNames() {
		of := results.Split(name)
		count := plan.Count{Rows: append([]int64(nil), of.Rows...), Before: &plan.Grouping{Rows: of.Rows, Groups: of.Groups, LargestGroup: of.LargestGroup}}
		for s := range count.Rows {
			count.Rows[s] -= balanced.Dropped(s, i)
		}
		if r.Measured() {
			count.Units = append([]int64(nil), of.Units...)
		}
		if r.Measured() && balanced.Units != nil {
			count.Units = make([]int64, len(balanced.Units))
			for s, units := range balanced.Units {
				count.Units[s] = units[i]
			}
		}
		counts[name] = count
	}
	return counts
}

// Reports reports whether the results of mixed files have numbers of their data sets that the plan does not have: which rows were drawn, or the
// bytes or tokens of the rows.
func Reports(r recipe.Recipe) bool { return r.Measured() || r.Resample == recipe.WithReplacement }

// Reported returns the numbers of data sets, sorted by name, in the results of each split's mixed files, by split in the order of declaration.
// Units are summed over the files; the other numbers are of the whole split in every file. The entry of a split is nil while one of its files is
// not finished, and where files report nothing, because the plan has all numbers.
func Reported(r recipe.Recipe, results Results) [][]MixedDataset {
	reported := make([][]MixedDataset, len(r.Splits))
	shards := r.Files() // the first of them are the mixed ones, or those of an export, which say the same
	count := max(1, r.Output.Shards)
	for i := range min(len(r.Splits), len(shards)) {
		reported[i] = ofSplit(shards[i*count:(i+1)*count], results, len(r.DatasetNames()))
	}
	return reported
}

func ofSplit(shards []recipe.Shard, results Results, datasets int) []MixedDataset {
	sum := make([]MixedDataset, datasets)
	for _, shard := range shards {
		file := results.Mix(shard.Name())
		if file == nil || len(file.Datasets) != datasets {
			return nil
		}
		for d, of := range file.Datasets {
			sum[d] = MixedDataset{Unique: of.Unique, MaxRepeats: of.MaxRepeats, Units: sum[d].Units + of.Units}
		}
	}
	return sum
}
