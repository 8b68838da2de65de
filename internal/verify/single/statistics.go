package single

import (
	"bytes"

	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/statistics"
)

// counter computes the statistics of a split's rows again. The zero value does not.
type counter struct {
	wanted bool
	rows   statistics.Rows
	// question and answer are those of the row before, and line is all of it.
	question, answer, line []byte
}

// add counts a row. Duplicates follow one another, since a file is ordered by the content of its rows.
func (c *counter) add(row record.View, tokens int64, line []byte, of *splitCheck) error {
	if !c.wanted {
		return nil
	}
	again := false
	if c.rows.Rows > 0 && bytes.Equal(row.Question, c.question) && bytes.Equal(row.Answer, c.answer) {
		var err error
		if again, err = c.same(line, of); err != nil {
			return err
		}
	}
	c.question, c.answer, c.line = append(c.question[:0], row.Question...), append(c.answer[:0], row.Answer...), append(c.line[:0], line...)
	c.rows.Add(statistics.Row{
		Question: statistics.Quoted(row.Question), Answer: statistics.Quoted(row.Answer), Bytes: int64(len(line)), Tokens: tokens,
		Type: statistics.TypeOf(string(row.AnswerType)),
	}, again)
	if !c.rows.Wants() {
		return nil
	}
	parsed, err := of.checks.of.Record(of.of.File, of.rows-1, line)
	if err != nil {
		return err
	}
	c.rows.Show(statistics.Sample{ID: parsed.ID, Question: parsed.Question, Answer: parsed.ReferenceAnswer, Type: parsed.AnswerType})
	return nil
}

// same reports whether a row has all that the row before has.
func (c *counter) same(line []byte, of *splitCheck) (bool, error) {
	before, err := of.checks.of.Record(of.of.File, of.rows-2, c.line)
	if err != nil {
		return false, err
	}
	row, err := of.checks.of.Record(of.of.File, of.rows-1, line)
	if err != nil {
		return false, err
	}
	return before.Digests().Identity == row.Digests().Identity, nil
}

// Counted replaces the stated statistics of the rows that are there by the counted ones.
func (c *Checks) Counted(parts []statistics.Part) {
	r := c.of.Manifest.Recipe
	for _, d := range c.datasets {
		_, domain, _ := r.Dataset(d.of.Name)
		for _, s := range d.splits {
			if s.of.File != "" {
				parts[s.of.Place*len(c.datasets)+d.of.Place] = s.counts.rows.Part(d.of.Name, domain.Name, c.of.SplitName(s.of.Place), statistics.CountsTokens(r))
			}
		}
	}
}
