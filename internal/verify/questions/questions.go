// Package questions compares the questions of all rows of a revision: none is in two splits.
package questions

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
)

const memory = 6 << 20 // bytes; what does not fit goes through scratch files

// Set is the questions of a revision's rows, and their answers where duplicates are dropped.
type Set struct {
	of     *layout.Revision
	byForm bool // questions are compared by their form, else by their bytes
	// seed and other are of the hashes that questions are compared by. They are not part of the proof.
	seed, other maphash.Seed
	sorter      *extsort.Sorter
}

// New returns an empty set, whose questions are compared by their form or by their bytes.
func New(of *layout.Revision, byForm bool) *Set {
	return &Set{of: of, byForm: byForm, seed: maphash.MakeSeed(), other: maphash.MakeSeed(), sorter: extsort.New(of.Notes.Scratch, keySize, memory)}
}

// Close removes what was sorted.
func (s *Set) Close() { s.sorter.Close() } // scratch files: they are not read again

// Add adds a row's question, and its answer where duplicates are dropped.
func (s *Set) Add(row record.View, at Ref, buffers *Forms) error {
	var hashes [2 * hashSize]byte
	s.hash(hashes[:], s.compared(row.Question, buffers))
	if s.distinct() {
		s.hash(hashes[hashSize:], row.Answer)
	}
	return s.AddHashes(hashes[:], at)
}

// AddHashes does what Add does, with the hashes of a question and its answer.
func (s *Set) AddHashes(hashes []byte, at Ref) error {
	key := keyOf(hashes, at)
	if !s.distinct() {
		return store.WrapError(s.sorter.Add(key[:]))
	}
	return store.WrapError(s.sorter.Add(key[:], hashes[hashSize:]))
}

// Hashes returns what a question and its answer are compared by, both as they are in JSON: two hashes of 64 bits of each, under keys that are not
// known before. Rows with equal hashes are read again and compared before they are reported.
func (s *Set) Hashes(question, answer []byte, buffers *Forms) (hashes [2 * hashSize]byte) {
	s.hash(hashes[:], s.compared(question, buffers))
	s.hash(hashes[hashSize:], answer)
	return hashes
}

// distinct reports whether no two rows of one split may have the same question and reference answer.
func (s *Set) distinct() bool { return s.of.Manifest.Recipe.Duplicates == recipe.DropDuplicates }

// Forms are the buffers in which the form of a question is made.
type Forms struct{ text, form []byte }

// compared returns the bytes by which a question is compared. The question is given as it is written in JSON.
func (s *Set) compared(question []byte, buffers *Forms) []byte {
	if !s.byForm {
		return question
	}
	if bytes.IndexByte(question, '\\') >= 0 {
		buffers.text = layout.AppendText(buffers.text[:0], question)
		question = buffers.text
	}
	buffers.form = dedup.AppendQuestion(buffers.form[:0], question)
	return buffers.form
}

// sameQuestion reports whether two questions are equal as they are compared.
func (s *Set) sameQuestion(a, b string) bool {
	return a == b || s.byForm && bytes.Equal(dedup.AppendQuestion(nil, a), dedup.AppendQuestion(nil, b))
}

// Check checks that no question is in two splits, and no row twice in one where duplicates are dropped. It returns how many questions each split has.
func (s *Set) Check() ([]int, error) {
	sorted, err := s.sorter.Sorted()
	if err != nil {
		return nil, store.WrapError(err)
	}
	counts := make([]int, len(s.of.Manifest.Plan.Splits))
	var hash [hashSize]byte
	var first Ref
	same := answers{}
	for begun := false; ; {
		key, answer, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			return counts, nil
		}
		if err != nil {
			return nil, store.WrapError(err)
		}
		at := readRef(key[hashSize:])
		switch {
		case !begun || !bytes.Equal(key[:hashSize], hash[:]):
			begun, hash, first = true, [hashSize]byte(key), at
			same.begin()
			counts[at.Split]++
		case at.Split != first.Split:
			return nil, s.leak(at, first)
		}
		if !s.distinct() {
			continue
		}
		if other, there := same.add([hashSize]byte(answer), at); there {
			return nil, s.twice(at, other)
		}
	}
}

// answers are those of one question. Nearly every question has one, which needs no map.
type answers struct {
	rows  int
	hash  [hashSize]byte
	first Ref
	all   map[[hashSize]byte]Ref
}

func (a *answers) begin() { *a = answers{} }

// add adds a row's answer, and returns the row that has the same, if there is one.
func (a *answers) add(hash [hashSize]byte, at Ref) (other Ref, there bool) {
	a.rows++
	switch a.rows {
	case 1:
		a.hash, a.first = hash, at
		return Ref{}, false
	case 2:
		a.all = map[[hashSize]byte]Ref{a.hash: a.first}
	}
	if other, there = a.all[hash]; !there {
		a.all[hash] = at
	}
	return other, there
}

