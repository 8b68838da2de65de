package verify

import (
	"io"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
)

// exportCheck is the check of one file of an export: it is made again from the rows of the splits in the recipe's order, and compared
// page by page.
type exportCheck struct {
	*mixCheck
	export string
	first  int64 // the place of its first row in the split
}

func (c *exportCheck) compare(from io.Reader) error {
	rows, err := export.Of(c.manifest.Recipe, c.export, c.plan.Name, c.first)
	if err != nil {
		return err
	}
	table := encode.CheckTable(from, c.files[c.file].Bytes, rows.Fields())
	if err := c.begin(); err != nil {
		return err
	}
	for {
		if c.rows%contextEvery == 0 && c.context.Err() != nil {
			return c.context.Err()
		}
		dataset, due, more, err := c.due.Next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		c.rows++
		c.units[dataset] += due.Units
		if err := rows.Add(due.Line, table); err != nil {
			return differ("%s: %w", c.file, err)
		}
	}
	if err := table.Close(); err != nil {
		return differ("%s: %w", c.file, err)
	}
	return nil
}

// scorers: the scorer beside the rows of an export is the one that the recipe names.
func (v *verifier) scorers() error {
	for _, export := range v.manifest.Recipe.Output.Exports {
		if name := contract.RewardsFile(export.Name); export.Scorer != "" && v.files[name].SHA256 != export.Scorer {
			return differ("%s has the SHA-256 %s, and the recipe's scorer has %s", name, v.files[name].SHA256, export.Scorer)
		}
	}
	return nil
}
