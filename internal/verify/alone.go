package verify

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
)

// readable reports whether the rows that the file is made of are there: else it is alone.
func (c *mixCheck) readable() bool {
	for _, d := range c.datasets {
		if d.splits[c.split].file == "" {
			return false
		}
	}
	return true
}

// turn is the data set whose turn it is; ok is false once the file should have ended.
func (c *mixCheck) turn() (d *dataset, ok bool) {
	if c.turns == nil {
		c.turns, c.stop = iter.Pull(plan.Weave(c.manifest.Recipe, c.shard))
	}
	place, ok := c.turns()
	c.rows++
	if !ok {
		return nil, false
	}
	return c.datasets[place], true
}

// alone takes a row of a mixed file with no other to compare it with: it is a row of the data set whose turn it is. How often each is there, and
// that none is in two splits, is found in the end.
func (c *mixCheck) alone(_ int64, line []byte) error {
	n := c.rows
	d, ok := c.turn()
	if !ok {
		return nil // end counts the rows
	}
	row, err := d.read(c.file, n, line)
	if err != nil {
		return err
	}
	c.units[d.place] += c.unitsOf(row)
	return c.mixed(d.place, c.split, row, line, &c.forms)
}

// exportedFields are the columns that say which row a row of an export is; one of format RL has its question and answer as well.
func exportedFields(format recipe.ExportFormat) []decoded.Field {
	if format == recipe.ExportRL {
		return decoded.Required("id", "dataset", "extra_info.question", "reference_answer")
	}
	return decoded.Required("id", "dataset")
}

// alone reads of an export whose rows are nowhere else which rows they are. Of several exports the first one's rows count, and the others have
// the same.
func (c *exportCheck) alone(from *io.SectionReader) error {
	e, _ := c.manifest.Recipe.Export(c.export)
	file := decode.File{Name: c.file, Data: from, Size: from.Size(), Own: true}
	for row, err := range decode.Rows(c.context, file, exportedFields(e.Format)) {
		if err != nil {
			return differ("%s: %w", c.file, err)
		}
		n := c.rows
		d, ok := c.turn()
		if !ok {
			return nil
		}
		texts := make([]string, len(row.Values))
		for i, value := range row.Values {
			texts[i], _ = value.(string)
		}
		id := record.Number(texts[0], d.name)
		if id < 0 || texts[1] != d.name {
			return differ("%s: the row is %s of data set %s, and data set %s is next in the order %s", place(c.file, n), texts[0], texts[1], d.name, c.manifest.Recipe.Order)
		}
		c.ids = maphash.Comparable(c.seed, [2]uint64{c.ids, uint64(id)})
		if err := c.exported(d, id, texts[2:]); err != nil {
			return err
		}
	}
	c.reported()
	return nil
}

// reported takes the units of the rows as they are reported: a file that does not have them as they are does not count them.
func (c *mixCheck) reported() {
	for i, of := range c.result.Datasets {
		c.units[i] = of.Units
	}
}

// exported notes a row of the first export.
func (c *exportCheck) exported(d *dataset, id int64, asked []string) error {
	switch {
	case c.leader != nil:
		return nil
	case len(asked) == 0:
		c.unasked.Store(true)
		return c.number(mixedRow, d.place, c.split, id, nil)
	}
	var question, answer [hashSize]byte
	c.hash(question[:], c.compared(raw(asked[0]), &c.forms))
	c.hash(answer[:], raw(asked[1]))
	return c.number(mixedRow, d.place, c.split, id, nil, question[:], answer[:])
}

// sameIDs: the rows of an export are those of the first one.
func (c *exportCheck) sameIDs() error {
	if c.leader != nil && c.ids != c.leader.ids {
		return differ("%s and %s do not have the same rows in the same order", c.file, c.leader.file)
	}
	return nil
}

// bare reports whether nothing but exports says which rows the mix has.
func (c *exportCheck) bare() bool { return c.base == nil && !c.readable() }

// lines gives the rows that the file was made of: those of the splits in the recipe's order, or those of the mixed file with the same rows.
func (c *exportCheck) lines(each func(line []byte) error) error {
	if c.readable() {
		return c.eachDue(each)
	}
	f, err := c.open(c.base.file)
	if err != nil {
		return err
	}
	defer f.Close()
	for line, err := range encode.Rows(f, c.files[c.base.file].Bytes, c.manifest.Recipe.Output.Format) {
		if err != nil {
			return differ("%s: %w", place(c.base.file, c.rows), err)
		}
		if c.rows%contextEvery == 0 && c.context.Err() != nil {
			return c.context.Err()
		}
		c.rows++
		if err := each(line); err != nil {
			return err
		}
	}
	c.reported() // those of the mixed file are counted
	return nil
}
