package verify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// A revision that does not hold all rows of its data sets, or not those of each split, has its rows compared by their numbers at the source:
// each is in one split, or is listed as dropped, and is the same row wherever it is. A split whose rows are in mixed files alone has as many
// different ones, each as often, as the plan says.

// numbered is what a place says of the row with a number.
type numbered byte

const (
	leftOutRow numbered = iota // listed as left out by the split stage
	goneRow                    // listed as dropped from a split
	rawRow                     // in the file of all rows
	splitRow                   // in the file of a split's rows
	mixedRow                   // in a mixed file, or one of an export, of a split that has no file of its rows
)

const (
	numberedSize   = 2 + 8 + 1 + 1
	numberedMemory = 6 << 20
)

// number notes a row, with a hash of its line and what its question and answer are compared by, where they are known.
func (v *verifier) number(as numbered, dataset, split int, number int64, line []byte, asked ...[]byte) error {
	if v.numbers == nil {
		return nil
	}
	var key [numberedSize]byte
	binary.BigEndian.PutUint16(key[:], uint16(dataset))
	binary.BigEndian.PutUint64(key[2:], uint64(number))
	key[10], key[11] = byte(as), byte(split)
	var hash [8]byte // 0 is that the line is not known
	if line != nil {
		binary.BigEndian.PutUint64(hash[:], maphash.Bytes(v.seed, line))
	}
	return store.WrapError(v.numbers.Add(key[:], append([][]byte{hash[:]}, asked...)...))
}

// mixed notes a row of a mixed file, with what its question and answer are compared by.
func (v *verifier) mixed(dataset, split int, row record.View, line []byte, buffers *forms) error {
	var question, answer [hashSize]byte
	v.hash(question[:], v.compared(row.Question, buffers))
	v.hash(answer[:], row.Answer)
	return v.number(mixedRow, dataset, split, row.Number, line, question[:], answer[:])
}

// occurrences are the places of one row.
type occurrences struct {
	dataset    int
	number     int64
	left, gone bool
	raw, rows  int64
	split      int
	hash       uint64
}

// tally is what was found of a data set in a split that has no file of its rows.
type tally struct{ rows, unique, least, most int64 }

// division goes through all rows by their numbers.
type division struct {
	*verifier
	at      occurrences
	begun   bool
	seen    []int64   // different numbers of each data set
	tallies [][]tally // by split and data set
}

// divided: every row is where it may be.
func (v *verifier) dividedRows() error {
	if v.numbers == nil {
		return nil
	}
	sorted, err := v.numbers.Sorted()
	if err != nil {
		return store.WrapError(err)
	}
	d := division{verifier: v, seen: make([]int64, len(v.datasets))}
	for range v.manifest.Plan.Splits {
		d.tallies = append(d.tallies, make([]tally, len(v.datasets)))
	}
	for {
		key, value, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return store.WrapError(err)
		}
		dataset, number := int(binary.BigEndian.Uint16(key)), int64(binary.BigEndian.Uint64(key[2:]))
		if d.begun && (dataset != d.at.dataset || number != d.at.number) {
			if err := d.end(); err != nil {
				return err
			}
		}
		if !d.begun {
			d.begun, d.at = true, occurrences{dataset: dataset, number: number}
		}
		if err := d.occurs(numbered(key[10]), int(key[11]), value); err != nil {
			return err
		}
	}
	if d.begun {
		if err := d.end(); err != nil {
			return err
		}
	}
	return d.counts()
}

// id is the row's id.
func (d *division) id() string {
	return fmt.Sprintf("%s_%d", d.datasets[d.at.dataset].name, d.at.number)
}

