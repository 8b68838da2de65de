// Package mixed checks the mixed files and those of the exports: the recipe leaves no choice in them.
package mixed

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/sampler"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/numbers"
	"github.com/datasetmix/datasetmix/internal/verify/questions"
)

// Checks are those of mixed files and exports.
type Checks struct {
	of        *layout.Revision
	questions *questions.Set
	numbers   *numbers.Set
	madeOf    map[string]string
	seed      maphash.Seed // of the hashes that ids are compared by
	// files are the checks of each.
	files map[string]files.Check
	// drawn is what the recipe's draws use of each data set in each split, where it draws.
	drawn [][]pipeline.MixedDataset
	// made are the checks of exported files that are made once the mixed ones were read.
	made []*exportCheck
	// unasked reports that the questions of some rows are in no file.
	unasked atomic.Bool
}

// New returns the checks of a revision. Rows of splits without a file of their own are added to the questions and the numbers. MadeOf are
// the XXH64, by path, of the rows that the files of exports were made of, as their writers noted them.
func New(of *layout.Revision, asked *questions.Set, numbered *numbers.Set, madeOf map[string]string) (*Checks, error) {
	c := &Checks{of: of, questions: asked, numbers: numbered, madeOf: madeOf, seed: maphash.MakeSeed(), files: map[string]files.Check{}}
	r := of.Manifest.Recipe
	shards := map[string][]recipe.Shard{}
	for _, file := range r.Files() {
		shards[file.Split] = append(shards[file.Split], file)
	}
	for i, planned := range of.Manifest.Plan.Splits {
		var uses []pipeline.MixedDataset
		if pipeline.Reports(r) {
			var err error
			if uses, err = sampler.Uses(of.Files.Context, r, planned); err != nil {
				return nil, err
			}
		}
		c.drawn = append(c.drawn, uses)
		c.split(i, shards[planned.Name], uses)
	}
	return c, nil
}

// split adds the files of a split.
func (c *Checks) split(place int, shardFiles []recipe.Shard, uses []pipeline.MixedDataset) {
	r, of := c.of.Manifest.Recipe, c.of.Manifest.Plan.Splits[place]
	shards := plan.Shards(r, of)
	mixed, leaders := map[int]*fileCheck{}, map[int]*exportCheck{}
	for _, file := range shardFiles {
		check := &fileCheck{
			checks: c, split: place, plan: of, shard: shards[file.Index], uses: uses, result: *c.of.Results.Mix(file.Name()),
			name: revision.FileOf(file, r.Output.Format), units: make([]int64, len(shards[file.Index].Spans)),
		}
		if file.Export == "" {
			mixed[file.Index] = check
			c.files[check.name] = check.wanted()
			continue
		}
		export := &exportCheck{checks: c, file: check, export: file.Export, first: plan.RowsOf(shards[:file.Index]), base: mixed[file.Index], leader: leaders[file.Index]}
		if export.leader == nil {
			leaders[file.Index] = export
		}
		c.files[check.name] = export.wanted()
	}
}

// Files returns the check of each file.
func (c *Checks) Files() map[string]files.Check { return c.files }

// Drawn returns what the recipe's draws use of each data set in each split, where it draws.
func (c *Checks) Drawn() [][]pipeline.MixedDataset { return c.drawn }

// Unasked reports whether the questions of some rows were in no file.
func (c *Checks) Unasked() bool { return c.unasked.Load() }

// End checks the exports that are compared with mixed files, once all were read.
func (c *Checks) End() error {
	for _, export := range c.made {
		if err := export.last(); err != nil {
			return err
		}
	}
	return nil
}

// fileCheck is the check of one mixed file. The recipe leaves no choice in it: every row must be, to the byte, the row of the
// split that the order asks for. So it holds the planned rows of every data set, none of another split, each as often as the
// recipe says.
type fileCheck struct {
	checks *Checks
	split  int
	plan   plan.Split
	name   string
	shard  plan.Shard
	uses   []pipeline.MixedDataset // of the split, where the recipe has them reported
	result pipeline.MixResult

	rows      int64
	units     []int64 // of the rows of each data set
	sequences sampler.Sequences
	due       *sampler.Woven // the rows that the file must have
	sum       *xxhash.Digest // of the rows as lines, where an export was made of them in another form

	// What follows is for a file whose rows are nowhere else.
	turns func() (dataset int, ok bool)
	stop  func()
	forms questions.Forms
}

