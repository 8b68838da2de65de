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
	first  int64        // the place of its first row in the split
	base   *mixCheck    // of the mixed file with the same rows; nil where none is held
	leader *exportCheck // of the first export with the same rows; nil is this one
	ids    uint64       // a hash of its ids, where nothing else says which rows it has
}

// task is what is to be done with the file.
func (c *exportCheck) task() task {
	switch {
	case c.bare():
		c.made = append(c.made, c)
		return task{whole: c.alone, after: c.end, close: c.close}
	case !c.noted():
		return task{whole: c.compare, after: c.end, close: c.close}
	case c.base == nil:
		return task{whole: c.compareRows, after: c.end, close: c.close}
	case c.base.sum == nil && c.manifest.Recipe.Output.Format != recipe.JSONL:
		c.base.sum = xxhash.New()
	}
	c.made = append(c.made, c)
	return task{}
}

// noted reports whether the writer of the file noted its rows.
func (c *exportCheck) noted() bool {
	return c.options.MadeOf[c.file] != "" && c.options.Checksums[c.file] != "" && (c.base == nil || c.options.Checksums[c.base.file] != "")
}

// last: the file was made of the rows of the mixed file with the same rows, once that was read, or has those of the first export.
func (c *exportCheck) last() error {
	if c.bare() {
		return c.sameIDs()
	}
	return c.madeOf()
}

func (c *exportCheck) madeOf() error {
	c.rows, c.units = c.base.rows, c.base.units
	rows := c.options.Checksums[c.base.file] // of the same bytes, where they are lines
	if c.base.sum != nil {
		rows = store.Checksum(c.base.sum)
	}
	if noted := c.options.MadeOf[c.file]; noted != rows {
		return differ("%s was made of rows with the digest %s, and those of %s have %s", c.file, noted, c.base.file, rows)
	}
	return c.end()
}

// compare makes the file again.
func (c *exportCheck) compare(from *io.SectionReader) error {
	rows, err := export.Of(c.manifest.Recipe, c.export, c.plan.Name, c.first)
	if err != nil {
		return err
	}
	table := encode.CheckTable(from, c.files[c.file].Bytes, rows.Fields())
	err = c.lines(func(line []byte) error {
		if err := rows.Add(line, table); err != nil {
			return differ("%s: %w", c.file, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := table.Close(); err != nil {
		return differ("%s: %w", c.file, err)
	}
	return nil
}

// compareRows compares what the writer noted of the rows.
func (c *exportCheck) compareRows(*io.SectionReader) error {
	sum := xxhash.New()
	if err := c.eachDue(func(line []byte) error {
		_, err := sum.Write(line)
		return err
	}); err != nil {
		return err
	}
	if noted, due := c.options.MadeOf[c.file], store.Checksum(sum); noted != due {
		return differ("%s was made of rows with the digest %s, and those of the plan have %s", c.file, noted, due)
	}
	return nil
}

// eachDue gives the rows of the splits in the recipe's order.
func (c *exportCheck) eachDue(each func(line []byte) error) error {
	if err := c.begin(); err != nil {
		return err
	}
	for {
		if c.rows%contextEvery == 0 && c.context.Err() != nil {
			return c.context.Err()
		}
		dataset, due, more, err := c.due.Next()
		if err != nil || !more {
			return err
		}
		c.rows++
		c.units[dataset] += due.Units
		if err := each(due.Line); err != nil {
			return err
		}
	}
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
