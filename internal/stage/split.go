package stage

import (
	"context"
	"errors"
	"sync"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/tokens"
)

// rawName is a data set's file of all rows in a split unit's folder.
const rawName = "raw.jsonl"

// split maps every row of a data set to the unified record and divides the rows: groups in keyed order, cut into consecutive
// ranges. Inside a split, rows are in the keyed order of their own content, so a sample of k rows is the first k, and a
// group of many rows is not a clump.
func (j job) split(ctx context.Context, staging *store.Staging) (pipeline.Result, error) {
	s := j.begun
	if s == nil {
		var err error
		if s, err = newSplitter(ctx, j, staging); err != nil {
			return pipeline.Result{}, err
		}
		if err = s.readAll(func() error { return s.rows.each(ctx, s) }); err != nil {
			s.close()
			return pipeline.Result{}, contract.Within("data set "+s.dataset.Name, err)
		}
	}
	defer s.close()
	files, err := s.divider.write(ctx, staging)
	if err != nil {
		return pipeline.Result{}, err
	}
	list := s.list
	counted := map[string]*statistics.Rows{}
	done := pipeline.SplitResult{Read: s.read, Dropped: s.leftOut.counts, Bad: s.leftOut.named, Bytes: s.size,
		Groups: s.divider.different, LargestGroup: s.divider.largest}
	for i, file := range files {
		list[j.recipe.Splits[i].Name+rowSuffix] = file.written
		counted[j.recipe.Splits[i].Name] = &file.counted.rows
		done.Rows = append(done.Rows, file.rows.Rows())
		if j.recipe.Measured() {
			done.Units = append(done.Units, file.units)
		}
	}
	done.Digest = list.ofDataset(j.recipe)
	return pipeline.Result{Split: &done}, errors.Join(writeJSON(staging, fieldsName, s.seen()), writeStatistics(staging, statisticsName, counted), writeJSON(staging, digestsName, list))
}

// splitter receives a data set's rows.
type splitter struct {
	job     job
	staging *store.Staging
	dataset recipe.Dataset
	domain  recipe.Domain
	mapping mapping.Mapping
	divider *divider
	leftOut *leftOut
	rows    *reader
	units   *tokens.Units
	// probes finds questions that may be in no split; nil where the mix has no probes.
	probes *contaminants
	// keeps notes which of the members that the record keeps were there.
	keeps keeps
	// fields are those of the rows' members that each mapper has seen.
	fields   []*schema.Fields
	fieldsMu sync.Mutex

	list digests            // of the files that are written when all rows are read
	read int64              // rows of the source, including those that are dropped
	raw  *filewriter.Writer // nil where no revision holds it
	size int64              // bytes of all rows as lines
}

func newSplitter(ctx context.Context, j job, staging *store.Staging) (*splitter, error) {
	dataset, domain, _ := j.recipe.Dataset(j.node.Name)
	divider, err := newDivider(staging.Folder(), j.recipe)
	if err != nil {
		return nil, err
	}
	units, err := unitsFor(j)
	if err != nil {
		return nil, err
	}
	probes, err := newContaminants(progress.With(ctx, nil), j)
	return &splitter{
		job: j, staging: staging, dataset: dataset, domain: domain, leftOut: newLeftOut(staging), units: units, probes: probes, divider: divider,
	}, err
}

