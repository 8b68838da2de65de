package sampler

import (
	"context"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// countRows is how many rows are counted at a time, in 32 MiB. For a data set with more rows, all draws are repeated for each part of the rows:
// draws cost little, and a data set that gives more rows than it has is rarely that large.
const countRows = 4 << 20

// contextEvery is how many draws pass between two looks at the context.
const contextEvery = 1 << 20

// Uses returns Unique and MaxRepeats of each data set in a whole mixed split, sorted by name. Where rows are drawn, they are counted, else they
// are those of the plan. No row is read: which rows are drawn follows from the seed.
func Uses(ctx context.Context, r recipe.Recipe, split plan.Split) ([]pipeline.MixedDataset, error) {
	var uses []pipeline.MixedDataset
	for _, dataset := range split.Datasets() {
		unique, most := dataset.Unique, dataset.MaxRepeats
		if dataset.Drawn {
			var err error
			if unique, most, err = count(ctx, plan.Draws(r, split.Name, dataset), dataset.Available, dataset.Rows, countRows); err != nil {
				return nil, err
			}
		}
		uses = append(uses, pipeline.MixedDataset{Unique: unique, MaxRepeats: most})
	}
	return uses, nil
}

// count returns how many of the rows are drawn in so many occurrences, and how often the most frequent one is. It repeats the draws for each
// atOnce of the rows.
func count(ctx context.Context, draws mix.Draws, rows, occurrences, atOnce int64) (unique, most int64, err error) {
	times := make([]int64, min(rows, atOnce))
	for first := int64(0); first < rows; first += atOnce {
		clear(times)
		for o := range occurrences {
			if o%contextEvery == 0 && ctx.Err() != nil {
				return 0, 0, ctx.Err()
			}
			_, row := draws.At(o)
			if row -= first; row < 0 || row >= int64(len(times)) {
				continue
			}
			if times[row]++; times[row] == 1 {
				unique++
			}
			most = max(most, times[row])
		}
	}
	return unique, most, nil
}