// Ref is a row whose question was hashed.
type Ref struct {
	Split, Dataset int
	Offset         int64 // in the file of the split's rows; without such a file, the number of the row
}

const (
	hashSize = 16
	keySize  = hashSize + 1 + 2 + 8
)

// keyOf returns a question's place among all: its hashes, then its row, so that equal questions come in the same order every time.
func keyOf(hashes []byte, at Ref) (key [keySize]byte) {
	copy(key[:hashSize], hashes)
	key[hashSize] = byte(at.Split)
	binary.BigEndian.PutUint16(key[hashSize+1:], uint16(at.Dataset))
	binary.BigEndian.PutUint64(key[hashSize+3:], uint64(at.Offset))
	return key
}

func readRef(key []byte) Ref {
	return Ref{int(key[0]), int(binary.BigEndian.Uint16(key[1:])), int64(binary.BigEndian.Uint64(key[3:]))}
}

// hash returns the text's two hashes.
func (s *Set) hash(into, text []byte) {
	binary.BigEndian.PutUint64(into, maphash.Bytes(s.seed, text))
	binary.BigEndian.PutUint64(into[8:], maphash.Bytes(s.other, text))
}

// rowsAt returns two rows that were found by their hashes.
func (s *Set) rowsAt(a, b Ref) (first, second record.Record, err error) {
	if first, err = s.rowAt(a); err == nil {
		second, err = s.rowAt(b)
	}
	return first, second, err
}

// leak returns the error that two rows of two splits have one question.
func (s *Set) leak(a, b Ref) error {
	if s.unread(a, b) {
		return contract.Failf(contract.LeakageDetected, "the question of row %s of split %s is in split %s as well, in row %s",
			s.idOf(a), s.of.SplitName(a.Split), s.of.SplitName(b.Split), s.idOf(b))
	}
	first, second, err := s.rowsAt(a, b)
	if err != nil {
		return err
	}
	if !s.sameQuestion(first.Question, second.Question) { // which happens once in 2^128 pairs
		return fmt.Errorf("the questions of %s and %s have one hash under two keys: run the proof again", first.ID, second.ID)
	}
	written := ""
	if first.Question != second.Question {
		written = ", written in another way"
	}
	return contract.Failf(contract.LeakageDetected, "%s: the question of row %s is in split %s as well, in row %s%s",
		s.file(a), first.ID, s.of.SplitName(b.Split), second.ID, written)
}

// twice returns the error that two rows of one split are duplicates.
func (s *Set) twice(a, b Ref) error {
	if s.unread(a, b) {
		return files.Differ("row %s has the question and the reference answer of row %s of the same split, and duplicates are dropped", s.idOf(a), s.idOf(b))
	}
	first, second, err := s.rowsAt(a, b)
	if err != nil {
		return err
	}
	if !s.sameQuestion(first.Question, second.Question) || first.ReferenceAnswer != second.ReferenceAnswer {
		return fmt.Errorf("what %s and %s say has one hash under two keys: run the proof again", first.ID, second.ID)
	}
	return files.Differ("%s: row %s has the question and the reference answer of row %s of the same split, and duplicates are dropped",
		s.file(a), first.ID, second.ID)
}

// unread reports whether one of the rows is in no file of its split, so that only its number is known, not its place.
func (s *Set) unread(refs ...Ref) bool {
	return slices.ContainsFunc(refs, func(at Ref) bool { return s.file(at) == "" })
}

// idOf returns the id of a row, as far as it can be told.
func (s *Set) idOf(at Ref) string {
	if s.unread(at) {
		return fmt.Sprintf("%s_%d", s.of.Datasets[at.Dataset].Name, at.Offset)
	}
	row, err := s.rowAt(at)
	if err != nil {
		return fmt.Sprintf("at byte %d of %s", at.Offset, s.file(at))
	}
	return row.ID
}

// file returns the file of a row's split, "" if there is none.
func (s *Set) file(at Ref) string { return s.of.Datasets[at.Dataset].Splits[at.Split].File }

// rowAt reads a row of a processed file again.
func (s *Set) rowAt(at Ref) (row record.Record, err error) {
	var unread error
	found, err := s.of.Files.Find(s.file(at), at.Offset, func(line []byte) bool {
		row, unread = record.Parse(line)
		return true
	})
	if err == nil && !found {
		err = fmt.Errorf("there is no row at byte %d", at.Offset)
	}
	return row, cmp.Or(err, unread)
}
