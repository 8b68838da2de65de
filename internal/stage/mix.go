package stage

import (
	"context"
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/sampler"
	"github.com/datasetmix/datasetmix/internal/store"
)

// mixedName returns the name of the file in a mix unit's folder. It ends as a published one does.
func mixedName(shard recipe.Shard, format recipe.Format) string {
	if shard.Export != "" {
		format = recipe.Parquet
	}
	return "mixed" + format.Extension()
}

// contextEvery is how many rows pass between two looks at the context.
const contextEvery = 4096

// mix writes one mixed file: the rows that the plan gives each data set, in the order that the recipe asks for.
func (j job) mix(ctx context.Context, staging *store.Staging) (pipeline.Result, error) {
	m, err := newMixer(ctx, j, staging)
	if err != nil {
		return pipeline.Result{}, err
	}
	defer m.sequences.Close()
	if err := m.write(ctx); err != nil {
		return pipeline.Result{}, err
	}
	if m.done.Rows != m.shard.Rows {
		return pipeline.Result{}, fmt.Errorf("%s: %d rows written, %d planned", j.node.Name, m.done.Rows, m.shard.Rows)
	}
	return pipeline.Result{Mix: &m.done}, nil
}

// mixer writes one shard.
type mixer struct {
	job       job
	staging   *store.Staging
	file      recipe.Shard
	shard     plan.Shard
	first     int64 // the place in the split of the shard's first row
	sequences sampler.Sequences
	done      pipeline.MixResult
	// rows is the XXH64 of the rows that a file of an export was made of.
	rows string
}

func newMixer(ctx context.Context, j job, staging *store.Staging) (*mixer, error) {
	shard, _ := j.recipe.Shard(j.node.Name)
	split := slices.IndexFunc(j.recipe.Splits, func(s recipe.Split) bool { return s.Name == shard.Split })
	planned := j.graph.Plan.Splits[split]
	shards := plan.Shards(j.recipe, planned)
	m := &mixer{job: j, staging: staging, file: shard, shard: shards[shard.Index], first: plan.RowsOf(shards[:shard.Index])}
	if pipeline.Reports(j.recipe) { // before rows are held in memory
		uses, err := sampler.Uses(ctx, j.recipe, planned)
		if err != nil {
			return nil, err
		}
		m.done.Datasets = uses
	}
	var err error
	m.sequences, err = sampler.Open(j.recipe, planned, m.shard, staging.Folder(), func(dataset int, hold int64) (*rowfile.Rows, error) {
		return openPlanned(j, split, planned.Datasets()[dataset], hold)
	})
	return m, err
}

// openPlanned opens a data set's final rows of a split, which are as many as the plan counted.
func openPlanned(j job, split int, dataset plan.Dataset, hold int64) (*rowfile.Rows, error) {
	folder, name, err := j.processed(split, dataset.Name)
	if err != nil {
		return nil, err
	}
	rows, err := openRows(folder, name, hold)
	if err != nil {
		return nil, err
	}
	if rows.Len() != dataset.Available {
		rows.Close() // it was only read
		return nil, contract.Failf(contract.VolumeInvalid, "data set %s: split %s has %d rows on the volume, the plan counted %d",
			dataset.Name, j.recipe.Splits[split].Name, rows.Len(), dataset.Available)
	}
	return rows, nil
}

// write writes the file. Its length and digest are those of the encoded bytes.
func (m *mixer) write(ctx context.Context) error {
	name := mixedName(m.file, m.job.recipe.Output.Format)
	out, err := createFile(m.staging, name)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := m.encode(ctx, out); err != nil {
		return err
	}
	done, err := out.Finish()
	if err != nil {
		return err
	}
	m.done.Bytes, m.done.Digest = done.Bytes, done.SHA256
	done.Rows = m.rows
	return writeJSON(m.staging, digestsName, digests{name: done})
}

// encode writes the rows to a file in the recipe's format. Plain lines need no encoder: they were checked where they come from.
func (m *mixer) encode(ctx context.Context, out *filewriter.Writer) error {
	if m.file.Export != "" {
		return m.export(ctx, out)
	}
	if m.job.recipe.Output.Format == recipe.JSONL {
		return m.weave(ctx, func(line []byte) error {
			_, err := out.Write(line)
			return err
		})
	}
	encoder, err := encode.NewWriter(out, m.job.recipe.Output.Format, m.job.recipe.KeptNames()...)
	if err != nil {
		return err
	}
	// The compressor writes in the background until it is closed, and returns its error then.
	woven := m.weave(ctx, encoder.WriteRow)
	closed := encoder.Close()
	if woven != nil {
		return woven
	}
	return closed
}

// weave passes on the rows of the shard in their order.
func (m *mixer) weave(ctx context.Context, each func(line []byte) error) error {
	measured := m.job.recipe.Measured()
	progress.Of(ctx).Begin("write", 99, m.shard.Rows, 0)
	counter := progress.Of(ctx).Counter()
	defer counter.Flush()
	for next := range plan.Weave(m.job.recipe, m.shard) {
		row, err := m.sequences[next].Next()
		if err != nil {
			return err
		}
		if err := each(row.Line); err != nil {
			return err
		}
		if err := counter.Row(ctx, len(row.Line)); err != nil {
			return err
		}
		m.done.Rows++
		if measured {
			m.done.Datasets[next].Units += row.Units
		}
	}
	return nil
}
