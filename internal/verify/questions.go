package verify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// compare takes a row's question to those of all others, and its answer where no row may be there twice.
func (v *verifier) compare(row record.View, ref questionRef, buffers *forms) error {
	key := v.question(v.compared(row.Question, buffers), ref)
	if !v.distinct() {
		return store.WrapError(v.questions.Add(key[:]))
	}
	var answer [hashSize]byte
	v.hash(answer[:], row.Answer)
	return store.WrapError(v.questions.Add(key[:], answer[:]))
}

// distinct says whether no two rows of one split may have the same question and reference answer.
func (v *verifier) distinct() bool { return v.manifest.Recipe.Duplicates == recipe.DropDuplicates }

// forms are the buffers in which the form of a question is made.
type forms struct{ text, form []byte }

// compared is what a question is compared by, of a question as it stands in JSON.
func (v *verifier) compared(question []byte, buffers *forms) []byte {
	if !v.byForm {
		return question
	}
	if bytes.IndexByte(question, '\\') >= 0 {
		buffers.text = appendMeant(buffers.text[:0], question)
		question = buffers.text
	}
	buffers.form = dedup.AppendQuestion(buffers.form[:0], question)
	return buffers.form
}

// sameQuestion reports whether two questions are equal as they are compared.
func (v *verifier) sameQuestion(a, b string) bool {
	return a == b || v.byForm && bytes.Equal(dedup.AppendQuestion(nil, a), dedup.AppendQuestion(nil, b))
}

// sides: no question stands in two splits, and no row twice in one where duplicates are dropped.
func (v *verifier) sides() error {
	sorted, err := v.questions.Sorted()
	if err != nil {
		return store.WrapError(err)
	}
	v.proof.Questions = make([]int, len(v.manifest.Plan.Splits))
	var hash [hashSize]byte
	var first questionRef
	same := answers{}
	for begun := false; ; {
		key, answer, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return store.WrapError(err)
		}
		ref := readQuestion(key[hashSize:])
		switch {
		case !begun || !bytes.Equal(key[:hashSize], hash[:]):
			begun, hash, first = true, [hashSize]byte(key), ref
			same.begin()
			v.proof.Questions[ref.split]++
		case ref.split != first.split:
			return v.leak(ref, first)
		}
		if !v.distinct() {
			continue
		}
		if other, there := same.add([hashSize]byte(answer), ref); there {
			return v.twice(ref, other)
		}
	}
}

// answers are those of one question. Nearly every question has one, which needs no map.
type answers struct {
	rows  int
	hash  [hashSize]byte
	first questionRef
	all   map[[hashSize]byte]questionRef
}

func (a *answers) begin() { *a = answers{} }

// add takes a row's answer, and gives the row that has the same, if there is one.
func (a *answers) add(hash [hashSize]byte, ref questionRef) (other questionRef, there bool) {
	a.rows++
	switch a.rows {
	case 1:
		a.hash, a.first = hash, ref
		return questionRef{}, false
	case 2:
		a.all = map[[hashSize]byte]questionRef{a.hash: a.first}
	}
	if other, there = a.all[hash]; !there {
		a.all[hash] = ref
	}
	return other, there
}

// questionRef is a row whose question was hashed.
type questionRef struct {
	split, dataset int
	offset         int64 // in the file of the split's rows; without such a file, the number of the row
}

const (
	hashSize     = 16
	questionSize = hashSize + 1 + 2 + 8
)

// question is a question's place among all: two hashes of 64 bits under keys that no one knows before, then its row, so that
// equal questions come in the same order every time. Equal hashes are looked at again before anything is said of them.
func (v *verifier) question(text []byte, ref questionRef) (key [questionSize]byte) {
	var hash [hashSize]byte
	v.hash(hash[:], text)
	return questionKey(hash[:], ref)
}

// questionKey is the place of a question with such hashes.
func questionKey(hash []byte, ref questionRef) (key [questionSize]byte) {
	copy(key[:], hash)
	key[hashSize] = byte(ref.split)
	binary.BigEndian.PutUint16(key[hashSize+1:], uint16(ref.dataset))
	binary.BigEndian.PutUint64(key[hashSize+3:], uint64(ref.offset))
	return key
}

