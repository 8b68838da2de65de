package verify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// short is the first half of a SHA-256.
type short [16]byte

func shorten(content []byte) short {
	sum := sha256.Sum256(content)
	return short(sum[:16])
}

// rows: every data set and every split holds the rows that the plan says, mixed files hold nothing else, as often and in the
// order that the recipe says, and no question stands in two splits.
func (v *verifier) rows(ctx context.Context) error {
	if err := v.raw(ctx); err != nil {
		return err
	}
	sides := map[short]int{}
	for i, split := range v.manifest.Plan.Splits {
		check := splitCheck{verifier: v, index: i, plan: split, datasets: split.Datasets(), sides: sides, uses: map[short]int64{}}
		for _, step := range []func(context.Context) error{check.processed, check.mixed, check.repeats, check.evaluation} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		v.proof.Questions = append(v.proof.Questions, check.questions)
	}
	return nil
}

// raw: every data set's file of all rows has as many as were read.
func (v *verifier) raw(ctx context.Context) error {
	for _, finished := range v.manifest.Stages {
		if finished.Stage != recipe.Divide {
			continue
		}
		_, domain, _ := v.manifest.Recipe.Dataset(finished.Unit.Name)
		want := finished.Result.Split.Read
		for _, n := range finished.Result.Split.Dropped {
			want -= n
		}
		file, have := contract.RawFile(domain.Name, finished.Unit.Name), int64(0)
		for _, err := range v.lines(ctx, file) {
			if err != nil {
				return err
			}
			have++
		}
		if have != want {
			return differ("%s has %d rows, %d were read", file, have, want)
		}
	}
	return nil
}

// splitCheck is the check of one split.
type splitCheck struct {
	*verifier
	index     int
	plan      recipe.SplitPlan
	datasets  []recipe.DatasetPlan
	sides     map[short]int   // question → split, over all splits
	uses      map[short]int64 // row of this split → how often the mixed file has it
	rowsOf    [][]short       // rows by data set
	questions int
}

// processed: each data set's rows of the split are as many as planned and unlike all rows of other splits.
func (c *splitCheck) processed(ctx context.Context) error {
	for _, dataset := range c.datasets {
		file := contract.ProcessedFile(dataset.Name, c.plan.Name)
		var rows []short
		for line, err := range c.lines(ctx, file) {
			if err != nil {
				return err
			}
			row, err := c.record(file, int64(len(rows)), line)
			if err != nil {
				return err
			}
			if row.Dataset != dataset.Name {
				return differ("%s: the row is of data set %s", place(file, int64(len(rows))), row.Dataset)
			}
			if err := c.side(file, int64(len(rows)), row); err != nil {
				return err
			}
			key := shorten(line)
			if _, twice := c.uses[key]; twice {
				return differ("%s: the row stands twice in split %s", place(file, int64(len(rows))), c.plan.Name)
			}
			c.uses[key] = 0
			rows = append(rows, key)
		}
		if int64(len(rows)) != dataset.Available {
			return differ("%s has %d rows, the plan says %d", file, len(rows), dataset.Available)
		}
		c.rowsOf = append(c.rowsOf, rows)
	}
	return nil
}

func (c *splitCheck) record(file string, n int64, line []byte) (record.Record, error) {
	row, err := record.Parse(line)
	if err != nil {
		return row, differ("%s: %w", place(file, n), err)
	}
	if _, domain, ok := c.manifest.Recipe.Dataset(row.Dataset); !ok || domain.Name != row.Domain {
		return row, differ("%s: data set %s of domain %s is not in the recipe", place(file, n), row.Dataset, row.Domain)
	}
	return row, nil
}

// side notes in which split a question stands, and fails when another split has it.
func (c *splitCheck) side(file string, n int64, row record.Record) error {
	sum := row.QuestionDigest()
	question := short(sum[:16])
	other, seen := c.sides[question]
	if seen && other != c.index {
		return contract.Failf(contract.LeakageDetected, "%s: the question of row %s stands in split %s as well", place(file, n), row.ID, c.manifest.Plan.Splits[other].Name)
	}
	if !seen {
		c.sides[question] = c.index
		c.questions++
	}
	return nil
}

