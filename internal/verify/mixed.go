package verify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/sampler"
	"github.com/datasetmix/datasetmix/internal/store"
)

// mixedTasks are the checks of all mixed files and of those of the exports, by path.
func (v *verifier) mixedTasks() (map[string]task, error) {
	r := v.manifest.Recipe
	results := v.manifest.Results()
	tasks := map[string]task{}
	files := map[string][]recipe.Shard{}
	for _, file := range r.Files() {
		files[file.Split] = append(files[file.Split], file)
	}
	for i, thePlan := range v.manifest.Plan.Splits {
		var uses []pipeline.MixedDataset
		if pipeline.Reports(r) {
			var err error
			if uses, err = sampler.Uses(v.context, r, thePlan); err != nil {
				return nil, err
			}
		}
		shards := plan.Shards(r, thePlan)
		v.drawn = append(v.drawn, uses)
		mixed, leaders := map[int]*mixCheck{}, map[int]*exportCheck{}
		for _, file := range files[thePlan.Name] {
			planned := shards[file.Index]
			check := &mixCheck{
				verifier: v, split: i, plan: thePlan, shard: planned, uses: uses, result: *results.Mix(file.Name()),
				file: revision.FileOf(file, r.Output.Format), units: make([]int64, len(planned.Spans)),
			}
			if file.Export == "" {
				mixed[file.Index] = check
				each := check.row
				if !check.readable() {
					each = check.alone
				}
				tasks[check.file] = task{format: r.Output.Format, each: each, after: check.end, close: check.close}
				continue
			}
			export := &exportCheck{mixCheck: check, export: file.Export, first: plan.RowsOf(shards[:file.Index]), base: mixed[file.Index], leader: leaders[file.Index]}
			if export.leader == nil {
				leaders[file.Index] = export
			}
			tasks[check.file] = export.task()
		}
	}
	return tasks, nil
}

// mixCheck is the check of one mixed file. The recipe leaves no choice in it: every row must be, to the byte, the row of the
// split that the order asks for. So it holds the planned rows of every data set, none of another split, each as often as the
// recipe says.
type mixCheck struct {
	*verifier
	split  int
	plan   plan.Split
	file   string
	shard  plan.Shard
	uses   []pipeline.MixedDataset // of the split, where the recipe has them reported
	result pipeline.MixResult

	rows      int64
	units     []int64 // of the rows of each data set
	sequences sampler.Sequences
	due       *sampler.Woven
	sum       *xxhash.Digest // of the rows as lines, where an export was made of them and they lie there otherwise

	// What follows is of a file that is alone.
	turns func() (dataset int, ok bool)
	stop  func()
	forms forms
}

// begin opens what the rows are compared with.
func (c *mixCheck) begin() (err error) {
	c.sequences, err = sampler.Open(c.manifest.Recipe, c.plan, c.shard, c.notes, func(dataset int, hold int64) (*store.Rows, error) {
		check := c.datasets[dataset].splits[c.split]
		rows, err := store.OpenRows(c.at(check.file), c.notes.Join(check.index), hold)
		if err != nil {
			return nil, contract.Within(check.file, err)
		}
		return rows, nil
	})
	if err != nil {
		return err
	}
	c.due = sampler.Weave(c.sequences, plan.Weave(c.manifest.Recipe, c.shard))
	return nil
}

// close gives up what the rows were compared with: a revision may have thousands of mixed files.
func (c *mixCheck) close() {
	if c.due != nil {
		c.due.Close()
		c.due = nil
	}
	c.sequences.Close()
	c.sequences = nil
	if c.stop != nil {
		c.stop()
	}
}

func (c *mixCheck) row(_ int64, line []byte) error {
	if c.due == nil {
		if err := c.begin(); err != nil {
			return err
		}
	}
	n := c.rows
	c.rows++
	dataset, due, more, err := c.due.Next()
	if err != nil {
		return err
	}
	if !more {
		return nil // end counts the rows
	}
	c.units[dataset] += due.Units
	if c.sum != nil {
		_, _ = c.sum.Write(due.Line) // cannot fail
	}
	want := due.Line[:len(due.Line)-1]
	if bytes.Equal(line, want) {
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
func (c *mixCheck) has(name string, line []byte) (bool, error) {
	place := slices.IndexFunc(c.datasets, func(d *dataset) bool { return d.name == name })
	file := c.datasets[place].splits[c.split].file
	f, err := c.open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	reader := rowReader{file: file, each: func(_ int64, other []byte) error {
		if bytes.Equal(line, other) {
			return errFound
		}
		return nil
	}}
	err = look(c.context, f, &reader)
	return errors.Is(reader.err, errFound), err
}

// end: the file has all rows, and its writer reported what it has.
func (c *mixCheck) end() error {
	if c.rows != c.shard.Rows {
		return differ("%s has %d rows, the plan says %d", c.file, c.rows, c.shard.Rows)
	}
	listed := c.files[c.file]
	if c.result.Rows != c.rows {
		return differ("%s has %d rows, and the manifest says another number", c.file, c.rows)
	}
	if listed.SHA256 != c.result.Digest || listed.Bytes != c.result.Bytes {
		return differ("%s: the manifest lists the SHA-256 %s, and the mix stage wrote %s", c.file, listed.SHA256, c.result.Digest)
	}
	return c.reports()
}

// reports: what the file's writer says of each data set is so.
func (c *mixCheck) reports() error {
	if len(c.result.Datasets) != len(c.uses) {
		return differ("%s: the manifest reports on %d of its data sets, want %d", c.file, len(c.result.Datasets), len(c.uses))
	}
	for i, got := range c.result.Datasets {
		want := c.uses[i]
		if want.Units = c.units[i]; c.manifest.Recipe.Measured() && c.verifier.units == nil {
			want.Units = got.Units
		}
		if got != want {
			return differ("%s: of data set %s the manifest reports %s, and its rows are %s", c.file, c.datasets[i].name, reported(got), reported(want))
		}
	}
	return nil
}

func reported(of pipeline.MixedDataset) string {
	return fmt.Sprintf("%d unique rows, the most frequent %d times, %d units", of.Unique, of.MaxRepeats, of.Units)
}
