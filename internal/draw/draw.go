// Package draw gives the rows of one data set in the order in which a mixed file uses them. The stage that writes mixed files
// and the proof of them go through it both, each with files of its own.
package draw

import (
	"encoding/binary"
	"fmt"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// passMemory is the memory, in bytes, for the order of a pass; what does not fit goes through the volume.
const passMemory = 4 << 20

// holdMemory is the memory, in bytes, for the data sets of one mixed file that are small enough to be held while they repeat.
const holdMemory = 32 << 20

// Sequences are those of the data sets of one mixed file, sorted by name.
type Sequences []*Sequence

// Open begins a shard of a planned split. open opens the rows of a data set by its place, and may hold so many bytes in memory.
// The order of a pass that does not fit in memory is made in a file of the folder scratch.
func Open(r recipe.Recipe, plan recipe.SplitPlan, shard recipe.ShardPlan, scratch store.Path, open func(dataset int, hold int64) (*store.Rows, error)) (Sequences, error) {
	datasets := plan.Datasets()
	var sequences Sequences
	for i, dataset := range datasets {
		rows, err := open(i, holdMemory/int64(len(datasets)))
		if err != nil {
			sequences.Close()
			return nil, err
		}
		sequences = append(sequences, New(rows, r.Draws(plan.Name, dataset), shard.Spans[i].Start, r.Seed, scratch))
	}
	return sequences, nil
}

// Close closes all of them.
func (s Sequences) Close() {
	for _, sequence := range s {
		sequence.Close()
	}
}

// Sequence gives a data set's rows, occurrence by occurrence: in the first pass in the order of the file, in each later one in
// a keyed order of its own. So none comes twice in a pass, and the rows that repeat first are others each time.
type Sequence struct {
	rows    *store.Rows
	draws   mix.Draws
	next    int64
	seed    int64
	scratch store.Path

	pass   int64           // of sorted; 0 is none
	places *extsort.Sorter // place in the order of the pass → place in the file
	sorted *extsort.Reader
	at     int64 // the next of sorted
}

// Row is an occurrence.
type Row struct {
	// Line is the row with its line end. It is good until the next row is asked for.
	Line []byte
	// Units are its bytes or tokens as the index of its file has them.
	Units int64
}

// valueBytes is the length of what a row's place in a pass leads to: offset, length and units, in eight bytes each.
const valueBytes = 3 * 8

// New gives the occurrences of rows from a first one on. The order of a pass that does not fit in memory is made in a file of the
// folder scratch. The sequence closes the rows.
func New(rows *store.Rows, draws mix.Draws, first, seed int64, scratch store.Path) *Sequence {
	return &Sequence{rows: rows, draws: draws, next: first, seed: seed, scratch: scratch}
}

// Next is the next occurrence. There is always one: a data set without rows is never asked.
func (s *Sequence) Next() (Row, error) {
	pass, row := s.draws.At(s.next)
	s.next++
	if pass == 0 {
		line, entry, err := s.rows.Row(row)
		return Row{line, entry.Units}, err
	}
	if pass != s.pass {
		if err := s.begin(pass); err != nil {
			return Row{}, err
		}
	}
	for {
		_, value, err := s.sorted.Next()
		if err != nil {
			return Row{}, store.Failure(err)
		}
		if s.at++; s.at > row { // a shard may begin in the middle of a pass
			number := func(i int) int64 { return int64(binary.BigEndian.Uint64(value[8*i:])) }
			units := number(2)
			line, err := s.rows.Line(store.Place{Offset: number(0), Length: number(1)})
			return Row{line, units}, err
		}
	}
}

// begin makes the order of a pass: by content; equal contents keep the order of the file.
func (s *Sequence) begin(pass int64) (err error) {
	if s.places == nil {
		s.places = extsort.New(s.scratch.Scratch, len(mix.Place{}), passMemory)
	}
	s.places.Reset()
	s.pass, s.at = pass, 0
	key := mix.NewKey(s.seed, fmt.Sprintf("pass/%d", pass))
	for i := range s.rows.Len() {
		entry, at, err := s.rows.Find(i)
		if err != nil {
			return err
		}
		place := key.Place(entry.Identity)
		var value [valueBytes]byte
		for i, n := range [...]int64{at.Offset, at.Length, entry.Units} {
			binary.BigEndian.PutUint64(value[8*i:], uint64(n))
		}
		if err := s.places.Add(place[:], value[:]); err != nil {
			return store.Failure(err)
		}
	}
	s.sorted, err = s.places.Sorted()
	return store.Failure(err)
}

// Close gives up the rows and what is held of them.
func (s *Sequence) Close() {
	s.rows.Close() // it was only read
	if s.places != nil {
		s.places.Close()
	}
}
