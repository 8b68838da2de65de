package single

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/numbers"
)

const droppedMemory = 1 << 20 // bytes of a sorter; what does not fit goes through scratch files

// dropped sorts the rows that were dropped because of other data sets, for the check of each data set's file of all rows.
// There are as many of each split and data set as the balance stage counted, for each reason.
func (c *Checks) dropped() error {
	counts := newDroppedCounts(*c.of.Manifest)
	if err := c.eachDropped(counts); err != nil {
		return err
	}
	if err := counts.check(*c.of.Results.Balance()); err != nil {
		return err
	}
	for _, d := range c.datasets {
		if counts.sorters[d.of.Place] != nil {
			var err error
			if d.raw.dropped, err = counts.sorters[d.of.Place].Sorted(); err != nil {
				return store.WrapError(err)
			}
		}
	}
	return nil
}

func (c *Checks) eachDropped(counts *droppedCounts) error {
	if _, listed := c.of.Files.Listed(revision.DroppedFile); !listed {
		return nil
	}
	f, err := c.of.Files.Open(revision.DroppedFile)
	if err != nil {
		return err
	}
	defer f.Close()
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	for {
		var row revision.DroppedRow
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return files.Differ("%s cannot be read: %w", revision.DroppedFile, err)
		}
		split, dataset, err := counts.add(row)
		if err != nil {
			return err
		}
		if err := c.numbers.Add(numbers.Dropped, dataset, split, record.Number(row.ID, row.Dataset), nil, nil); err != nil {
			return err
		}
		sorter := counts.sorters[dataset]
		if sorter == nil {
			sorter = extsort.New(c.of.Notes.Scratch, 8, droppedMemory)
			c.sorters = append(c.sorters, sorter)
			counts.sorters[dataset] = sorter
		}
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], uint64(record.Number(row.ID, row.Dataset)))
		if err := sorter.Add(key[:], []byte{byte(split)}); err != nil {
			return store.WrapError(err)
		}
	}
}

// droppedCounts counts the rows of the list by reason.
type droppedCounts struct {
	splits, datasets []string
	tables           map[string]pipeline.DroppedRows
	sorters          []*extsort.Sorter // of the rows' numbers, by data set; nil where none was dropped
}

func newDroppedCounts(m revision.Manifest) *droppedCounts {
	c := &droppedCounts{datasets: m.Recipe.DatasetNames(), tables: map[string]pipeline.DroppedRows{}}
	for _, split := range m.Recipe.Splits {
		c.splits = append(c.splits, split.Name)
	}
	for _, reason := range pipeline.DropReasons() {
		c.tables[reason.String()] = pipeline.NewDroppedRows(len(c.splits), len(c.datasets))
	}
	c.sorters = make([]*extsort.Sorter, len(c.datasets))
	return c
}

// add counts a row, and returns the places of its split and its data set.
func (c *droppedCounts) add(row revision.DroppedRow) (split, dataset int, err error) {
	split = slices.Index(c.splits, row.Split)
	dataset = slices.Index(c.datasets, row.Dataset)
	table := c.tables[row.Reason]
	switch {
	case split < 0 || dataset < 0 || record.Number(row.ID, row.Dataset) < 0:
		return 0, 0, files.Differ("%s: %q is no row of a split %s of data set %s", revision.DroppedFile, row.ID, row.Split, row.Dataset)
	case table == nil:
		return 0, 0, files.Differ("%s: row %s has the unknown reason %q", revision.DroppedFile, row.ID, row.Reason)
	}
	table[split][dataset]++
	return split, dataset, nil
}

func (c *droppedCounts) check(balanced pipeline.BalanceResult) error {
	for _, reason := range pipeline.DropReasons() {
		want := balanced.For(reason)
		for s, split := range c.splits {
			for d, dataset := range c.datasets {
				if got := c.tables[reason.String()].Of(s, d); got != want.Of(s, d) {
					return files.Differ("%s lists %d rows of data set %s and split %s with the reason %s, the manifest says %d",
						revision.DroppedFile, got, dataset, split, reason, want.Of(s, d))
				}
			}
		}
	}
	return nil
}
