package mixed

import (
	"hash/maphash"
	"io"
	"iter"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/numbers"
)

// turn returns the data set whose row is next; ok is false once the file should have ended.
func (c *fileCheck) turn() (d *layout.Dataset, ok bool) {
	if c.turns == nil {
		c.turns, c.stop = iter.Pull(plan.Weave(c.checks.of.Manifest.Recipe, c.shard))
	}
	place, ok := c.turns()
	c.rows++
	if !ok {
		return nil, false
	}
	return c.checks.of.Datasets[place], true
}

// alone checks a row of a mixed file that there is no other copy of: it must be a row of the data set whose turn it is. How often each is there,
// and that none is in two splits, is found in the end.
func (c *fileCheck) alone(_ int64, line []byte) error {
	n := c.rows
	d, ok := c.turn()
	if !ok {
		return nil // end counts the rows
	}
	row, err := d.Read(c.name, n, line)
	if err != nil {
		return err
	}
	c.units[d.Place] += c.checks.of.UnitsOf(row)
	hashes := c.checks.questions.Hashes(row.Question, row.Answer, &c.forms)
	return c.checks.numbers.Add(numbers.Mixed, d.Place, c.split, row.Number, line, hashes[:])
}

// exportedFields returns the columns that say which row a row of an export is; one of format RL has its question and answer as well.
func exportedFields(format recipe.ExportFormat) []decoded.Field {
	if format == recipe.ExportRL {
		return decoded.Required("id", "dataset", "extra_info.question", "reference_answer")
	}
	return decoded.Required("id", "dataset")
}

// alone notes which rows an export has, where they are nowhere else. Of several exports the first one's rows count, and the others have the same.
func (c *exportCheck) alone(from *io.SectionReader) error {
	e, _ := c.checks.of.Manifest.Recipe.Export(c.export)
	file := decode.File{Name: c.file.name, Data: from, Size: from.Size(), Own: true}
	for row, err := range decode.Rows(c.checks.of.Files.Context, file, exportedFields(e.Format)) {
		if err != nil {
			return files.Differ("%s: %w", c.file.name, err)
		}
		n := c.file.rows
		d, ok := c.file.turn()
		if !ok {
			return nil
		}
		texts := make([]string, len(row.Values))
		for i, value := range row.Values {
			texts[i], _ = value.(string)
		}
		id := record.Number(texts[0], d.Name)
		if id < 0 || texts[1] != d.Name {
			return files.Differ("%s: the row is %s of data set %s, and data set %s is next in the order %s", files.Place(c.file.name, n), texts[0], texts[1], d.Name, c.checks.of.Manifest.Recipe.Order)
		}
		c.ids = maphash.Comparable(c.checks.seed, [2]uint64{c.ids, uint64(id)})
		if err := c.exported(d, id, texts[2:]); err != nil {
			return err
		}
	}
	c.file.reported()
	return nil
}

// reported takes the units of the rows as the result reports them, since they cannot be counted in a file that has only some of their texts.
func (c *fileCheck) reported() {
	for i, of := range c.result.Datasets {
		c.units[i] = of.Units
	}
}

// exported notes a row of the first export.
func (c *exportCheck) exported(d *layout.Dataset, id int64, asked []string) error {
	checks := c.checks
	switch {
	case c.leader != nil:
		return nil
	case len(asked) == 0:
		checks.unasked.Store(true)
		return checks.numbers.Add(numbers.Mixed, d.Place, c.file.split, id, nil, nil)
	}
	hashes := checks.questions.Hashes(layout.Quoted(asked[0]), layout.Quoted(asked[1]), &c.file.forms)
	return checks.numbers.Add(numbers.Mixed, d.Place, c.file.split, id, nil, hashes[:])
}

// sameIDs checks that the rows of an export are those of the first one.
func (c *exportCheck) sameIDs() error {
	if c.leader != nil && c.ids != c.leader.ids {
		return files.Differ("%s and %s do not have the same rows in the same order", c.file.name, c.leader.file.name)
	}
	return nil
}

// bare reports whether only exports hold the rows of the mix.
func (c *exportCheck) bare() bool { return c.base == nil && !c.checks.of.HasRowsOf(c.file.split) }

// lines passes on the rows that the file was made of: those of the splits in the recipe's order, or those of the mixed file with the same rows.
func (c *exportCheck) lines(each func(line []byte) error) error {
	if c.checks.of.HasRowsOf(c.file.split) {
		return c.file.eachDue(each)
	}
	ctx := c.checks.of.Files.Context
	base, _ := c.checks.of.Files.Listed(c.base.name)
	f, err := c.checks.of.Files.Open(base.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	for line, err := range encode.Rows(f, base.Bytes, c.checks.of.Manifest.Recipe.Output.Format) {
		if err != nil {
			return files.Differ("%s: %w", files.Place(c.base.name, c.file.rows), err)
		}
		if c.file.rows%files.ContextEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		c.file.rows++
		if err := each(line); err != nil {
			return err
		}
	}
	c.file.reported() // those of the mixed file are counted
	return nil
}
