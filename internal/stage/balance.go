package stage

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/store"
)

// balance finds rows of different data sets and splits that exclude one another, drops those that have to go, and makes the plan of what is left.
//
// A question in several splits stays in the last declared one that has it: what is tested is never trained on.
// Questions come sorted from the split stage, so equal ones meet while the files are read once, side by side.
func (j job) balance(ctx context.Context, staging *store.Staging) (pipeline.Result, error) {
	b := balancer{job: j, staging: staging, names: j.recipe.DatasetNames(), list: digests{},
		drops: extsort.New(staging.Folder().Scratch, dropSize, dropMemory)}
	defer b.drops.Close()
	if j.recipe.Output.Layout != "" { // before a mix is made that could not be published
		if _, err := typesOf(j); err != nil {
			return pipeline.Result{}, err
		}
	}
	comparison := compared{pipeline.ComparisonKey(j.recipe, j.finished)}
	there, err := b.reuse(comparison.Comparison)
	if err != nil {
		return pipeline.Result{}, err
	}
	if !there {
		if err := b.find(ctx); err != nil {
			return pipeline.Result{}, err
		}
	}
	planned, err := plan.New(j.recipe, pipeline.Remaining(j.recipe, j.finished, b.done))
	if err != nil {
		return pipeline.Result{}, contract.Failf(contract.InfeasibleMix, "%w", err)
	}
	b.done.Plan = planned.Digest()
	return pipeline.Result{Balance: &b.done}, errors.Join(
		writeJSON(staging, digestsName, b.list), writeJSON(staging, comparedName, comparison), writeJSON(staging, "plan.json", planned))
}