// mixed: the mixed file has the planned rows of every data set, each of this split, in the order of the recipe.
func (c *splitCheck) mixed(ctx context.Context) error {
	file := contract.MixedFile(c.plan.Name)
	next, stop := iter.Pull(c.weave())
	defer stop()
	var n int64
	for line, err := range c.lines(ctx, file) {
		if err != nil {
			return err
		}
		row, err := c.record(file, n, line)
		if err != nil {
			return err
		}
		key := shorten(line)
		if _, ok := c.uses[key]; !ok {
			return contract.Failf(contract.LeakageDetected, "%s: row %s is not one of split %s", place(file, n), row.ID, c.plan.Name)
		}
		c.uses[key]++
		if want, ok := next(); !ok || c.datasets[want].Name != row.Dataset {
			return differ("%s: the row is of data set %s, which is not next in the order %s", place(file, n), row.Dataset, c.manifest.Recipe.Order)
		}
		n++
	}
	if n != c.plan.Rows {
		return differ("%s has %d rows, the plan says %d", file, n, c.plan.Rows)
	}
	return nil
}

func (c *splitCheck) weave() iter.Seq[int] {
	counts := make([]int64, len(c.datasets))
	for i, dataset := range c.datasets {
		counts[i] = dataset.Rows
	}
	if c.manifest.Recipe.Order == recipe.Interleaved {
		return mix.Interleaved(counts)
	}
	return mix.Shuffled(counts, mix.NewKey(c.manifest.Recipe.Seed, "weave/"+c.plan.Name))
}

// repeats: the rows of each data set are used as often as planned, and none more than once more often than another.
func (c *splitCheck) repeats(context.Context) error {
	for i, dataset := range c.datasets {
		var unique, most, total int64
		for _, row := range c.rowsOf[i] {
			uses := c.uses[row]
			if uses > 0 {
				unique++
			}
			most = max(most, uses)
			total += uses
		}
		if total != dataset.Rows || unique != dataset.Unique || most != dataset.MaxRepeats {
			return differ("%s: data set %s has %d rows, %d of them different, one up to %d times; the plan says %d, %d and %d",
				contract.MixedFile(c.plan.Name), dataset.Name, total, unique, most, dataset.Rows, dataset.Unique, dataset.MaxRepeats)
		}
	}
	return nil
}

// evaluation: the files that evaluate each data set alone are the split's own.
func (c *splitCheck) evaluation(context.Context) error {
	if c.plan.Name != c.manifest.Recipe.EvaluationSplit() {
		return nil
	}
	digest := func(path string) string {
		i := slices.IndexFunc(c.manifest.Files, func(f contract.PublishedFile) bool { return f.Path == path })
		if i < 0 {
			return "missing: " + path
		}
		return c.manifest.Files[i].SHA256
	}
	for _, dataset := range c.datasets {
		test := contract.TestFile(dataset.Name, c.plan.Name)
		if digest(test) != digest(contract.ProcessedFile(dataset.Name, c.plan.Name)) {
			return differ("%s does not hold data set %s's rows of split %s", test, dataset.Name, c.plan.Name)
		}
	}
	return nil
}

// lines yields the rows of a published file without their line ends. The slice is used again.
func (v *verifier) lines(ctx context.Context, file string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f, err := os.Open(filepath.Join(v.folder, filepath.FromSlash(file)))
		if err != nil {
			yield(nil, differ("%s cannot be read: %w", file, err))
			return
		}
		defer f.Close()
		reader := bufio.NewReaderSize(f, 1<<20)
		var long []byte
		for n := int64(0); ; n++ {
			if n%4096 == 0 && ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			line, err := reader.ReadSlice('\n')
			for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); line, err = reader.ReadSlice('\n') {
				long = append(long, line...)
			}
			if len(long) > 0 {
				line = append(long, line...)
				long = line
			}
			if err == io.EOF && len(line) == 0 {
				return
			}
			if err != nil {
				yield(nil, differ("%s: it does not end with a whole row: %w", place(file, n), err))
				return
			}
			if !yield(line[:len(line)-1], nil) {
				return
			}
		}
	}
}
