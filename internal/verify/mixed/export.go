package mixed

import (
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/export"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// exportCheck is the check of one file of an export: it is made again from the rows of the splits in the recipe's order, and compared page by page.
// where its writer noted the rows that it made the file of, those rows are compared: making it again would only repeat what the writer did.
type exportCheck struct {
	checks *Checks
	file   *fileCheck
	export string
	first  int64        // the place of its first row in the split
	base   *fileCheck   // of the mixed file with the same rows; nil where none is held
	leader *exportCheck // of the first export with the same rows; nil is this one
	ids    uint64       // a hash of its ids, where nothing else says which rows it has
}

// wanted returns the check of the file.
func (c *exportCheck) wanted() files.Check {
	switch {
	case c.bare():
		c.checks.made = append(c.checks.made, c)
		return files.Check{Whole: c.alone, After: c.file.end, Close: c.file.close}
	case !c.noted():
		return files.Check{Whole: c.compare, After: c.file.end, Close: c.file.close}
	case c.base == nil:
		return files.Check{Whole: c.compareRows, After: c.file.end, Close: c.file.close}
	case c.base.sum == nil && c.checks.of.Manifest.Recipe.Output.Format != recipe.JSONL:
		c.base.sum = xxhash.New()
	}
	c.checks.made = append(c.checks.made, c)
	return files.Check{}
}

// noted reports whether the writers of the file, and of the mixed file with the same rows, noted what is compared.
func (c *exportCheck) noted() bool {
	return c.checks.madeOf[c.file.name] != "" && c.checks.of.Files.Checksums[c.file.name] != "" && (c.base == nil || c.checks.of.Files.Checksums[c.base.name] != "")
}

// last checks that the file was made of the rows of the mixed file with the same rows, once that was read, or has those of the first export.
func (c *exportCheck) last() error {
	if c.bare() {
		return c.sameIDs()
	}
	return c.madeOf()
}

func (c *exportCheck) madeOf() error {
	c.file.rows, c.file.units = c.base.rows, c.base.units
	rows := c.checks.of.Files.Checksums[c.base.name] // of the same bytes, where they are lines
	if c.base.sum != nil {
		rows = hashing.Checksum(c.base.sum.Sum64())
	}
	if noted := c.checks.madeOf[c.file.name]; noted != rows {
		return files.Differ("%s was made of rows with the digest %s, and those of %s have %s", c.file.name, noted, c.base.name, rows)
	}
	return c.file.end()
}

// compare makes the file again.
func (c *exportCheck) compare(from *io.SectionReader) error {
	rows, err := export.Of(c.checks.of.Manifest.Recipe, c.export, c.file.plan.Name, c.first)
	if err != nil {
		return err
	}
	table := encode.CheckTable(from, from.Size(), rows.Fields())
	err = c.lines(func(line []byte) error {
		if err := rows.Add(line, table); err != nil {
			return files.Differ("%s: %w", c.file.name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := table.Close(); err != nil {
		return files.Differ("%s: %w", c.file.name, err)
	}
	return nil
}

// compareRows compares what the writer noted of the rows.
func (c *exportCheck) compareRows(*io.SectionReader) error {
	sum := xxhash.New()
	if err := c.file.eachDue(func(line []byte) error {
		_, err := sum.Write(line)
		return err
	}); err != nil {
		return err
	}
	if noted, due := c.checks.madeOf[c.file.name], hashing.Checksum(sum.Sum64()); noted != due {
		return files.Differ("%s was made of rows with the digest %s, and those of the plan have %s", c.file.name, noted, due)
	}
	return nil
}
