package verify

import (
	"bytes"
	"io"

	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
)

// maxStatistics is how large statistics.json may be: that of 1,000 data sets in 16 splits has a tenth of it.
const maxStatistics = 256 << 20

// counter counts again what the rows of a split are like. The zero value does not.
type counter struct {
	wanted bool
	rows   statistics.Rows
	// question and answer are those of the row before, and line is it whole.
	question, answer, line []byte
}

// add counts a row. Rows that say the same follow one another, since a file is ordered by what its rows say.
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
	parsed, err := of.dataset.verifier.record(of.file, of.rows-1, line)
	if err != nil {
		return err
	}
	c.rows.Show(statistics.Sample{ID: parsed.ID, Question: parsed.Question, Answer: parsed.ReferenceAnswer, Type: parsed.AnswerType})
	return nil
}

// same reports whether a row says all that the row before says.
func (c *counter) same(line []byte, of *splitCheck) (bool, error) {
	before, err := of.dataset.verifier.record(of.file, of.rows-2, c.line)
	if err != nil {
		return false, err
	}
	row, err := of.dataset.verifier.record(of.file, of.rows-1, line)
	if err != nil {
		return false, err
	}
	return before.Digests().Identity == row.Digests().Identity, nil
}

// hasStatistics reports whether the revision's layout has statistics.json.
func (v *verifier) hasStatistics() bool { return v.manifest.Recipe.Output.Layout != "" }

// readStatistics reads what statistics.json says. That its bytes are those of the manifest is found with all other files.
func (v *verifier) readStatistics() error {
	if !v.hasStatistics() {
		return nil
	}
	f, err := v.open(revision.StatisticsFile)
	if err != nil {
		return err
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, maxStatistics+1))
	if err != nil {
		return unreadable(revision.StatisticsFile, err)
	}
	if len(encoded) > maxStatistics {
		return differ("%s has more than %d MiB, which no release publishes", revision.StatisticsFile, maxStatistics>>20)
	}
	if v.stated, err = statistics.Decode(encoded); err != nil {
		return differ("%w", err)
	}
	parts := 0
	for _, split := range v.manifest.Plan.Splits {
		parts += len(split.Datasets())
	}
	if len(v.stated.Parts) != parts {
		return differ("%s has %d parts, and the plan %d data sets in all splits", revision.StatisticsFile, len(v.stated.Parts), parts)
	}
	return nil
}

// counted: the statistics are those of the rows, which were counted again on the way or, where an earlier proof has looked at the same
// files, by that one: what it was about says which statistics it found. Those of rows that are not there are taken as they are stated.
func (v *verifier) counted() error {
	if !v.hasStatistics() {
		return nil
	}
	parts := v.stated.Bare()
	for s, split := range v.manifest.Plan.Splits {
		for place, name := range v.manifest.Recipe.DatasetNames() {
			_, domain, _ := v.manifest.Recipe.Dataset(name)
			at := s*len(v.manifest.Recipe.DatasetNames()) + place
			if c := v.datasets[place].splits[s]; !v.recalled && c.file != "" {
				parts[at] = c.counts.rows.Part(name, domain.Name, split.Name, statistics.CountsTokens(v.manifest.Recipe))
			}
		}
	}
	made := statistics.Of(v.manifest, parts)
	encoded, err := made.Encode()
	if err != nil {
		return err
	}
	if !is(v.files[revision.StatisticsFile], encoded) {
		return differ("%s does not say what the rows are like", revision.StatisticsFile)
	}
	return nil
}
