package verify

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Memory, in bytes, of the sorters of a proof; what does not fit goes through scratch files.
const (
	questionMemory = 16 << 20
	goneMemory     = 1 << 20
)

// dataset is what is checked of one data set: its file of all rows and those of its splits.
type dataset struct {
	verifier *verifier
	form     form
	name     string
	place    int // among the data sets sorted by name
	raw      *rawCheck
	left     *leftCheck // nil where no row was left out
	splits   []*splitCheck
}

func (v *verifier) newDataset(place int, name string) *dataset {
	_, domain, _ := v.manifest.Recipe.Dataset(name)
	d := &dataset{verifier: v, form: newForm(name, domain.Name), name: name, place: place}
	divided := v.divided(name)
	d.raw = &rawCheck{dataset: d, file: contract.RawFile(domain.Name, name), last: -1, want: divided.Read - divided.DroppedRows()}
	if divided.DroppedRows() > 0 {
		d.left = &leftCheck{file: contract.DroppedSourceFile(domain.Name, name), last: -1, read: divided.Read, want: divided.Dropped, counts: map[string]int64{}}
	}
	for i, split := range v.manifest.Plan.Splits {
		plan := split.Datasets()[place]
		d.splits = append(d.splits, &splitCheck{
			dataset: d, split: i, plan: plan, file: contract.ProcessedFile(name, split.Name),
			index: fmt.Sprintf("%s.%s.idx", name, split.Name), repeats: plan.Rows > plan.Available && !plan.Drawn,
		})
	}
	return d
}

// divided is the result of a data set's split.
func (v *verifier) divided(name string) recipe.Divided {
	for _, finished := range v.manifest.Stages {
		if finished.Stage == recipe.Divide && finished.Unit.Name == name {
			return *finished.Result.Split
		}
	}
	return recipe.Divided{}
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
	// absent reads the list of the rows that were left out, nil where none was.
	absent *absentees
}

func (c *rawCheck) row(_ int64, line []byte) error {
	n := c.rows
	c.rows++
	id := int64(-1)
	if bytes.HasPrefix(line, c.dataset.form.begin) {
		var at int
		if id, at = digits(line, len(c.dataset.form.begin)); at < 0 {
			id = -1
		}
	}
	if id < 0 {
		var err error
		if id, _, err = c.dataset.parse(c.file, n, line); err != nil {
			return err
		}
	}
	if id <= c.last {
		return differ("%s: the id of row %d is not above the one before it", place(c.file, n), id)
	}
	c.last = id
	if c.absent != nil {
		if err := c.absent.pass(id); err != nil {
			return err
		}
	}
	if id == c.next {
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
	key, _, err := c.gone.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return store.Failure(err)
	}
	c.next = int64(binary.BigEndian.Uint64(key))
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
	plan    recipe.DatasetPlan
	file    string
	index   string // the name of the index that is made on the way
	repeats bool   // in the mix: the orders of its later passes need identities

	rows int64
	sum  uint64
	out  *store.Writer
}

func (c *splitCheck) row(offset int64, line []byte) error {
	v := c.dataset.verifier
	n := c.rows
	c.rows++
	_, question, ok := c.dataset.form.row(line)
	if !ok {
		var err error
		if _, question, err = c.dataset.parse(c.file, n, line); err != nil {
			return err
		}
	}
	c.sum += maphash.Bytes(v.seed, line)
	key := v.question(question, questionRef{c.split, c.dataset.place, offset})
	if err := v.questions.Add(key[:]); err != nil {
		return store.Failure(err)
	}
	return c.note(n, offset, line)
}

// note writes the row's entry of the index.
func (c *splitCheck) note(n, offset int64, line []byte) error {
	if c.out == nil {
		out, err := store.CreatePlain(filepath.Join(c.dataset.verifier.notes, c.index))
		if err != nil {
			return err
		}
		c.out = out
	}
	entry := store.Entry{Offset: offset}
	if c.repeats {
		row, err := c.dataset.verifier.record(c.file, n, line)
		if err != nil {
			return err
		}
		identity := row.Digests().Identity
		entry.Identity = store.Short(identity[:])
	}
	_, err := c.out.Write(entry.Append(nil))
	return err
}

func (c *splitCheck) end() error {
	if c.rows != c.plan.Available {
		return differ("%s has %d rows, the plan says %d", c.file, c.rows, c.plan.Available)
	}
	if c.out == nil {
		return store.WriteFile(filepath.Join(c.dataset.verifier.notes, c.index), nil)
	}
	_, err := c.out.Finish()
	return err
}

func (c *splitCheck) close() {
	if c.out != nil {
		c.out.Abort()
	}
}

// parse is the slow way to read a row, which can tell what is wrong. The question is as it stands in JSON, without its quotes.
func (d *dataset) parse(file string, n int64, line []byte) (id int64, question []byte, err error) {
	row, err := d.verifier.record(file, n, line)
	if err != nil {
		return 0, nil, err
	}
	if row.Dataset != d.name {
		return 0, nil, differ("%s: the row is of data set %s", place(file, n), row.Dataset)
	}
	if id = number(row.ID, d.name); id < 0 {
		return 0, nil, differ("%s: the id %q is not the data set's name and a row number", place(file, n), row.ID)
	}
	return id, rawQuestion(row), nil
}

