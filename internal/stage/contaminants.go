package stage

import (
	"context"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// contaminants finds questions that the probes ask. Every data set's split builds the index again: that takes little next to looking every row up,
// and an index on the volume would have to be as large in memory.
type contaminants struct {
	names []string // of the probes, sorted
	index *dedup.Probes
}

// contaminatedBy are the reasons under which rows are counted.
var contaminatedBy = map[dedup.Reason]string{dedup.Equal: "contaminated", dedup.NGram: "contaminated-ngrams"}

// probePlace names a probe in a message.
func probePlace(name string) string { return "source to decontaminate against " + name }

// newContaminants reads the questions of all probes; it returns nil where the mix has none.
func newContaminants(ctx context.Context, j job) (*contaminants, error) {
	if j.recipe.Decontaminate == nil {
		return nil, nil
	}
	index, err := dedup.NewProbes(j.recipe.Decontaminate.Words, j.recipe.Decontaminate.NGrams)
	if err != nil {
		return nil, contract.Failf(contract.InvalidTask, "decontaminate: %w", err)
	}
	c := &contaminants{index: index}
	for i, probe := range j.recipe.Probes() {
		if err := readProbe(ctx, j, probe, func(question string) { index.Add(i, question) }); err != nil {
			return nil, contract.Within(probePlace(probe.Name), err)
		}
		c.names = append(c.names, probe.Name)
	}
	return c, nil
}

// finder looks questions up, in one goroutine; nil finds none.
type finder struct {
	names   []string // of the probes, sorted
	matcher *dedup.Matcher
}

func (c *contaminants) newFinder() *finder {
	if c == nil {
		return nil
	}
	return &finder{c.names, c.index.NewMatcher()}
}

// find returns which probe has a question, and the reason to drop the row; nil for a question that may stay.
func (f *finder) find(question string) *revision.DroppedSourceRow {
	found, ok := f.matcher.Match(question)
	if !ok {
		return nil
	}
	return &revision.DroppedSourceRow{Reason: contaminatedBy[found.Reason], Probe: f.names[found.Source]}
}

func readProbe(ctx context.Context, j job, probe recipe.Probe, add func(question string)) error {
	question, err := mapping.CompileQuestion(probe.Preset, probe.Question)
	if err != nil {
		return err
	}
	rows := reader{job: j, source: recipe.NamedSource{Name: probe.Name, Source: probe.Source}, read: probe.Read, fields: question.Fields()}
	return rows.each(ctx, asker{question, add})
}

// asker indexes the questions of a probe's rows.
type asker struct {
	question *mapping.Question
	add      func(string)
}

func (a asker) newMapper() mapper { return a }

func (a asker) row(_ int64, row decoded.Row, lines []byte) (mapped, []byte) {
	text, err := a.question.Of(row)
	if err != nil {
		return mapped{err: unmappable{err}}, lines
	}
	return mapped{}, append(lines, text...)
}

func (a asker) take(_ mapped, question []byte) error {
	a.add(string(question))
	return nil
}

// skip counts a bad row of a probe; nothing is reported of them but that there were too many.
func (a asker) skip(revision.DroppedSourceRow) error { return nil }
