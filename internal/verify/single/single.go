// Package single checks the files of single data sets: all rows, those of each split, and the lists of what was dropped.
package single

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/numbers"
	"github.com/datasetmix/datasetmix/internal/verify/questions"
)

// Checks are those of the files of single data sets.
type Checks struct {
	of        *layout.Revision
	questions *questions.Set
	numbers   *numbers.Set
	seed      maphash.Seed // of the hashes that rows are compared by
	datasets  []*dataset
	sorters   []*extsort.Sorter
}

// dataset is what is checked of one data set: its file of all rows and those of its splits.
type dataset struct {
	of      *layout.Dataset
	raw     *rawCheck
	skipped *skippedCheck // nil where no row was left out
	splits  []*splitCheck
}

// New returns the checks of a revision's data sets. They add the rows that they read to the questions and the numbers.
func New(of *layout.Revision, asked *questions.Set, numbered *numbers.Set) *Checks {
	c := &Checks{of: of, questions: asked, numbers: numbered, seed: maphash.MakeSeed()}
	for _, held := range of.Datasets {
		d := &dataset{of: held, raw: &rawCheck{checks: c, of: held, last: -1, next: -1, units: make([]int64, len(held.Splits))}}
		if held.Dropped != "" {
			d.skipped = &skippedCheck{checks: c, of: held, last: -1, counts: map[string]int64{}}
		}
		for _, split := range held.Splits {
			d.splits = append(d.splits, &splitCheck{checks: c, dataset: held, of: split, counts: counter{wanted: of.Manifest.Recipe.Output.Layout != ""}})
		}
		c.datasets = append(c.datasets, d)
	}
	return c
}

// Files returns the check of each file.
func (c *Checks) Files() map[string]files.Check {
	of := map[string]files.Check{}
	for _, d := range c.datasets {
		if d.of.Raw != "" {
			of[d.of.Raw] = files.Check{Each: d.raw.row, After: d.raw.end}
		}
		if d.skipped != nil {
			of[d.of.Dropped] = files.Check{Each: d.skipped.row, After: d.skipped.end}
		}
		for _, s := range d.splits {
			if s.of.File != "" {
				of[s.of.File] = files.Check{Each: s.row, After: s.end}
			}
		}
	}
	return of
}

// Begin reads the lists of dropped rows, before the rows are read.
func (c *Checks) Begin() error {
	if err := c.dropped(); err != nil {
		return err
	}
	for _, d := range c.datasets {
		if err := d.raw.begin(); err != nil {
			return err
		}
	}
	return nil
}

// Whole checks that each data set's rows in the splits are those of its file of all rows, and have as many bytes or tokens as the manifest says.
func (c *Checks) Whole() error {
	for _, d := range c.datasets {
		if err := c.whole(d); err != nil {
			return err
		}
	}
	return nil
}

// Close removes what was sorted, and closes what is open.
func (c *Checks) Close() {
	for _, s := range c.sorters {
		s.Close() // scratch files: they are not read again
	}
	for _, d := range c.datasets {
		d.raw.close()
		for _, s := range d.splits {
			s.close()
		}
	}
}

// rawCheck reads a data set's file of all rows: each has a number above that of the row before, so none is there twice.
type rawCheck struct {
	checks *Checks
	of     *layout.Dataset

	rows int64
	last int64
	sum  uint64 // of the hashes of all rows that the splits should have
	// dropped are the rows that balance dropped; next is the next of them, -1 after the last, and from the split that it was dropped from.
	dropped *extsort.Reader
	next    int64
	from    int
	units   []int64 // of the dropped rows, by split
	// skipped reads the list of the rows that were left out, nil where none was.
	skipped *skippedList
}

func (c *rawCheck) row(_ int64, line []byte) error {
	n := c.rows
	c.rows++
	id, err := c.of.Number(c.of.Raw, n, line)
	if err != nil {
		return err
	}
	if id <= c.last {
		return files.Differ("%s: the id of row %d is not above the one before it", files.Place(c.of.Raw, n), id)
	}
	c.last = id
	if err := c.checks.numbers.Add(numbers.Raw, c.of.Place, 0, id, line, nil); err != nil {
		return err
	}
	if c.skipped != nil {
		if err := c.skipped.pass(id); err != nil {
			return err
		}
	}
	if id == c.next {
		if err := c.lost(n, line); err != nil {
			return err
		}
		return c.skip()
	}
	c.sum += c.checks.hash(line)
	return nil
}

// skip reads the next row that was dropped.
func (c *rawCheck) skip() error {
	c.next = -1
	if c.dropped == nil {
		return nil
	}
	key, from, err := c.dropped.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return store.WrapError(err)
	}
	c.next, c.from = int64(binary.BigEndian.Uint64(key)), int(from[0])
	return nil
}

// lost counts the bytes or tokens of a row that was dropped.
func (c *rawCheck) lost(n int64, line []byte) error {
	if c.checks.of.Units == nil {
		return nil
	}
	row, err := c.of.Read(c.of.Raw, n, line)
	if err != nil {
		return err
	}
	c.units[c.from] += c.checks.of.UnitsOf(row)
	return nil
}

func (c *rawCheck) end() error {
	c.close()
	if want := c.of.Result.Read - c.of.Result.DroppedRows(); c.rows != want {
		return files.Differ("%s has %d rows, %d were read", c.of.Raw, c.rows, want)
	}
	return nil
}

