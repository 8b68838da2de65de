package verify

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// rows: every file has the bytes that the manifest states; every data set and every split holds the rows that the plan says,
// mixed files hold nothing else, as often and in the order that the recipe says, and no question stands in two splits.
//
// Two passes: first the files of single data sets, then the mixed ones, whose rows must be bytes of the first.
func (v *verifier) rows(ctx context.Context) error {
	tables := v.tables()
	checks := map[string]task{}
	for _, t := range slices.Concat(tables...) {
		checks[t.file] = task{each: t.add, after: t.full}
	}
	v.raw(checks)
	mixed := map[string]task{}
	for i, split := range v.manifest.Plan.Splits {
		mixed[v.mixedFile(split.Name)] = task{}
		checks[v.mixedFile(split.Name)] = task{}
		check := &mixCheck{verifier: v, plan: split, tables: tables[i]}
		mixed[v.mixedFile(split.Name)] = task{each: check.row, after: check.end}
		defer check.close()
	}
	tasks, err := v.tasks(checks)
	if err != nil {
		return err
	}
	var first, second []task
	for _, t := range tasks {
		if check, ok := mixed[t.file.Path]; ok {
			t.each, t.after = check.each, check.after
			second = append(second, t)
		} else {
			first = append(first, t)
		}
	}
	if err := v.readAll(ctx, first); err != nil {
		return err
	}
	if err := v.sides(tables); err != nil {
		return err
	}
	if err := v.readAll(ctx, second); err != nil {
		return err
	}
	return v.evaluation()
}

// mixedFile is the one mixed file of a split.
func (v *verifier) mixedFile(split string) string {
	return contract.MixedFile(recipe.Shard{Split: split, Count: 1}, v.manifest.Recipe.Output.Format)
}

// tables are those of every data set of every split.
func (v *verifier) tables() [][]*table {
	tables := make([][]*table, len(v.manifest.Plan.Splits))
	for i, split := range v.manifest.Plan.Splits {
		for _, dataset := range split.Datasets() {
			_, domain, _ := v.manifest.Recipe.Dataset(dataset.Name)
			tables[i] = append(tables[i], v.newTable(i, dataset.Name, domain.Name, dataset.Available))
		}
	}
	return tables
}