// find compares all rows, and rewrites the files that lose some.
func (b *balancer) find(ctx context.Context) error {
	b.units()
	rows := int64(0)
	for _, name := range b.names {
		for _, n := range b.job.finished.Split(name).Rows {
			rows += n
		}
	}
	for i, step := range []func(context.Context) error{b.compare, b.near, b.filter} {
		progress.Of(ctx).Begin([]string{"compare", "near", "write"}[i], []int{40, 80, 99}[i], rows, 0)
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type balancer struct {
	job     job
	staging *store.Staging
	names   []string // of the data sets, sorted
	drops   *extsort.Sorter
	list    digests
	done    pipeline.BalanceResult
}

// rowRef names a row: its split, its data set, its number in their file.
type rowRef struct {
	split, dataset int
	row            int64
}

// droppedName is the list of the rows that are dropped.
const droppedName = "dropped.jsonl"

// dropSize is the length of the key of a drop: split, data set, row and reason, so that drops come in the order of the files.
const (
	dropSize   = 1 + 2 + 8 + 1
	dropMemory = 8 << 20
)

func (b *balancer) drop(ref rowRef, reason pipeline.DropReason) error {
	var key [dropSize]byte
	key[0] = byte(ref.split)
	binary.BigEndian.PutUint16(key[1:], uint16(ref.dataset))
	binary.BigEndian.PutUint64(key[3:], uint64(ref.row))
	key[11] = byte(reason)
	return store.WrapError(b.drops.Add(key[:]))
}

func readDrop(key []byte) (rowRef, pipeline.DropReason) {
	return rowRef{int(key[0]), int(binary.BigEndian.Uint16(key[1:])), int64(binary.BigEndian.Uint64(key[3:]))}, pipeline.DropReason(key[11])
}

// compare merges the questions of all splits and data sets.
func (b *balancer) compare(ctx context.Context) error {
	var names []store.Path
	var from []rowRef
	for s := len(b.job.recipe.Splits) - 1; s >= 0; s-- { // the last split first: of equal questions, its come first
		for d, name := range b.names {
			folder, err := b.job.input(pipeline.StageSplit, name)
			if err != nil {
				return err
			}
			names = append(names, folder.Join(b.job.recipe.Splits[s].Name+questionSuffix))
			from = append(from, rowRef{split: s, dataset: d})
		}
	}
	files, err := store.OpenAll(names...)
	if err != nil {
		return store.UnreadableError(err)
	}
	sorted, err := extsort.Open(shortSize, files...)
	if err != nil {
		return store.UnreadableError(err)
	}
	defer sorted.Close()
	counter := progress.Of(ctx).Counter()
	defer counter.Flush()
	same := equals{drop: b.drop, variant: b.variant, duplicates: b.job.recipe.Duplicates == recipe.DropDuplicates}
	for {
		question, value, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return store.WrapError(err)
		}
		if err := counter.Row(ctx, 0); err != nil {
			return err
		}
		ref := from[sorted.Source()]
		var row asked
		row, ref.row = readAsked(value)
		if err := same.next(question, row, ref); err != nil {
			return err
		}
	}
}

// variant counts a row whose question differs from another one only in the way it is written.
func (b *balancer) variant(ref rowRef) {
	if b.done.Variants == nil {
		b.done.Variants = pipeline.NewDroppedRows(len(b.job.recipe.Splits), len(b.names))
	}
	b.done.Variants[ref.split][ref.dataset]++
}

// equals judges rows that come sorted by question, the last split first, then by data set, then by row.
type equals struct {
	drop       func(rowRef, pipeline.DropReason) error
	variant    func(rowRef)
	duplicates bool // are dropped

	question rowfile.Short
	begun    bool
	split    int                        // that keeps the question
	answers  map[rowfile.Short]struct{} // to the question, where there are several and duplicates are dropped
	first    asked
}

func (e *equals) next(question []byte, row asked, ref rowRef) error {
	if !e.begun || !bytes.Equal(question, e.question[:]) {
		e.begun, e.question, e.split, e.first, e.answers = true, rowfile.Short(question), ref.split, row, nil
		return nil
	}
	if row.exact != e.first.exact {
		e.variant(ref)
	}
	if ref.split != e.split {
		return e.drop(ref, pipeline.Overlap)
	}
	if !e.duplicates {
		return nil
	}
	if e.answers == nil {
		e.answers = map[rowfile.Short]struct{}{e.first.answer: {}}
	}
	if _, there := e.answers[row.answer]; there {
		return e.drop(ref, pipeline.Duplicate)
	}
	e.answers[row.answer] = struct{}{}
	return nil
}

// filter rewrites every file of rows that loses some, without them.
func (b *balancer) filter(ctx context.Context) error {
	sorted, err := b.drops.Sorted()
	if err != nil {
		return store.WrapError(err)
	}
	next := dropReader{sorted: sorted, ref: rowRef{row: -1}}
	if err := next.advance(); err != nil || next.ended {
		return err
	}
	listed, err := createFile(b.staging, droppedName)
	if err != nil {
		return err
	}
	defer listed.Abort()
	for !next.ended {
		if err := b.filterFile(ctx, &next, listed); err != nil {
			return err
		}
	}
	b.list[droppedName], err = listed.Finish()
	return err
}

// filterFile writes the file that the next drop is in.
func (b *balancer) filterFile(ctx context.Context, next *dropReader, listed *filewriter.Writer) error {
	split, dataset := next.ref.split, next.ref.dataset
	name, dataName := b.job.recipe.Splits[split].Name+rowSuffix, b.names[dataset]
	folder, err := b.job.input(pipeline.StageSplit, dataName)
	if err != nil {
		return err
	}
	rows, err := openRows(folder, name, 0)
	if err != nil {
		return err
	}
	defer rows.Close()
	out, err := createRows(b.staging, dataName+"/"+name)
	if err != nil {
		return err
	}
	defer out.Abort()
	all, err := countedIn(folder, b.job.recipe.Splits[split].Name)
	if err != nil {
		return err
	}
	left := remainder{all: all, gone: newRowCounter(b.job.recipe)}
	units := int64(0)
	counter := progress.Of(ctx).Counter()
	defer counter.Flush()
	for i := range rows.Len() {
		line, entry, err := rows.Row(i)
		if err := errors.Join(err, counter.Row(ctx, len(line))); err != nil {
			return err
		}
		if ref := (rowRef{split, dataset, i}); !next.ended && next.ref == ref {
			row, err := b.leaveOut(ref, next.reason, line, listed)
			if err != nil {
				return err
			}
			left.drop(row, line, entry)
			if err := next.advance(); err != nil {
				return err
			}
			continue
		}
		units += entry.Units
		if err := left.keep(line, entry); err != nil {
			return err
		}
		if err := out.Add(line, entry); err != nil {
			return err
		}
	}
	if b.job.recipe.Measured() {
		b.done.Units[split][dataset] = units
	}
	b.list[dataName+"/"+name], err = out.Finish()
	return errors.Join(err, left.write(b.staging, statisticsOf(dataName+"/"+name)))
}

// units notes the bytes or tokens of all rows, where shares are measured in them. Those of a file that loses rows are counted when it is rewritten.
func (b *balancer) units() {
	if !b.job.recipe.Measured() {
		return
	}
	b.done.Units = make([][]int64, len(b.job.recipe.Splits))
	for s := range b.done.Units {
		for _, name := range b.names {
			b.done.Units[s] = append(b.done.Units[s], b.job.finished.Split(name).Units[s])
		}
	}
}

// leaveOut lists a dropped row, and counts it by its reason.
func (b *balancer) leaveOut(ref rowRef, reason pipeline.DropReason, line []byte, listed *filewriter.Writer) (record.Record, error) {
	row, err := record.Parse(bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		return row, err
	}
	encoded, err := json.Marshal(revision.DroppedRow{ID: row.ID, Dataset: b.names[ref.dataset], Split: b.job.recipe.Splits[ref.split].Name, Reason: reason.String()})
	if err != nil {
		return row, err
	}
	table := b.done.For(reason)
	if *table == nil {
		*table = pipeline.NewDroppedRows(len(b.job.recipe.Splits), len(b.names))
	}
	(*table)[ref.split][ref.dataset]++
	_, err = listed.Write(append(encoded, '\n'))
	return row, err
}

// dropReader yields each dropped row once, with the first of its reasons.
type dropReader struct {
	sorted *extsort.Reader
	ref    rowRef // the row that comes next
	reason pipeline.DropReason
	ended  bool
}

func (r *dropReader) advance() error {
	for {
		key, _, err := r.sorted.Next()
		if errors.Is(err, io.EOF) {
			r.ended = true
			return nil
		}
		if err != nil {
			return store.WrapError(err)
		}
		if ref, reason := readDrop(key); ref != r.ref {
			r.ref, r.reason = ref, reason
			return nil
		}
	}
}

// processed returns where a data set's final rows of a split lie, the unit's folder and the name in it: in the balance unit's where
// that dropped any.
func (j job) processed(split int, dataset string) (folder store.Path, name string, err error) {
	name = j.recipe.Splits[split].Name + rowSuffix
	balanced := j.finished.Balance()
	if balanced.Dropped(split, slices.Index(j.recipe.DatasetNames(), dataset)) > 0 {
		folder, err = j.input(pipeline.StageBalance, j.recipe.Name)
		return folder, dataset + "/" + name, err
	}
	folder, err = j.input(pipeline.StageSplit, dataset)
	return folder, name, err
}
