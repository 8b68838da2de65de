package stage

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/draw"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// mixedName is the mixed file in a mix unit's folder.
const mixedName = "mixed.jsonl"

// holdMemory is the memory, in bytes, for data sets that are small enough to be held while they repeat.
const holdMemory = 32 << 20

// contextEvery is how many rows pass between two looks at the context.
const contextEvery = 4096

// mix writes one mixed file: the rows that the plan gives each data set, in the order that the recipe asks for.
func (j job) mix(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	index := slices.IndexFunc(j.Recipe.Splits, func(s recipe.Split) bool { return s.Name == j.Unit.Name })
	plan, _ := j.graph.Plan.Split(j.Unit.Name)
	datasets := plan.Datasets()
	sequences := make([]*draw.Sequence, len(datasets))
	counts := make([]int64, len(datasets))
	for i, dataset := range datasets {
		folder, name, err := j.processed(index, dataset.Name)
		if err != nil {
			return recipe.Result{}, err
		}
		rows, err := openRows(folder, name, holdMemory/int64(len(datasets)))
		if err != nil {
			return recipe.Result{}, err
		}
		sequences[i], counts[i] = draw.New(rows, mix.InPasses(rows.Len()), 0, j.Recipe.Seed, staging.Folder()), dataset.Rows
		defer sequences[i].Close()
		if rows.Len() != dataset.Available {
			return recipe.Result{}, contract.Failf(contract.VolumeInvalid, "data set %s: split %s has %d rows on the volume, the plan counted %d",
				dataset.Name, plan.Name, rows.Len(), dataset.Available)
		}
	}
	path, err := staging.Path(mixedName)
	if err != nil {
		return recipe.Result{}, err
	}
	mixed, err := writeMix(ctx, path, sequences, j.weave(plan.Name, counts))
	if err != nil {
		return recipe.Result{}, err
	}
	if mixed.Rows != plan.Rows {
		return recipe.Result{}, fmt.Errorf("split %s: %d rows written, %d planned", plan.Name, mixed.Rows, plan.Rows)
	}
	return recipe.Result{Mix: &mixed}, nil
}

func (j job) weave(split string, counts []int64) iter.Seq[int] {
	if j.Recipe.Order == recipe.Interleaved {
		return mix.Interleaved(counts)
	}
	return mix.Shuffled(counts, mix.NewKey(j.Recipe.Seed, "weave/"+split))
}

func writeMix(ctx context.Context, path string, datasets []*draw.Sequence, weave iter.Seq[int]) (recipe.Mixed, error) {
	out, err := store.Create(path)
	if err != nil {
		return recipe.Mixed{}, err
	}
	defer out.Abort()
	var mixed recipe.Mixed
	for next := range weave {
		if mixed.Rows%contextEvery == 0 && ctx.Err() != nil {
			return mixed, ctx.Err()
		}
		line, err := datasets[next].Next()
		if err != nil {
			return mixed, err
		}
		if _, err := out.Write(line); err != nil {
			return mixed, err
		}
		mixed.Rows++
	}
	mixed.Bytes = out.Bytes()
	mixed.Digest, err = out.Finish()
	return mixed, err
}
