package plan

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Shard is one file of a mixed split: which occurrences of every data set are in it. A shard is woven from these alone, so
// the files of a split can be written, and checked, independently of one another.
type Shard struct {
	// Number of the shard, from 0.
	Number int
	// Rows of all data sets.
	Rows int64
	// Purpose of the key that shuffles the shard.
	Purpose string
	// Spans are the occurrences of each data set, sorted by name like Split.Datasets.
	Spans []mix.Span
}

// Shards deals a planned split to the files that it is published in. Data sets are dealt with those of their domain side by
// side, so that every shard has the floor or the ceiling of its exact share of each data set, of each domain and of all rows.
func Shards(r recipe.Recipe, split Split) []Shard {
	datasets := split.Datasets()
	dealing := make([]int, 0, len(datasets)) // indices of data sets, in the order in which they are dealt
	domains := map[string]string{}
	for _, domain := range split.Domains {
		for _, dataset := range domain.Datasets {
			domains[dataset.Name] = domain.Name
		}
	}
	for i := range datasets {
		dealing = append(dealing, i)
	}
	slices.SortStableFunc(dealing, func(a, b int) int {
		return cmp.Compare(domains[datasets[a].Name], domains[datasets[b].Name])
	})
	counts := make([]int64, len(dealing))
	for place, i := range dealing {
		counts[place] = datasets[i].Rows
	}
	dealt := mix.Deal(counts, filesOf(r.Output))
	shards := make([]Shard, len(dealt))
	for j, spans := range dealt {
		shards[j] = Shard{Number: j, Purpose: weavePurpose(split.Name, j, len(dealt)), Spans: make([]mix.Span, len(spans))}
		for place, i := range dealing {
			shards[j].Spans[i] = spans[place]
			shards[j].Rows += spans[place].Rows()
		}
	}
	return shards
}

// RowsOf returns the number of rows of shards. For the shards before another one, that is the place in the split of the other's first row.
func RowsOf(shards []Shard) int64 {
	var rows int64
	for _, shard := range shards {
		rows += shard.Rows
	}
	return rows
}

// filesOf returns the number of files per mixed split.
func filesOf(o recipe.Output) int { return max(o.Shards, 1) }

// weavePurpose names the key of one shard. A split of one file has the key it had before there were shards.
func weavePurpose(split string, shard, shards int) string {
	if shards == 1 {
		return "weave/" + split
	}
	return fmt.Sprintf("weave/%s/%d", split, shard)
}

// Weave yields, for every row of a shard, the data set it comes from: an index into Spans. The k-th time that a data set is
// named, its row is the k-th occurrence of its span.
func Weave(r recipe.Recipe, shard Shard) iter.Seq[int] {
	counts := make([]int64, len(shard.Spans))
	for i, span := range shard.Spans {
		counts[i] = span.Rows()
	}
	if r.Order == recipe.Interleaved {
		return mix.Interleaved(counts)
	}
	return mix.Shuffled(counts, mix.NewKey(r.Seed, shard.Purpose))
}
