package stage

import (
	"context"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/python"
)

// export writes the rows to a file in the shape of an export, and notes which they were.
func (m *mixer) export(ctx context.Context, out *filewriter.Writer) error {
	rows, err := export.Of(m.job.recipe, m.file.Export, m.file.Split, m.first)
	if err != nil {
		return err
	}
	table := encode.NewTable(out, rows.Fields())
	sum := xxhash.New()
	if err := m.weave(ctx, func(line []byte) error {
		_, _ = sum.Write(line) // cannot fail
		return rows.Add(line, table)
	}); err != nil {
		return err
	}
	m.rows = hashing.Checksum(sum.Sum64())
	return table.Close()
}

// scorers writes the scorer next to the rows of each export that has one. It must be the one that the recipe names.
func (p *publisher) scorers() error {
	for _, export := range p.job.recipe.Output.Exports {
		if export.Format != recipe.ExportRL {
			continue
		}
		if own := python.RewardsSHA256(); export.Scorer != own {
			return contract.Failf(contract.InvalidTask, "export %s is to have the scorer with the SHA-256 %s, and this worker has %s: use the worker image that belongs to this manager",
				export.Name, export.Scorer, own)
		}
		if err := p.write(revision.RewardsFile(export.Name), python.Rewards); err != nil {
			return err
		}
	}
	return nil
}
