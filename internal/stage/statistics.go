package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
)

// statisticsName is the file of a split unit's folder with the statistics of its rows, by split.
const statisticsName = "statistics.json"

// statisticsOf returns the name of the statistics of a file of rows in a balance unit's folder.
func statisticsOf(name string) string {
	return name[:len(name)-len(rowSuffix)] + "." + statisticsName
}

// writeStatistics writes counts of rows. They are many short numbers, so the file is not indented.
func writeStatistics(staging *store.Staging, name string, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return staging.WriteFile(name, encoded)
}

// rowCounter counts rows in the order of their file, in which equal ones follow one another.
type rowCounter struct {
	rows   statistics.Rows
	tokens bool          // are counted: the units of a row may be bytes
	last   rowfile.Short // the identity of the row before
}

func newRowCounter(r recipe.Recipe) rowCounter { return rowCounter{tokens: statistics.CountsTokens(r)} }

// add counts a row, and keeps it as a sample where one is wanted.
func (c *rowCounter) add(row statistics.Row, entry rowfile.Entry, line []byte) error {
	again := c.rows.Rows > 0 && entry.Identity == c.last
	c.last = entry.Identity
	c.rows.Add(c.withTokens(row, entry), again)
	return show(&c.rows, line)
}

// withTokens returns what is counted of a row with its tokens, -1 where they are not counted.
func (c *rowCounter) withTokens(row statistics.Row, entry rowfile.Entry) statistics.Row {
	if row.Tokens = -1; c.tokens {
		row.Tokens = entry.Units
	}
	return row
}

// show keeps a row as a sample if one more is wanted.
func show(rows *statistics.Rows, line []byte) error {
	if !rows.Wants() {
		return nil
	}
	row, err := record.Parse(bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		return err
	}
	rows.Show(statistics.Sample{ID: row.ID, Question: row.Question, Answer: row.ReferenceAnswer, Type: row.AnswerType})
	return nil
}

// rowOf returns what is counted of a row that was parsed, but for its tokens.
func rowOf(row record.Record, line []byte) statistics.Row {
	return statistics.Row{
		Question: statistics.Characters(row.Question), Answer: statistics.Characters(row.ReferenceAnswer), Type: statistics.TypeOf(row.AnswerType),
		Bytes: int64(len(bytes.TrimSuffix(line, []byte("\n")))),
	}
}

// remainder is the statistics of rows once some are dropped: the counts of all, less those of the dropped, so that what stays need not be parsed.
// The zero value, without counts of all, is that of a unit of an earlier release: publishing counts its rows.
type remainder struct {
	all  *statistics.Rows
	gone rowCounter
	left statistics.Rows // its samples, and how many rows are unique
	last rowfile.Short   // the identity of the row before among those left
}

// countedIn reads the counts of a split from a split unit's folder; nil where the unit has none.
func countedIn(folder store.Path, split string) (*statistics.Rows, error) {
	var counted map[string]*statistics.Rows
	err := store.ReadJSON(folder.Join(statisticsName), &counted)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return counted[split], err
}

func (r *remainder) drop(row record.Record, line []byte, entry rowfile.Entry) {
	r.gone.rows.Add(r.gone.withTokens(rowOf(row, line), entry), false)
}

func (r *remainder) keep(line []byte, entry rowfile.Entry) error {
	if r.left.Unique == 0 || entry.Identity != r.last {
		r.left.Unique++
	}
	r.last = entry.Identity
	return show(&r.left, line)
}

func (r *remainder) write(staging *store.Staging, name string) error {
	if r.all == nil {
		return nil
	}
	left := r.all.Without(&r.gone.rows)
	left.Unique, left.First = r.left.Unique, r.left.First
	return writeStatistics(staging, name, &left)
}

// statistics writes the statistics of the rows of every data set and split.
func (p *publisher) statistics() error {
	if p.job.recipe.Output.Layout == "" {
		return nil
	}
	var parts []statistics.Part
	for s, split := range p.manifest.Plan.Splits {
		for _, plan := range split.Datasets() {
			rows, err := p.counted(s, plan.Name)
			if err != nil {
				return contract.Within("data set "+plan.Name, err)
			}
			_, domain, _ := p.job.recipe.Dataset(plan.Name)
			parts = append(parts, rows.Part(plan.Name, domain.Name, split.Name, statistics.CountsTokens(p.job.recipe)))
		}
	}
	p.about = statistics.Of(p.manifest, parts)
	encoded, err := p.about.Encode()
	if err != nil {
		return err
	}
	return p.write(revision.StatisticsFile, encoded)
}

// counted returns the counts of a data set's rows in a split, as the unit that wrote the rows has them.
func (p *publisher) counted(split int, dataset string) (*statistics.Rows, error) {
	folder, name, err := p.job.processed(split, dataset)
	if err != nil {
		return nil, err
	}
	if name == p.job.recipe.Splits[split].Name+rowSuffix {
		rows, err := countedIn(folder, p.job.recipe.Splits[split].Name)
		if rows != nil || err != nil {
			return rows, err
		}
	} else {
		var rows statistics.Rows
		if err := store.ReadJSON(folder.Join(statisticsOf(name)), &rows); !errors.Is(err, fs.ErrNotExist) {
			return &rows, err
		}
	}
	return countAgain(p.job.recipe, folder, name)
}

// countAgain reads the rows that a unit of an earlier release wrote.
func countAgain(r recipe.Recipe, folder store.Path, name string) (*statistics.Rows, error) {
	file, err := openRows(folder, name, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	counter := newRowCounter(r)
	for i := range file.Len() {
		line, entry, err := file.Row(i)
		if err != nil {
			return nil, err
		}
		row, err := record.Parse(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return nil, err
		}
		if err := counter.add(rowOf(row, line), entry, line); err != nil {
			return nil, err
		}
	}
	return &counter.rows, nil
}