// splitCheck reads the rows of one split of a data set.
type splitCheck struct {
	checks  *Checks
	dataset *layout.Dataset
	of      layout.Split

	rows  int64
	units int64
	sum   uint64
	out   *filewriter.Writer
	entry []byte
	forms questions.Forms
	// fields are what was seen of the rows' members.
	fields schema.Fields
	// counts are the statistics of the rows.
	counts counter
}

func (c *splitCheck) row(offset int64, line []byte) error {
	n := c.rows
	c.rows++
	row, err := c.dataset.Read(c.of.File, n, line)
	if err != nil {
		return err
	}
	c.sum += c.checks.hash(line)
	if err := c.look(n, row, line); err != nil {
		return err
	}
	if err := c.checks.questions.Add(row, questions.Ref{Split: c.of.Place, Dataset: c.dataset.Place, Offset: offset}, &c.forms); err != nil {
		return err
	}
	if err := c.checks.numbers.Add(numbers.InSplit, c.dataset.Place, c.of.Place, row.Number, line, nil); err != nil {
		return err
	}
	units := c.checks.of.UnitsOf(row)
	c.units += units
	tokens := int64(-1)
	if statistics.CountsTokens(c.checks.of.Manifest.Recipe) {
		tokens = units
	}
	if err := c.counts.add(row, tokens, line, c); err != nil {
		return err
	}
	return c.note(n, rowfile.Entry{Offset: offset, Units: units}, line)
}

// look notes the members of the row, if the manifest has their types.
func (c *splitCheck) look(n int64, row record.View, line []byte) error {
	if c.dataset.Fields == nil {
		return nil
	}
	rest := row.Rest
	if rest == nil {
		parsed, err := c.checks.of.Record(c.of.File, n, line)
		if err != nil {
			return err
		}
		rest = line[parsed.Rest():]
	}
	if err := c.fields.AddRest(n, rest); err != nil {
		return files.Differ("%s: %w", files.Place(c.of.File, n), err)
	}
	return nil
}

// note writes the row's entry of the index.
func (c *splitCheck) note(n int64, entry rowfile.Entry, line []byte) error {
	if c.out == nil {
		out, err := filewriter.CreatePlain(c.checks.of.Notes.Join(c.of.Index))
		if err != nil {
			return err
		}
		c.out = out
	}
	if c.of.Repeats {
		row, err := c.checks.of.Record(c.of.File, n, line)
		if err != nil {
			return err
		}
		identity := row.Digests().Identity
		entry.Identity = rowfile.Short(identity[:])
	}
	c.entry = entry.Append(c.entry[:0])
	_, err := c.out.Write(c.entry)
	return err
}

func (c *splitCheck) end() error {
	if c.rows != c.of.Plan.Available {
		return files.Differ("%s has %d rows, the plan says %d", c.of.File, c.rows, c.of.Plan.Available)
	}
	if of := c.dataset.Fields; of != nil && !of.Covers(&c.fields) {
		return files.Differ("%s has rows with members of other types than the manifest says of data set %s", c.of.File, c.dataset.Name)
	}
	if c.out == nil {
		return store.WriteFile(c.checks.of.Notes.Join(c.of.Index), nil)
	}
	_, err := c.out.Finish()
	return err
}

func (c *splitCheck) close() {
	if c.out != nil {
		c.out.Abort()
	}
}

// hash returns what the rows of a data set are compared by, 0 where they are compared by their numbers.
func (c *Checks) hash(line []byte) uint64 {
	if c.numbers != nil {
		return 0
	}
	return maphash.Bytes(c.seed, line)
}

// whole checks that the splits together have what the file of all rows has, less what was dropped because of other data sets. Sums of hashes under
// a key that is not known before are equal by chance once in 2^64.
func (c *Checks) whole(d *dataset) error {
	if d.raw.next >= 0 {
		return files.Differ("%s: row %s_%d is listed as dropped and is not in %s", revision.DroppedFile, d.of.Name, d.raw.next, d.of.Raw)
	}
	if c.numbers != nil {
		return c.measured(d)
	}
	var sum uint64
	var rows int64
	for _, s := range d.splits {
		sum += s.sum
		rows += s.rows
	}
	if sum != d.raw.sum {
		return files.Differ("data set %s: its %d rows in the splits are not those of %s: a row is there twice, is missing, or is another", d.of.Name, rows, d.of.Raw)
	}
	return c.measured(d)
}

// measured checks that the bytes or tokens of every split are those that the split stage counted, and those that are left what the balance
// stage says.
func (c *Checks) measured(d *dataset) error {
	of := c.of
	if of.Units == nil {
		return nil
	}
	balanced := *of.Results.Balance()
	if len(d.of.Result.Units) != len(d.splits) || len(balanced.Units) != len(d.splits) {
		return files.Differ("data set %s: the manifest does not say how many %s its splits have", d.of.Name, of.Manifest.Recipe.Unit)
	}
	for i, s := range d.splits {
		if s.of.File == "" {
			continue
		}
		left := int64(-1)
		if len(balanced.Units[i]) == len(of.Datasets) {
			left = balanced.Units[i][d.of.Place]
		}
		if s.units != left {
			return files.Differ("%s has %d %s, the manifest says %d", s.of.File, s.units, of.Manifest.Recipe.Unit, left)
		}
		if whole := s.units + d.raw.units[i]; d.of.Raw != "" && whole != d.of.Result.Units[i] {
			return files.Differ("%s and what was dropped of it have %d %s, the manifest says %d", s.of.File, whole, of.Manifest.Recipe.Unit, d.of.Result.Units[i])
		}
	}
	return nil
}