// wanted returns the check of the file: it has the rows that are due, or, where those are nowhere else, rows of the data sets whose turn it is.
func (c *fileCheck) wanted() files.Check {
	each := c.row
	if !c.checks.of.HasRowsOf(c.split) {
		each = c.alone
	}
	return files.Check{Format: c.checks.of.Manifest.Recipe.Output.Format, Each: each, After: c.end, Close: c.close}
}

// begin opens what the rows are compared with.
func (c *fileCheck) begin() (err error) {
	of := c.checks.of
	c.sequences, err = sampler.Open(of.Manifest.Recipe, c.plan, c.shard, of.Notes, func(dataset int, hold int64) (*rowfile.Rows, error) {
		check := of.Datasets[dataset].Splits[c.split]
		rows, err := rowfile.Open(of.Files.At(check.File), of.Notes.Join(check.Index), hold)
		if err != nil {
			return nil, contract.Within(check.File, err)
		}
		return rows, nil
	})
	if err != nil {
		return err
	}
	c.due = sampler.Weave(c.sequences, plan.Weave(of.Manifest.Recipe, c.shard))
	return nil
}

// close releases what the rows were compared with: a revision may have thousands of mixed files.
func (c *fileCheck) close() {
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

func (c *fileCheck) row(_ int64, line []byte) error {
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
	return c.explain(n, line, c.checks.of.Datasets[dataset].Name, want)
}

// explain returns what is wrong with a row that is not the one that is due.
func (c *fileCheck) explain(n int64, line []byte, dataset string, want []byte) error {
	row, err := c.checks.of.Record(c.name, n, line)
	if err != nil {
		return err
	}
	there, err := c.has(row.Dataset, line)
	switch {
	case err != nil:
		return err
	case !there:
		return contract.Failf(contract.LeakageDetected, "%s: row %s is not one of split %s", files.Place(c.name, n), row.ID, c.plan.Name)
	case row.Dataset != dataset:
		return files.Differ("%s: the row is of data set %s, which is not next in the order %s", files.Place(c.name, n), row.Dataset, c.checks.of.Manifest.Recipe.Order)
	}
	due, err := c.checks.of.Record(c.name, n, want)
	if err != nil {
		return err
	}
	return files.Differ("%s: the row is %s, the plan says %s: rows were exchanged, or one was repeated in place of another", files.Place(c.name, n), row.ID, due.ID)
}

// has reports whether a row is among those of a data set in the split.
func (c *fileCheck) has(name string, line []byte) (bool, error) {
	of := c.checks.of
	place := slices.IndexFunc(of.Datasets, func(d *layout.Dataset) bool { return d.Name == name })
	return of.Files.Find(of.Datasets[place].Splits[c.split].File, 0, func(other []byte) bool { return bytes.Equal(line, other) })
}

// end checks that the file has all rows, and its writer reported what it has.
func (c *fileCheck) end() error {
	if c.rows != c.shard.Rows {
		return files.Differ("%s has %d rows, the plan says %d", c.name, c.rows, c.shard.Rows)
	}
	listed, _ := c.checks.of.Files.Listed(c.name)
	if c.result.Rows != c.rows {
		return files.Differ("%s has %d rows, and the manifest says another number", c.name, c.rows)
	}
	if listed.SHA256 != c.result.Digest || listed.Bytes != c.result.Bytes {
		return files.Differ("%s: the manifest lists the SHA-256 %s, and the mix stage wrote %s", c.name, listed.SHA256, c.result.Digest)
	}
	return c.reports()
}

// reports checks what the file's writer reported of each data set.
func (c *fileCheck) reports() error {
	if len(c.result.Datasets) != len(c.uses) {
		return files.Differ("%s: the manifest reports on %d of its data sets, want %d", c.name, len(c.result.Datasets), len(c.uses))
	}
	for i, got := range c.result.Datasets {
		want := c.uses[i]
		if want.Units = c.units[i]; c.checks.of.Manifest.Recipe.Measured() && c.checks.of.Units == nil {
			want.Units = got.Units
		}
		if got != want {
			return files.Differ("%s: of data set %s the manifest reports %s, and its rows are %s", c.name, c.checks.of.Datasets[i].Name, reported(got), reported(want))
		}
	}
	return nil
}

func reported(of pipeline.MixedDataset) string {
	return fmt.Sprintf("%d unique rows, the most frequent %d times, %d units", of.Unique, of.MaxRepeats, of.Units)
}

// eachDue passes on the rows of the splits in the recipe's order.
func (c *fileCheck) eachDue(each func(line []byte) error) error {
	if err := c.begin(); err != nil {
		return err
	}
	for {
		if c.rows%files.ContextEvery == 0 && c.checks.of.Files.Context.Err() != nil {
			return c.checks.of.Files.Context.Err()
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