// hash is the text's two hashes.
func (v *verifier) hash(into, text []byte) {
	binary.BigEndian.PutUint64(into, maphash.Bytes(v.seed, text))
	binary.BigEndian.PutUint64(into[8:], maphash.Bytes(v.other, text))
}

func readQuestion(key []byte) questionRef {
	return questionRef{int(key[0]), int(binary.BigEndian.Uint16(key[1:])), int64(binary.BigEndian.Uint64(key[3:]))}
}

// rowsAt are two rows that were found by their hashes.
func (v *verifier) rowsAt(a, b questionRef) (first, second record.Record, err error) {
	if first, err = v.rowAt(a); err == nil {
		second, err = v.rowAt(b)
	}
	return first, second, err
}

// leak says that two rows of two splits have one question.
func (v *verifier) leak(a, b questionRef) error {
	if v.unread(a, b) {
		return contract.Failf(contract.LeakageDetected, "the question of row %s of split %s is in split %s as well, in row %s",
			v.idOf(a), v.manifest.Plan.Splits[a.split].Name, v.manifest.Plan.Splits[b.split].Name, v.idOf(b))
	}
	first, second, err := v.rowsAt(a, b)
	if err != nil {
		return err
	}
	if !v.sameQuestion(first.Question, second.Question) { // which happens once in 2^128 pairs
		return fmt.Errorf("the questions of %s and %s have one hash under two keys: run the proof again", first.ID, second.ID)
	}
	written := ""
	if first.Question != second.Question {
		written = ", written in another way"
	}
	return contract.Failf(contract.LeakageDetected, "%s: the question of row %s stands in split %s as well, in row %s%s",
		v.datasets[a.dataset].splits[a.split].file, first.ID, v.manifest.Plan.Splits[b.split].Name, second.ID, written)
}

// twice says that two rows of one split say the same.
func (v *verifier) twice(a, b questionRef) error {
	if v.unread(a, b) {
		return differ("row %s has the question and the reference answer of row %s of the same split, and duplicates are dropped", v.idOf(a), v.idOf(b))
	}
	first, second, err := v.rowsAt(a, b)
	if err != nil {
		return err
	}
	if !v.sameQuestion(first.Question, second.Question) || first.ReferenceAnswer != second.ReferenceAnswer {
		return fmt.Errorf("what %s and %s say has one hash under two keys: run the proof again", first.ID, second.ID)
	}
	return differ("%s: row %s has the question and the reference answer of row %s of the same split, and duplicates are dropped",
		v.datasets[a.dataset].splits[a.split].file, first.ID, second.ID)
}

// unread reports whether one of two rows is in no file of its split: then its number is known, and not its place.
func (v *verifier) unread(refs ...questionRef) bool {
	return slices.ContainsFunc(refs, func(ref questionRef) bool { return v.datasets[ref.dataset].splits[ref.split].file == "" })
}

// idOf is the id of a row, as far as it can be told.
func (v *verifier) idOf(ref questionRef) string {
	if v.unread(ref) {
		return fmt.Sprintf("%s_%d", v.datasets[ref.dataset].name, ref.offset)
	}
	row, err := v.rowAt(ref)
	if err != nil {
		return fmt.Sprintf("at byte %d of %s", ref.offset, v.datasets[ref.dataset].splits[ref.split].file)
	}
	return row.ID
}

// rowAt reads a row of a processed file again.
func (v *verifier) rowAt(ref questionRef) (record.Record, error) {
	file := v.datasets[ref.dataset].splits[ref.split].file
	f, err := v.open(file)
	if err != nil {
		return record.Record{}, err
	}
	defer f.Close()
	var found record.Record
	reader := rowReader{file: file, each: func(_ int64, line []byte) error {
		row, err := record.Parse(line)
		found = row
		return errors.Join(err, errFound)
	}}
	err = look(v.context, io.NewSectionReader(f, ref.offset, math.MaxInt64-ref.offset), &reader)
	if err == nil && !errors.Is(reader.err, errFound) {
		err = fmt.Errorf("there is no row at byte %s", strconv.FormatInt(ref.offset, 10))
	}
	return found, err
}

var errFound = errors.New("found")
