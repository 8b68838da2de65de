package verify

import (
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// exportCheck is the check of one file of an export: it is made again from the rows of the splits in the recipe's order, and compared
// page by page. Where its writer noted of which rows it made the file, those rows are compared: whoever makes it again would do what the
// writer did.
type exportCheck struct {
	*mixCheck
	export string
	first  int64     // the place of its first row in the split
	beside *mixCheck // of the mixed file with the same rows
}

// task is what is to be done with the file.
func (c *exportCheck) task() task {
	if !c.noted() {
		return task{whole: c.compare, after: c.end, close: c.close}
	}
	if c.beside.sum == nil && c.manifest.Recipe.Output.Format != recipe.JSONL {
		c.beside.sum = xxhash.New()
	}
	c.made = append(c.made, c)
	return task{}
}

// noted reports whether the writer of the file noted its rows.
func (c *exportCheck) noted() bool {
	return c.options.MadeOf[c.file] != "" && c.options.Checksums[c.file] != "" && c.options.Checksums[c.beside.file] != ""
}

// madeOf: the file was made of the rows of the mixed file beside it, once that was read.
func (c *exportCheck) madeOf() error {
	c.rows, c.units = c.beside.rows, c.beside.units
	rows := c.options.Checksums[c.beside.file] // of the same bytes, where they are lines
	if c.beside.sum != nil {
		rows = store.Checksum(c.beside.sum)
	}
	if noted := c.options.MadeOf[c.file]; noted != rows {
		return differ("%s was made of rows with the digest %s, and those of %s have %s", c.file, noted, c.beside.file, rows)
	}
	return c.end()
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
		if name := revision.RewardsFile(export.Name); export.Scorer != "" && v.files[name].SHA256 != export.Scorer {
			return differ("%s has the SHA-256 %s, and the recipe's scorer has %s", name, v.files[name].SHA256, export.Scorer)
		}
	}
	return nil
}
