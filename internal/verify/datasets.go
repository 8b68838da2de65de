package verify

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Memory, in bytes, of the sorters of a proof; what does not fit goes through scratch files.
const (
	questionMemory = 6 << 20
	goneMemory     = 1 << 20
)

// dataset is what is checked of one data set: its file of all rows and those of its splits.
type dataset struct {
	verifier *verifier
	form     record.Form
	name     string
	place    int // among the data sets sorted by name
	raw      *rawCheck
	left     *leftCheck // nil where no row was left out
	splits   []*splitCheck
	// fields are the types of the rows' members, as the manifest has them; nil where it has none.
	fields *schema.Type
}

func (v *verifier) newDataset(place int, name string) *dataset {
	_, domain, _ := v.manifest.Recipe.Dataset(name)
	d := &dataset{verifier: v, form: record.NewForm(name, domain.Name), name: name, place: place}
	if fields, ok := v.manifest.Fields[name]; ok {
		d.fields = &fields
	}
	divided := v.results.Split(name)
	d.raw = &rawCheck{dataset: d, file: v.held(revision.RawFile(domain.Name, name)), last: -1, want: divided.Read - divided.DroppedRows(), units: make([]int64, len(v.manifest.Plan.Splits))}
	if divided.DroppedRows() > 0 {
		d.left = &leftCheck{dataset: d, file: revision.DroppedSourceFile(domain.Name, name), last: -1, read: divided.Read, want: divided.Dropped, counts: map[string]int64{}}
	}
	for i, split := range v.manifest.Plan.Splits {
		plan := split.Datasets()[place]
		d.splits = append(d.splits, &splitCheck{
			dataset: d, split: i, plan: plan, file: cmp.Or(v.held(revision.ProcessedFile(name, split.Name)), v.held(revision.TestFile(name, split.Name))),
			index: fmt.Sprintf("%s.%s.idx", name, split.Name), repeats: plan.Rows > plan.Available && !plan.Drawn,
			counts: counter{wanted: v.hasStatistics()},
		})
		v.partial = v.partial || d.splits[i].file == ""
	}
	return d
}

// held is the name of a file of rows, if the revision holds it or it is at hand; empty if not.
func (v *verifier) held(name string) string {
	_, listed := v.files[name]
	if _, other := v.options.Others[name]; !listed && !other {
		return ""
	}
	return name
}

// rawCheck reads a data set's file of all rows: each has a number above that of the row before, so none is there twice.
type rawCheck struct {
	dataset *dataset
	file    string
	want    int64 // rows

	rows int64
	last int64
	sum  uint64 // of the hashes of all rows that the splits should have
	gone *extsort.Reader
	next int64 // that is gone, -1 after the last
	from int   // the split that it is gone from
	// units of the rows that are gone, by split.
	units []int64
	// absent reads the list of the rows that were left out, nil where none was.
	absent *absentees
}

func (c *rawCheck) row(_ int64, line []byte) error {
	n := c.rows
	c.rows++
	id := c.dataset.form.Number(line)
	if id < 0 {
		row, err := c.dataset.parse(c.file, n, line)
		if err != nil {
			return err
		}
		id = row.Number
	}
	if id <= c.last {
		return differ("%s: the id of row %d is not above the one before it", place(c.file, n), id)
	}
	c.last = id
	if err := c.dataset.verifier.number(rawRow, c.dataset.place, 0, id, line); err != nil {
		return err
	}
	if c.absent != nil {
		if err := c.absent.pass(id); err != nil {
			return err
		}
	}
	if id == c.next {
		if err := c.lost(n, line); err != nil {
			return err
		}
		return c.skip()
	}
	c.sum += maphash.Bytes(c.dataset.verifier.seed, line)
	return nil
}

// skip goes to the next row that no split has.
func (c *rawCheck) skip() error {
	c.next = -1
	if c.gone == nil {
		return nil
	}
	key, from, err := c.gone.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return store.WrapError(err)
	}
	c.next, c.from = int64(binary.BigEndian.Uint64(key)), int(from[0])
	return nil
}

// lost counts a row that is gone.
func (c *rawCheck) lost(n int64, line []byte) error {
	if c.dataset.verifier.units == nil {
		return nil
	}
	row, err := c.dataset.read(c.file, n, line)
	if err != nil {
		return err
	}
	c.units[c.from] += c.dataset.verifier.unitsOf(row)
	return nil
}

func (c *rawCheck) end() error {
	c.close()
	if c.rows != c.want {
		return differ("%s has %d rows, %d were read", c.file, c.rows, c.want)
	}
	return nil
}

// splitCheck reads the rows of one split of a data set.
type splitCheck struct {
	dataset *dataset
	split   int
	plan    plan.Dataset
	file    string
	index   string // the name of the index that is made on the way
	repeats bool   // in the mix: the orders of its later passes need identities

	rows  int64
	units int64
	sum   uint64
	out   *store.Writer
	entry []byte
	forms forms
	// fields are what was seen of the rows' members.
	fields schema.Fields
	// counts are what the statistics say of the rows.
	counts counter
}

