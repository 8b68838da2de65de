// Package numbers compares the rows of a revision by their numbers at the source, where it does not hold all rows of its data sets, or not
// those of each split: each is in one split, or is listed as dropped, and is the same row wherever it is. A split whose rows are in mixed
// files alone has as many different ones, each as often, as the plan says.
package numbers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/questions"
)

// Kind is a kind of place where a row may be.
type Kind byte

// The places of a row.
const (
	Skipped Kind = iota // listed as left out by the split stage
	Dropped             // listed as dropped from a split
	Raw                 // in the file of all rows
	InSplit             // in the file of a split's rows
	Mixed               // in a mixed file, or one of an export, of a split that has no file of its rows
)

const (
	keySize = 8 + 2 + 1 + 1
	memory  = 6 << 20
)

// Set is the places of all rows. A nil Set ignores them.
type Set struct {
	of        *layout.Revision
	questions *questions.Set
	seed      maphash.Seed // of the hashes of lines
	sorter    *extsort.Sorter
}

// New returns an empty set; nil where all rows of every data set and every split are there, and are compared as they are.
func New(of *layout.Revision, asked *questions.Set) *Set {
	if of.HasAllRows() {
		return nil
	}
	return &Set{of: of, questions: asked, seed: maphash.MakeSeed(), sorter: extsort.New(of.Notes.Scratch, keySize, memory)}
}

// Close removes what was sorted.
func (s *Set) Close() {
	if s != nil {
		s.sorter.Close() // scratch files: they are not read again
	}
}

// Add notes a row, with a hash of its line and what its question and answer are compared by, where they are known.
func (s *Set) Add(as Kind, dataset, split int, number int64, line, asked []byte) error {
	if s == nil {
		return nil
	}
	var key [keySize]byte
	binary.BigEndian.PutUint64(key[:], uint64(number)) // which comes first, so that the sorter tells nearly all rows apart by it
	binary.BigEndian.PutUint16(key[8:], uint16(dataset))
	key[10], key[11] = byte(as), byte(split)
	var hash [8]byte // 0 is that the line is not known
	if line != nil {
		binary.BigEndian.PutUint64(hash[:], maphash.Bytes(s.seed, line))
	}
	return store.WrapError(s.sorter.Add(key[:], hash[:], asked))
}

// occurrences are the places of one row.
type occurrences struct {
	dataset   int
	number    int64
	skipped   bool
	dropped   bool
	raw, rows int64
	split     int
	hash      uint64
}

// tally counts the rows of a data set in a split that has no file of its rows: all, different ones, and how often the rarest and the most
// frequent one are there.
type tally struct{ rows, unique, least, most int64 }

// division checks all rows in the order of their numbers.
type division struct {
	of        *layout.Revision
	questions *questions.Set
	at        occurrences
	begun     bool
	seen      []int64   // different numbers of each data set
	tallies   [][]tally // by split and data set
}

// Check checks that every row is where it may be. Drawn is what the recipe's draws use of each data set in each split, where it draws.
func (s *Set) Check(drawn [][]pipeline.MixedDataset) error {
	if s == nil {
		return nil
	}
	sorted, err := s.sorter.Sorted()
	if err != nil {
		return store.WrapError(err)
	}
	d := division{of: s.of, questions: s.questions, seen: make([]int64, len(s.of.Datasets))}
	for range s.of.Manifest.Plan.Splits {
		d.tallies = append(d.tallies, make([]tally, len(s.of.Datasets)))
	}
	for {
		key, value, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return store.WrapError(err)
		}
		number, dataset := int64(binary.BigEndian.Uint64(key)), int(binary.BigEndian.Uint16(key[8:]))
		if d.begun && (dataset != d.at.dataset || number != d.at.number) {
			if err := d.end(); err != nil {
				return err
			}
		}
		if !d.begun {
			d.begun, d.at = true, occurrences{dataset: dataset, number: number}
		}
		if err := d.occurs(Kind(key[10]), int(key[11]), value); err != nil {
			return err
		}
	}
	if d.begun {
		if err := d.end(); err != nil {
			return err
		}
	}
	return d.counts(drawn)
}

// id returns the row's id.
func (d *division) id() string {
	return fmt.Sprintf("%s_%d", d.of.Datasets[d.at.dataset].Name, d.at.number)
}