// raw: every data set's file of all rows has as many as were read.
func (v *verifier) raw(checks map[string]task) {
	for _, finished := range v.manifest.Stages {
		if finished.Stage != recipe.Divide {
			continue
		}
		_, domain, _ := v.manifest.Recipe.Dataset(finished.Unit.Name)
		want := finished.Result.Split.Read - finished.Result.Split.DroppedRows()
		file, have := contract.RawFile(domain.Name, finished.Unit.Name), int64(0)
		checks[file] = task{
			each: func(int64, []byte) error { have++; return nil },
			after: func() error {
				if have != want {
					return differ("%s has %d rows, %d were read", file, have, want)
				}
				return nil
			},
		}
	}
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

// where is a row of a table.
type where struct {
	table *table
	row   int32
}

// sides: no question stands in two splits, and no row. Equal hashes are compared by what was hashed, so nothing rests on the
// hash but speed.
func (v *verifier) sides(tables [][]*table) error {
	total := 0
	for _, t := range slices.Concat(tables...) {
		total += len(t.offsets)
	}
	seen := make(map[uint64]where, total)
	more := map[uint64][]where{} // different questions of equal hashes
	v.proof.Questions = make([]int, len(tables))
	for split, ofSplit := range tables {
		for _, t := range ofSplit {
			for row, hash := range t.questions {
				here := where{t, int32(row)}
				first, ok := seen[hash]
				if !ok {
					seen[hash] = here
					v.proof.Questions[split]++
					continue
				}
				known, err := v.compare(here, append([]where{first}, more[hash]...))
				if err != nil {
					return err
				}
				if !known {
					more[hash] = append(more[hash], here)
					v.proof.Questions[split]++
				}
			}
		}
	}
	return v.once(tables)
}

// compare says whether the question of a row is one of others, and fails when that one stands in another split.
func (v *verifier) compare(here where, others []where) (bool, error) {
	id, question, err := here.table.question(here.row)
	if err != nil {
		return false, err
	}
	for _, other := range others {
		_, same, err := other.table.question(other.row)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(question, same) {
			continue
		}
		if other.table.split != here.table.split {
			return true, contract.Failf(contract.LeakageDetected, "%s: the question of row %s stands in split %s as well",
				place(here.table.file, int64(here.row)), id, v.manifest.Plan.Splits[other.table.split].Name)
		}
		return true, nil
	}
	return false, nil
}

// once: no id stands in two splits.
func (v *verifier) once(tables [][]*table) error {
	for split := range tables {
		for d, t := range tables[split] {
			for _, before := range tables[:split] {
				for id, row := range t.rows {
					if _, twice := before[d].rows[id]; twice {
						return differ("%s: the row's id stands in split %s as well", place(t.file, int64(row)), v.manifest.Plan.Splits[before[d].split].Name)
					}
				}
			}
		}
	}
	return nil
}

// mixCheck is the check of one mixed file: the planned rows of every data set, each of this split, in the order of the recipe.
type mixCheck struct {
	*verifier
	plan   recipe.SplitPlan
	tables []*table

	rows     int64
	contents []*store.Window
	next     func() (int, bool)
	stop     func()
}

// begin opens what the rows are compared with.
func (c *mixCheck) begin() error {
	for _, t := range c.tables {
		content, err := t.open()
		if err != nil {
			return err
		}
		c.contents = append(c.contents, content)
	}
	c.next, c.stop = iter.Pull(c.weave())
	return nil
}

func (c *mixCheck) close() {
	for _, content := range c.contents {
		content.Close()
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
	want, more := c.next()
	if more {
		if ok, err := c.isOf(want, line); ok || err != nil {
			return err
		}
	}
	return c.explain(n, line)
}

// isOf says whether a line is a row of a data set's table, and notes its use.
func (c *mixCheck) isOf(dataset int, line []byte) (bool, error) {
	t := c.tables[dataset]
	if !bytes.HasPrefix(line, t.form.begin) {
		return false, nil
	}
	id, at := digits(line, len(t.form.begin))
	if at < 0 {
		return false, nil
	}
	return t.use(c.contents[dataset], id, line)
}

// explain says what is wrong with a row that is not one of the data set whose turn it is.
func (c *mixCheck) explain(n int64, line []byte) error {
	file := c.mixedFile(c.plan.Name)
	row, err := c.record(file, n, line)
	if err != nil {
		return err
	}
	for dataset := range c.tables {
		if ok, err := c.isOf(dataset, line); ok || err != nil {
			return differ("%s: the row is of data set %s, which is not next in the order %s", place(file, n), row.Dataset, c.manifest.Recipe.Order)
		}
	}
	return contract.Failf(contract.LeakageDetected, "%s: row %s is not one of split %s", place(file, n), row.ID, c.plan.Name)
}

func (c *mixCheck) weave() iter.Seq[int] {
	counts := make([]int64, len(c.tables))
	for i, dataset := range c.plan.Datasets() {
		counts[i] = dataset.Rows
	}
	if c.manifest.Recipe.Order == recipe.Interleaved {
		return mix.Interleaved(counts)
	}
	return mix.Shuffled(counts, mix.NewKey(c.manifest.Recipe.Seed, "weave/"+c.plan.Name))
}

// end: the rows of each data set are used as often as planned, and none more than once more often than another.
func (c *mixCheck) end() error {
	file := c.mixedFile(c.plan.Name)
	if c.rows != c.plan.Rows {
		return differ("%s has %d rows, the plan says %d", file, c.rows, c.plan.Rows)
	}
	for i, dataset := range c.plan.Datasets() {
		var unique, most, total int64
		for _, uses := range c.tables[i].uses {
			if uses > 0 {
				unique++
			}
			most = max(most, int64(uses))
			total += int64(uses)
		}
		if total != dataset.Rows || unique != dataset.Unique || most != dataset.MaxRepeats {
			return differ("%s: data set %s has %d rows, %d of them different, one up to %d times; the plan says %d, %d and %d",
				file, dataset.Name, total, unique, most, dataset.Rows, dataset.Unique, dataset.MaxRepeats)
		}
	}
	return nil
}

// evaluation: the files that evaluate each data set alone are the split's own.
func (v *verifier) evaluation() error {
	split := v.manifest.Recipe.EvaluationSplit()
	digest := func(path string) string {
		i := slices.IndexFunc(v.manifest.Files, func(f contract.PublishedFile) bool { return f.Path == path })
		if i < 0 {
			return "missing: " + path
		}
		return v.manifest.Files[i].SHA256
	}
	for _, dataset := range v.manifest.Recipe.DatasetNames() {
		if split == "" {
			return nil
		}
		test := contract.TestFile(dataset, split)
		if digest(test) != digest(contract.ProcessedFile(dataset, split)) {
			return differ("%s does not hold data set %s's rows of split %s", test, dataset, split)
		}
	}
	return nil
}