// rawQuestion is a row's question as it stands in JSON, without its quotes.
func rawQuestion(row record.Record) []byte {
	quoted := record.StringOf(row.Question)
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
	var sum uint64
	var rows int64
	for _, c := range d.splits {
		sum += c.sum
		rows += c.rows
	}
	if d.raw.next >= 0 {
		return differ("%s: row %s_%d is listed as dropped and is not in %s", contract.DroppedFile, d.name, d.raw.next, d.raw.file)
	}
	if sum != d.raw.sum {
		return differ("data set %s: its %d rows in the splits are not those of %s: a row is there twice, is missing, or is another", d.name, rows, d.raw.file)
	}
	return nil
}

// gone sorts the rows that were dropped for the sake of other data sets, and tells each data set's file of all rows its own.
func (v *verifier) gone() error {
	f, err := os.Open(v.path(contract.DroppedFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return differ("%s cannot be read: %w", contract.DroppedFile, err)
	}
	defer f.Close()
	sorters := map[string]*extsort.Sorter{}
	for decoder := json.NewDecoder(f); ; {
		var row contract.DroppedRow
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return differ("%s cannot be read: %w", contract.DroppedFile, err)
		}
		id := number(row.ID, row.Dataset)
		if id < 0 {
			return differ("%s: %q is no row of data set %s", contract.DroppedFile, row.ID, row.Dataset)
		}
		sorter := sorters[row.Dataset]
		if sorter == nil {
			sorter = extsort.New(v.notes, 8, goneMemory)
			v.sorters = append(v.sorters, sorter)
			sorters[row.Dataset] = sorter
		}
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], uint64(id))
		if err := sorter.Add(key[:]); err != nil {
			return store.Failure(err)
		}
	}
	for _, d := range v.datasets {
		if sorter := sorters[d.name]; sorter != nil {
			if d.raw.gone, err = sorter.Sorted(); err != nil {
				return store.Failure(err)
			}
		}
	}
	return nil
}

// sides: no question stands in two splits.
func (v *verifier) sides() error {
	sorted, err := v.questions.Sorted()
	if err != nil {
		return store.Failure(err)
	}
	v.proof.Questions = make([]int, len(v.manifest.Plan.Splits))
	var hash [hashSize]byte
	var first questionRef
	for begun := false; ; {
		key, _, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return store.Failure(err)
		}
		ref := readQuestion(key[hashSize:])
		if !begun || !bytes.Equal(key[:hashSize], hash[:]) {
			begun, hash, first = true, [hashSize]byte(key), ref
			v.proof.Questions[ref.split]++
			continue
		}
		if ref.split != first.split {
			return v.leak(ref, first)
		}
	}
}

// questionRef is a row whose question was hashed.
type questionRef struct {
	split, dataset int
	offset         int64
}

const (
	hashSize     = 16
	questionSize = hashSize + 1 + 2 + 8
)

// question is a question's place among all: two hashes of 64 bits under keys that no one knows before, then its row, so that
// equal questions come in the same order every time. Equal hashes are looked at again before anything is said of them.
func (v *verifier) question(text []byte, ref questionRef) (key [questionSize]byte) {
	binary.BigEndian.PutUint64(key[:], maphash.Bytes(v.seed, text))
	binary.BigEndian.PutUint64(key[8:], maphash.Bytes(v.other, text))
	key[hashSize] = byte(ref.split)
	binary.BigEndian.PutUint16(key[hashSize+1:], uint16(ref.dataset))
	binary.BigEndian.PutUint64(key[hashSize+3:], uint64(ref.offset))
	return key
}

func readQuestion(key []byte) questionRef {
	return questionRef{int(key[0]), int(binary.BigEndian.Uint16(key[1:])), int64(binary.BigEndian.Uint64(key[3:]))}
}

// leak says that two rows of two splits have one question.
func (v *verifier) leak(a, b questionRef) error {
	first, err := v.rowAt(a)
	if err != nil {
		return err
	}
	second, err := v.rowAt(b)
	if err != nil {
		return err
	}
	if first.Question != second.Question { // which happens once in 2^128 pairs
		return fmt.Errorf("the questions of %s and %s have one hash under two keys: run the proof again", first.ID, second.ID)
	}
	return contract.Failf(contract.LeakageDetected, "%s: the question of row %s stands in split %s as well, in row %s",
		v.datasets[a.dataset].splits[a.split].file, first.ID, v.manifest.Plan.Splits[b.split].Name, second.ID)
}

// rowAt reads a row of a processed file again.
func (v *verifier) rowAt(ref questionRef) (record.Record, error) {
	file := v.datasets[ref.dataset].splits[ref.split].file
	f, err := os.Open(v.path(file))
	if err != nil {
		return record.Record{}, differ("%s cannot be read: %w", file, err)
	}
	defer f.Close()
	var found record.Record
	reader := rowReader{file: file, each: func(_ int64, line []byte) error {
		row, err := record.Parse(line)
		found = row
		return errors.Join(err, errFound)
	}}
	_, _, err = readThrough(v.context, io.NewSectionReader(f, ref.offset, math.MaxInt64-ref.offset), reader.chunk)
	if err == nil && !errors.Is(reader.err, errFound) {
		err = fmt.Errorf("there is no row at byte %s", strconv.FormatInt(ref.offset, 10))
	}
	return found, err
}

var errFound = errors.New("found")