// occurs adds a place of the row: those of one kind come together, in the order of the kinds.
func (d *division) occurs(as Kind, split int, value []byte) error {
	at := &d.at
	switch as {
	case Skipped:
		at.skipped = true
		return nil
	case Dropped:
		at.dropped = true
		return nil
	case Raw:
		at.raw++
	default:
		if err := d.inSplit(as, split); err != nil {
			return err
		}
	}
	if hash := binary.BigEndian.Uint64(value); hash != 0 && at.hash != 0 && hash != at.hash {
		return files.Differ("row %s is not the same in all files that hold it", d.id())
	} else if hash != 0 {
		at.hash = hash
	}
	if value = value[8:]; len(value) == 0 || at.rows > 1 {
		return nil
	}
	return d.questions.AddHashes(value, questions.Ref{Split: split, Dataset: at.dataset, Offset: at.number})
}

// inSplit adds a place of the row in a split.
func (d *division) inSplit(as Kind, split int) error {
	at := &d.at
	if at.rows > 0 && split != at.split {
		first, second := min(split, at.split), max(split, at.split)
		return contract.Failf(contract.LeakageDetected, "row %s is in the splits %s and %s", d.id(), d.of.SplitName(first), d.of.SplitName(second))
	}
	at.split = split
	if at.rows++; at.rows > 1 && as == InSplit {
		return files.Differ("%s: row %s is there twice", d.of.Datasets[at.dataset].Splits[split].File, d.id())
	}
	return nil
}

// end ends a row.
func (d *division) end() error {
	at := &d.at
	d.begun = false
	d.seen[at.dataset]++
	dataset := d.of.Datasets[at.dataset]
	switch {
	case at.number >= dataset.Result.Read:
		return files.Differ("there is a row %s, and data set %s has %d rows", d.id(), dataset.Name, dataset.Result.Read)
	case (at.skipped || at.dropped) && at.rows > 0, at.skipped && (at.dropped || at.raw > 0):
		return files.Differ("row %s is listed as dropped, and is somewhere else as well", d.id())
	case dataset.Raw != "" && at.raw == 0 && !at.skipped:
		return files.Differ("row %s is not in %s", d.id(), dataset.Raw)
	}
	if at.rows > 0 && dataset.Splits[at.split].File == "" {
		t := &d.tallies[at.split][at.dataset]
		t.rows += at.rows
		t.unique++
		t.most = max(t.most, at.rows)
		if t.least == 0 || at.rows < t.least {
			t.least = at.rows
		}
	}
	return nil
}

// counts checks that no row of the source is missing, where that can be told, and the rows of a split that no file has are as many as the plan says.
func (d *division) counts(drawn [][]pipeline.MixedDataset) error {
	for i, dataset := range d.of.Datasets {
		if read := dataset.Result.Read; !d.of.Partial && d.seen[i] != read {
			return files.Differ("data set %s: of its %d rows, %d are in no split and not listed as dropped", dataset.Name, read, read-d.seen[i])
		}
		for s, c := range dataset.Splits {
			if c.File != "" {
				continue
			}
			if err := d.uses(dataset, c, d.tallies[s][i], drawn); err != nil {
				return err
			}
		}
	}
	return nil
}

// uses checks that the mix has so many rows of the data set, each as often as the recipe says.
func (d *division) uses(dataset *layout.Dataset, c layout.Split, got tally, drawn [][]pipeline.MixedDataset) error {
	want := tally{rows: c.Plan.Rows, unique: min(c.Plan.Rows, c.Plan.Available)}
	if want.unique > 0 {
		want.least, want.most = c.Plan.Rows/want.unique, (c.Plan.Rows+want.unique-1)/want.unique
	}
	if c.Plan.Drawn {
		of := drawn[c.Place][dataset.Place]
		want = tally{rows: c.Plan.Rows, unique: of.Unique, least: got.least, most: of.MaxRepeats}
	}
	if got != want {
		return files.Differ("the mix has %d rows of data set %s in split %s, %d of them different, each %d to %d times, and the recipe gives %d, %d and %d to %d",
			got.rows, dataset.Name, d.of.SplitName(c.Place), got.unique, got.least, got.most, want.rows, want.unique, want.least, want.most)
	}
	return nil
}
