package verify

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/draw"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// holdMemory is the memory, in bytes, for data sets that are small enough to be held while they repeat.
const holdMemory = 32 << 20

// mixCheck is the check of one mixed file. The recipe leaves no choice in it: every row must be, to the byte, the row of the
// split that the order asks for. So it holds the planned rows of every data set, none of another split, each as often as any
// other, give or take one.
type mixCheck struct {
	*verifier
	split int
	plan  recipe.SplitPlan
	file  string
	shard recipe.ShardPlan

	rows      int64
	sequences []*draw.Sequence
	next      func() (int, bool)
	stop      func()
}

// begin opens what the rows are compared with.
func (c *mixCheck) begin() error {
	for i, d := range c.datasets {
		check := d.splits[c.split]
		rows, err := store.OpenRows(c.path(check.file), filepath.Join(c.notes, check.index), holdMemory/int64(len(c.datasets)))
		if err != nil {
			return differ("%s cannot be read: %w", check.file, err)
		}
		c.sequences = append(c.sequences, draw.New(rows, c.manifest.Recipe.Draws(c.plan.Name, check.plan), c.shard.Spans[i].Start, c.manifest.Recipe.Seed, c.notes))
	}
	c.next, c.stop = iter.Pull(c.manifest.Recipe.Weave(c.shard))
	return nil
}

func (c *mixCheck) close() {
	for _, sequence := range c.sequences {
		sequence.Close()
	}
	if c.stop != nil {
		c.stop()
	}
}

func (c *mixCheck) row(_ int64, line []byte) error {
	if c.next == nil {
		if err := c.begin(); err != nil {
			return err
		}
	}
	n := c.rows
	c.rows++
	dataset, more := c.next()
	if !more {
		return nil // end counts the rows
	}
	want, err := c.sequences[dataset].Next()
	if err != nil {
		return err
	}
	if want = want[:len(want)-1]; bytes.Equal(line, want) {
		return nil
	}
	return c.explain(n, line, c.datasets[dataset].name, want)
}

// explain says what is wrong with a row that is not the one whose turn it is.
func (c *mixCheck) explain(n int64, line []byte, dataset string, want []byte) error {
	row, err := c.record(c.file, n, line)
	if err != nil {
		return err
	}
	there, err := c.has(row.Dataset, line)
	switch {
	case err != nil:
		return err
	case !there:
		return contract.Failf(contract.LeakageDetected, "%s: row %s is not one of split %s", place(c.file, n), row.ID, c.plan.Name)
	case row.Dataset != dataset:
		return differ("%s: the row is of data set %s, which is not next in the order %s", place(c.file, n), row.Dataset, c.manifest.Recipe.Order)
	}
	due, err := c.record(c.file, n, want)
	if err != nil {
		return err
	}
	return differ("%s: the row is %s, the plan says %s: rows were exchanged, or one was repeated in place of another", place(c.file, n), row.ID, due.ID)
}

// has looks for a row among those of a data set in the split.
func (c *mixCheck) has(dataset string, line []byte) (bool, error) {
	file := contract.ProcessedFile(dataset, c.plan.Name)
	f, err := os.Open(c.path(file))
	if err != nil {
		return false, differ("%s cannot be read: %w", file, err)
	}
	defer f.Close()
	reader := rowReader{file: file, each: func(_ int64, other []byte) error {
		if bytes.Equal(line, other) {
			return errFound
		}
		return nil
	}}
	_, _, err = readThrough(c.context, io.Reader(f), reader.chunk)
	return errors.Is(reader.err, errFound), err
}

func (c *mixCheck) end() error {
	if c.rows != c.shard.Rows {
		return differ("%s has %d rows, the plan says %d", c.file, c.rows, c.shard.Rows)
	}
	return nil
}
