// Package sampler yields the rows of a data set in the order in which a mixed file uses them. The stage that writes mixed files and the proof
// of a revision both use it, each with its own files of rows.
package sampler

import (
	"encoding/binary"
	"fmt"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/store"
)

// passMemory is the memory, in bytes, for the order of a pass; what does not fit goes through the volume.
const passMemory = 4 << 20

// holdMemory is the memory, in bytes, for the data sets of one mixed file that are small enough to be held while they repeat.
const holdMemory = 32 << 20

// Sequences are the sequences of all data sets of one mixed file, sorted by name.
type Sequences []*Sequence

// Open begins a shard of a planned split. open opens the rows of a data set by its place, and may hold so many bytes in memory.
// The order of a pass that does not fit in memory is made in a file of the folder scratch.
func Open(r recipe.Recipe, planned plan.Split, shard plan.Shard, scratch store.Path, open func(dataset int, hold int64) (*rowfile.Rows, error)) (Sequences, error) {
	datasets := planned.Datasets()
	var sequences Sequences
	for i, dataset := range datasets {
		rows, err := open(i, holdMemory/int64(len(datasets)))
		if err != nil {
			sequences.Close()
			return nil, err
		}
		sequences = append(sequences, New(rows, plan.Draws(r, planned.Name, dataset), shard.Spans[i], r.Seed, scratch))
	}
	return sequences, nil
}

// Close closes all of them.
func (s Sequences) Close() {
	for _, sequence := range s {
		sequence.Close()
	}
}

// Sequence yields a data set's rows, occurrence by occurrence: in the first pass in the order of the file, in each later one in
// a keyed order of its own. Therefore no row comes twice in a pass, and each pass begins with other rows.
type Sequence struct {
	rows    *rowfile.Rows
	draws   mix.Draws
	span    mix.Span // of the occurrences that are asked for
	next    int64
	seed    int64
	scratch store.Path

	pass   int64           // the pass that sorted has; 0 means none
	places *extsort.Sorter // place in the order of the pass → place in the file
	sorted *extsort.Reader
	at     int64 // the place of the next of sorted in the pass
}

// Row is an occurrence.
type Row struct {
	// Line is the row with its line end. It is good until the next row is asked for.
	Line []byte
	// Units are its bytes or tokens as the index of its file has them.
	Units int64
}

// valueBytes is the length of a row's value in the sorter: its offset, length and units, in eight bytes each.
const valueBytes = 3 * 8

// New returns the occurrences of rows in a span. The order of a pass that does not fit in memory is made in a file of the folder scratch.
// The sequence closes the rows.
func New(rows *rowfile.Rows, draws mix.Draws, span mix.Span, seed int64, scratch store.Path) *Sequence {
	return &Sequence{rows: rows, draws: draws, span: span, next: span.Start, seed: seed, scratch: scratch}
}

// Next returns the next occurrence. There is always one: a data set without rows is never asked.
func (s *Sequence) Next() (Row, error) {
	pass, row := s.draws.At(s.next)
	s.next++
	if pass == 0 {
		line, entry, err := s.rows.Row(row)
		return Row{line, entry.Units}, err
	}
	if pass != s.pass {
		if err := s.begin(pass, row); err != nil {
			return Row{}, err
		}
	}
	for {
		_, value, err := s.sorted.Next()
		if err != nil {
			return Row{}, store.WrapError(err)
		}
		if s.at++; s.at > row { // a shard may begin in the middle of a pass, and the sorted part of it a little before
			number := func(i int) int64 { return int64(binary.BigEndian.Uint64(value[8*i:])) }
			units := number(2)
			line, err := s.rows.Line(rowfile.Place{Offset: number(0), Length: number(1)})
			return Row{line, units}, err
		}
	}
}

// begin sorts the rows of a pass that the span uses from a row on, by their places; rows of equal contents keep the order of the file. The rows
// that only other shards use are not sorted.
func (s *Sequence) begin(pass, first int64) error {
	if s.places == nil {
		s.places = extsort.New(s.scratch.Scratch, len(mix.Place{}), passMemory)
	}
	s.places.Reset()
	s.pass = pass
	part, err := s.part(pass, first)
	if err != nil {
		return err
	}
	s.at = part.before
	err = s.each(pass, func(place mix.Place, entry rowfile.Entry, at rowfile.Place) error {
		if bucket := bucketOf(place); bucket < part.low || bucket > part.high {
			return nil
		}
		var value [valueBytes]byte
		for i, n := range [...]int64{at.Offset, at.Length, entry.Units} {
			binary.BigEndian.PutUint64(value[8*i:], uint64(n))
		}
		return store.WrapError(s.places.Add(place[:], value[:]))
	})
	if err != nil {
		return err
	}
	s.sorted, err = s.places.Sorted()
	return store.WrapError(err)
}

// each calls its function with every row of the file and the row's place in a pass.
func (s *Sequence) each(pass int64, do func(mix.Place, rowfile.Entry, rowfile.Place) error) error {
	key := mix.NewKey(s.seed, fmt.Sprintf("pass/%d", pass))
	for i := range s.rows.Len() {
		entry, at, err := s.rows.Find(i)
		if err != nil {
			return err
		}
		if err := do(key.Place(entry.Identity), entry, at); err != nil {
			return err
		}
	}
	return nil
}

// buckets divide the places of a pass by their first bits, which are those of a hash: each holds about as many rows.
const buckets = 1 << 12

func bucketOf(place mix.Place) int { return int(binary.BigEndian.Uint16(place[:]) >> 4) }

// part of a pass: the buckets from low to high, with so many rows before them.
type part struct {
	low, high int
	before    int64
}

// part returns the buckets that the span uses of a pass from a row on. To find them, the rows of each bucket are counted, unless the span uses more
// than half of the pass: then it is the whole pass.
func (s *Sequence) part(pass, first int64) (part, error) {
	rows := s.rows.Len()
	whole := part{low: 0, high: buckets - 1}
	end := min(rows, s.span.End-pass*rows) // of the pass
	if end-first > rows/2 {
		return whole, nil
	}
	counts := make([]int64, buckets)
	err := s.each(pass, func(place mix.Place, _ rowfile.Entry, _ rowfile.Place) error {
		counts[bucketOf(place)]++
		return nil
	})
	before := int64(0) // the rows of the buckets before one
	used := part{low: -1}
	for bucket, n := range counts {
		if used.low < 0 && before+n > first {
			used.low, used.before = bucket, before
		}
		if before += n; before >= end {
			used.high = bucket
			break
		}
	}
	return used, err
}

// Close releases the rows and what is held of them.
func (s *Sequence) Close() {
	s.rows.Close() // it was only read
	if s.places != nil {
		s.places.Close()
	}
}