// readAll writes every row that each passes on, in the order of the source, to the raw file, and passes it to the divider.
func (s *splitter) readAll(each func() error) (err error) {
	if s.mapping, err = mapping.Compile(s.dataset.Record); err != nil {
		return err
	}
	s.keeps = newKeeps(s.dataset.Record)
	if record := s.dataset.Record; record.Rule != "" && record.MentionsFile() && !s.dataset.Source.Names {
		return contract.Failf(contract.InvalidTask, "the record uses the variable file, and its source does not say that names count; set names in the source of the recipe")
	}
	if s.job.recipe.Output.Holds(recipe.RawPart) {
		if s.raw, err = createFile(s.staging, rawName); err != nil {
			return err
		}
	}
	named := recipe.NamedSource{Name: s.dataset.Name, Source: s.dataset.Source}
	s.rows = &reader{job: s.job, source: named, read: s.dataset.Read, fields: s.mapping.Fields()}
	if err := each(); err != nil {
		return err
	}
	if s.read = s.rows.rows; s.divider.rows.Count() == 0 {
		return contract.Failf(contract.InvalidData, "none of the %d rows is kept: %s; look at the record's where and at what else leaves rows out", s.read, s.leftOut.summary())
	}
	if name := s.keeps.missing(); name != "" {
		return contract.Failf(contract.InvalidData, "none of the %d rows has the member %q, which the record keeps; correct its name in keep or keepAsText, or leave it out", s.read, name)
	}
	s.list = digests{}
	if s.raw != nil {
		if s.list[rawName], err = s.raw.Finish(); err != nil {
			return err
		}
	}
	return s.leftOut.finish(s.list)
}

// close discards all files that are not finished.
func (s *splitter) close() {
	if s.raw != nil {
		s.raw.Abort()
	}
	s.leftOut.abort()
	s.divider.close()
}

// take writes a row and passes it to the divider.
func (s *splitter) take(row mapped, line []byte) (err error) {
	s.size += int64(len(line))
	if s.raw != nil {
		_, err = s.raw.Write(line)
	}
	return errors.Join(err, s.divider.add(row.at, row.head, line))
}

// skip implements taker.
func (s *splitter) skip(row revision.DroppedSourceRow) error { return s.leftOut.add(row) }

func (s *splitter) newMapper() mapper {
	m := &recordMapper{of: s, writer: mapping.NewWriter(s.mapping, s.dataset.Name, s.domain.Name), contaminants: s.probes.newFinder(), seen: &schema.Fields{}}
	s.fieldsMu.Lock()
	defer s.fieldsMu.Unlock()
	s.fields = append(s.fields, m.seen)
	return m
}

// contaminated looks up the question of a row, and the other texts that its record compares, among those of the probes.
func (m *recordMapper) contaminated(row decoded.Row, question string) (*revision.DroppedSourceRow, error) {
	if m.contaminants == nil {
		return nil, nil
	}
	if found := m.contaminants.find(question); found != nil {
		return found, nil
	}
	others, err := m.of.mapping.Others(row)
	for _, text := range others {
		if found := m.contaminants.find(text); found != nil {
			return found, nil
		}
	}
	return nil, err
}

// recordMapper makes records of a data set's rows. What it uses of its splitter is only read, or may be used by several goroutines.
type recordMapper struct {
	of           *splitter
	writer       *mapping.Writer
	contaminants *finder
	seen         *schema.Fields
	buffer       []byte
}

func (m *recordMapper) row(number int64, row decoded.Row, lines []byte) (mapped, []byte) {
	begin := len(lines)
	said, lines, err := m.writer.Row(lines, row, number)
	if err != nil {
		return unmapped(number, err), lines
	}
	if found, err := m.contaminated(row, said.Question); err != nil {
		return mapped{err: unmappable{err}}, lines[:begin]
	} else if found != nil {
		found.Row = number
		return mapped{leftOut: found}, lines[:begin]
	}
	m.of.keeps.note(said.Kept)
	if err := m.seen.AddRest(number, lines[begin+said.Rest:]); err != nil {
		return mapped{err: err}, lines[:begin]
	}
	var as mapped
	as.at, as.head = m.of.divider.place(&said, m.of.units.Of(said.Question, said.ReferenceAnswer), &m.buffer)
	return as, append(lines, '\n')
}

// unmapped returns what becomes of a row for which the mapping returns an error.
func unmapped(number int64, err error) mapped {
	if reason, dropped := mapping.IsDropped(err); dropped {
		return mapped{leftOut: &revision.DroppedSourceRow{Row: number, Reason: string(reason)}}
	}
	if contract.ReasonOf(err) == contract.InvalidData {
		return mapped{err: unmappable{err}}
	}
	return mapped{err: err}
}