// occurs takes a place of the row: those of one kind come together, in the order of the kinds.
func (d *division) occurs(as numbered, split int, value []byte) error {
	at := &d.at
	switch as {
	case leftOutRow:
		at.left = true
		return nil
	case goneRow:
		at.gone = true
		return nil
	case rawRow:
		at.raw++
	default:
		if err := d.inSplit(as, split); err != nil {
			return err
		}
	}
	if hash := binary.BigEndian.Uint64(value); hash != 0 && at.hash != 0 && hash != at.hash {
		return differ("row %s is not the same in all files that hold it", d.id())
	} else if hash != 0 {
		at.hash = hash
	}
	if value = value[8:]; len(value) == 0 || at.rows > 1 {
		return nil
	}
	key := questionKey(value[:hashSize], questionRef{split, at.dataset, at.number})
	if !d.distinct() {
		value = value[:hashSize]
	}
	return store.WrapError(d.questions.Add(key[:], value[hashSize:]))
}

// inSplit takes a place of the row in a split.
func (d *division) inSplit(as numbered, split int) error {
	at := &d.at
	if at.rows > 0 && split != at.split {
		first, second := min(split, at.split), max(split, at.split)
		return contract.Failf(contract.LeakageDetected, "row %s is in the splits %s and %s", d.id(), d.manifest.Plan.Splits[first].Name, d.manifest.Plan.Splits[second].Name)
	}
	at.split = split
	if at.rows++; at.rows > 1 && as == splitRow {
		return differ("%s: row %s is there twice", d.datasets[at.dataset].splits[split].file, d.id())
	}
	return nil
}

// end ends a row.
func (d *division) end() error {
	at := &d.at
	d.begun = false
	d.seen[at.dataset]++
	dataset := d.datasets[at.dataset]
	switch {
	case at.number >= d.results.Split(dataset.name).Read:
		return differ("there is a row %s, and data set %s has %d rows", d.id(), dataset.name, d.results.Split(dataset.name).Read)
	case (at.left || at.gone) && at.rows > 0, at.left && (at.gone || at.raw > 0):
		return differ("row %s is listed as dropped, and is somewhere else as well", d.id())
	case dataset.raw.file != "" && at.raw == 0 && !at.left:
		return differ("row %s is not in %s", d.id(), dataset.raw.file)
	}
	if at.rows > 0 && dataset.splits[at.split].file == "" {
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

// counts: no row of the source is missing, where that can be told, and the rows of a split that no file has are as many as the plan says.
func (d *division) counts() error {
	for i, dataset := range d.datasets {
		if read := d.results.Split(dataset.name).Read; !d.partial && d.seen[i] != read {
			return differ("data set %s: of its %d rows, %d are in no split and not listed as dropped", dataset.name, read, read-d.seen[i])
		}
		for s, c := range dataset.splits {
			if c.file != "" {
				continue
			}
			if err := d.uses(c, d.tallies[s][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// uses: the mix has so many rows of the data set, each as often as the recipe says.
func (d *division) uses(c *splitCheck, got tally) error {
	want := tally{rows: c.plan.Rows, unique: min(c.plan.Rows, c.plan.Available)}
	if want.unique > 0 {
		want.least, want.most = c.plan.Rows/want.unique, (c.plan.Rows+want.unique-1)/want.unique
	}
	if c.plan.Drawn {
		of := d.drawn[c.split][c.dataset.place]
		want = tally{rows: c.plan.Rows, unique: of.Unique, least: got.least, most: of.MaxRepeats}
	}
	if got != want {
		return differ("the mix has %d rows of data set %s in split %s, %d of them different, each %d to %d times, and the recipe gives %d, %d and %d to %d",
			got.rows, c.dataset.name, d.manifest.Plan.Splits[c.split].Name, got.unique, got.least, got.most, want.rows, want.unique, want.least, want.most)
	}
	return nil
}

// holdsAll reports whether the revision, or what is at hand, has the rows of every split, and those of all rows.
func (v *verifier) holdsAll() bool {
	return !v.partial && v.manifest.Recipe.Output.Holds(recipe.RawPart)
}

// beginNumbers begins to compare rows by their numbers, where that is needed.
func (v *verifier) beginNumbers() {
	if v.holdsAll() {
		return
	}
	v.numbers = extsort.New(v.notes.Scratch, numberedSize, numberedMemory)
	v.sorters = append(v.sorters, v.numbers)
}