func (c *splitCheck) row(offset int64, line []byte) error {
	v := c.dataset.verifier
	n := c.rows
	c.rows++
	row, err := c.dataset.read(c.file, n, line)
	if err != nil {
		return err
	}
	c.sum += maphash.Bytes(v.seed, line)
	if err := c.look(n, row, line); err != nil {
		return err
	}
	if err := v.compare(row, questionRef{c.split, c.dataset.place, offset}, &c.forms); err != nil {
		return err
	}
	if err := v.number(splitRow, c.dataset.place, c.split, row.Number, line); err != nil {
		return err
	}
	units := v.unitsOf(row)
	c.units += units
	tokens := int64(-1)
	if statistics.CountsTokens(v.manifest.Recipe) {
		tokens = units
	}
	if err := c.counts.add(row, tokens, line, c); err != nil {
		return err
	}
	return c.note(n, store.Entry{Offset: offset, Units: units}, line)
}

// look notes which members the row has, where the manifest says which types they have.
func (c *splitCheck) look(n int64, row record.View, line []byte) error {
	if c.dataset.fields == nil {
		return nil
	}
	rest := row.Rest
	if rest == nil {
		parsed, err := c.dataset.verifier.record(c.file, n, line)
		if err != nil {
			return err
		}
		rest = line[parsed.Rest():]
	}
	if err := c.fields.AddRest(n, rest); err != nil {
		return differ("%s: %w", place(c.file, n), err)
	}
	return nil
}

// note writes the row's entry of the index.
func (c *splitCheck) note(n int64, entry store.Entry, line []byte) error {
	if c.out == nil {
		out, err := store.CreatePlain(c.dataset.verifier.notes.Join(c.index))
		if err != nil {
			return err
		}
		c.out = out
	}
	if c.repeats {
		row, err := c.dataset.verifier.record(c.file, n, line)
		if err != nil {
			return err
		}
		identity := row.Digests().Identity
		entry.Identity = store.Short(identity[:])
	}
	c.entry = entry.Append(c.entry[:0])
	_, err := c.out.Write(c.entry)
	return err
}

func (c *splitCheck) end() error {
	if c.rows != c.plan.Available {
		return differ("%s has %d rows, the plan says %d", c.file, c.rows, c.plan.Available)
	}
	if of := c.dataset.fields; of != nil && !of.Covers(&c.fields) {
		return differ("%s has rows with members of other types than the manifest says of data set %s", c.file, c.dataset.name)
	}
	if c.out == nil {
		return store.WriteFile(c.dataset.verifier.notes.Join(c.index), nil)
	}
	_, err := c.out.Finish()
	return err
}

func (c *splitCheck) close() {
	if c.out != nil {
		c.out.Abort()
	}
}

// read is what a row says.
func (d *dataset) read(file string, n int64, line []byte) (record.View, error) {
	if row, ok := d.form.View(line); ok {
		return row, nil
	}
	return d.parse(file, n, line)
}

// parse is the slow way to read a row, which can tell what is wrong.
func (d *dataset) parse(file string, n int64, line []byte) (record.View, error) {
	row, err := d.verifier.record(file, n, line)
	if err != nil {
		return record.View{}, err
	}
	if row.Dataset != d.name {
		return record.View{}, differ("%s: the row is of data set %s", place(file, n), row.Dataset)
	}
	id := record.Number(row.ID, d.name)
	if id < 0 {
		return record.View{}, differ("%s: the id %q is not the data set's name and a row number", place(file, n), row.ID)
	}
	return record.View{Number: id, Question: raw(row.Question), Answer: raw(row.ReferenceAnswer), AnswerType: []byte(row.AnswerType)}, nil
}

// raw is a text as it stands in JSON, without its quotes.
func raw(text string) []byte {
	quoted := record.StringOf(text)
	return []byte(quoted[1 : len(quoted)-1])
}

func (v *verifier) record(file string, n int64, line []byte) (record.Record, error) {
	row, err := record.Parse(line)
	if err != nil {
		return row, differ("%s: %w", place(file, n), err)
	}
	if _, domain, ok := v.manifest.Recipe.Dataset(row.Dataset); !ok || domain.Name != row.Domain {
		return row, differ("%s: data set %s of domain %s is not in the recipe", place(file, n), row.Dataset, row.Domain)
	}
	return row, nil
}

// whole: the splits have together what the file of all rows has, less what was dropped for the sake of other data sets. Sums
// of hashes under a key that no one knows before are equal by chance once in 2^64.
func (d *dataset) whole() error {
	if d.raw.next >= 0 {
		return differ("%s: row %s_%d is listed as dropped and is not in %s", revision.DroppedFile, d.name, d.raw.next, d.raw.file)
	}
	if d.verifier.numbers != nil {
		return d.measured()
	}
	var sum uint64
	var rows int64
	for _, c := range d.splits {
		sum += c.sum
		rows += c.rows
	}
	if sum != d.raw.sum {
		return differ("data set %s: its %d rows in the splits are not those of %s: a row is there twice, is missing, or is another", d.name, rows, d.raw.file)
	}
	return d.measured()
}
