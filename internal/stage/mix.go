package stage

import (
	"context"
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/draw"
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
	m, err := j.newMixer(staging)
	if err != nil {
		return recipe.Result{}, err
	}
	defer m.close()
	if err := m.write(ctx); err != nil {
		return recipe.Result{}, err
	}
	if m.done.Rows != m.shard.Rows {
		return recipe.Result{}, fmt.Errorf("%s: %d rows written, %d planned", j.Unit.Name, m.done.Rows, m.shard.Rows)
	}
	return recipe.Result{Mix: &m.done}, nil
}

// mixer writes one shard.
type mixer struct {
	job
	staging   *store.Staging
	shard     recipe.ShardPlan
	sequences []*draw.Sequence // of the data sets, sorted by name
	done      recipe.Mixed
}

func (j job) newMixer(staging *store.Staging) (*mixer, error) {
	shard, _ := j.Recipe.Shard(j.Unit.Name)
	split := slices.IndexFunc(j.Recipe.Splits, func(s recipe.Split) bool { return s.Name == shard.Split })
	plan := j.graph.Plan.Splits[split]
	m := &mixer{job: j, staging: staging, shard: j.Recipe.PlanShards(plan)[shard.Index]}
	datasets := plan.Datasets()
	for i, dataset := range datasets {
		folder, name, err := j.processed(split, dataset.Name)
		if err != nil {
			m.close()
			return nil, err
		}
		rows, err := openRows(folder, name, holdMemory/int64(len(datasets)))
		if err != nil {
			m.close()
			return nil, err
		}
		m.sequences = append(m.sequences, draw.New(rows, j.Recipe.Draws(plan.Name, dataset), m.shard.Spans[i].Start, j.Recipe.Seed, staging.Folder()))
		if rows.Len() != dataset.Available {
			m.close()
			return nil, contract.Failf(contract.VolumeInvalid, "data set %s: split %s has %d rows on the volume, the plan counted %d",
				dataset.Name, plan.Name, rows.Len(), dataset.Available)
		}
	}
	return m, nil
}

func (m *mixer) write(ctx context.Context) error {
	path, err := m.staging.Path(mixedName)
	if err != nil {
		return err
	}
	out, err := store.Create(path)
	if err != nil {
		return err
	}
	defer out.Abort()
	for next := range m.Recipe.Weave(m.shard) {
		if m.done.Rows%contextEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := m.sequences[next].Next()
		if err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
		m.done.Rows++
	}
	m.done.Bytes = out.Bytes()
	m.done.Digest, err = out.Finish()
	return err
}

func (m *mixer) close() {
	for _, sequence := range m.sequences {
		sequence.Close()
	}
}
