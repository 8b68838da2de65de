package statistics

import (
	"bytes"
	"math/bits"
	"slices"
	"strings"
)

// Row has the measures of a row that are counted.
type Row struct {
	// Question and Answer are the lengths of its texts in characters (code points).
	Question, Answer int64
	// Bytes is the length of its line without the line end; Tokens is the number of tokens of its texts, negative if they are not counted.
	Bytes, Tokens int64
	// Type is the type of its answer.
	Type AnswerType
}

// AnswerType is the number of a type of answers.
type AnswerType byte

// types are the names of the types of answers, by number.
var types = [...]string{"numeric", "text", "code"}

// TypeOf returns the number of a type of answers, the last one for an unknown name.
func TypeOf(word string) AnswerType {
	i := slices.Index(types[:], word)
	if i < 0 {
		i = len(types) - 1
	}
	return AnswerType(i)
}

// Rows counts the rows of one data set in one split. The zero value has no rows.
type Rows struct {
	// Rows is the number of rows, Unique the number of rows that are not duplicates of an earlier one.
	Rows   int64 `json:"rows"`
	Unique int64 `json:"unique"`

	Question Counts `json:"question"`
	Answer   Counts `json:"answer"`
	Bytes    Counts `json:"bytes"`
	Tokens   Counts `json:"tokens"`
	// Types are the numbers of rows by the type of their answer.
	Types [len(types)]int64 `json:"types"`
	// First are the first rows, with their texts cut.
	First []Sample `json:"first,omitempty"`
}

// Add counts a row. Rows are added in the order of their file; again reports whether the row is a duplicate of the one before.
func (r *Rows) Add(row Row, again bool) {
	r.Rows++
	if !again {
		r.Unique++
	}
	r.Question.Add(row.Question)
	r.Answer.Add(row.Answer)
	r.Bytes.Add(row.Bytes)
	if row.Tokens >= 0 {
		r.Tokens.Add(row.Tokens)
	}
	r.Types[row.Type]++
}

// Wants reports whether another sample is needed.
func (r *Rows) Wants() bool { return len(r.First) < samples }

// Show adds a sample.
func (r *Rows) Show(s Sample) {
	s.Question, s.Answer = Cut(s.Question, questionShown), Cut(s.Answer, answerShown)
	r.First = append(r.First, s)
}

// Without returns the counts without the counts of other rows, which must be a part of these. The caller sets Unique and First.
func (r *Rows) Without(gone *Rows) Rows {
	left := Rows{Rows: r.Rows - gone.Rows, Types: r.Types}
	for i, n := range gone.Types {
		left.Types[i] -= n
	}
	for _, c := range []struct{ left, all, gone *Counts }{
		{&left.Question, &r.Question, &gone.Question}, {&left.Answer, &r.Answer, &gone.Answer},
		{&left.Bytes, &r.Bytes, &gone.Bytes}, {&left.Tokens, &r.Tokens, &gone.Tokens},
	} {
		c.left.Merge(c.all)
		c.left.subtract(c.gone)
	}
	return left
}

// Characters returns the number of code points of a text in UTF-8.
func Characters[T string | []byte](text T) int64 {
	const (
		ones = 0x0101010101010101
		tops = 0x80 * ones
	)
	n, i := len(text), 0
	for ; i+32 <= len(text); i += 32 {
		a, b, c, d := word(text, i), word(text, i+8), word(text, i+16), word(text, i+24)
		if (a|b|c|d)&tops == 0 {
			continue // ASCII, as nearly all texts are
		}
		for _, w := range [...]uint64{a, b, c, d} {
			n -= bits.OnesCount64(w & tops &^ (w << 1)) // bytes that continue a code point have the highest bit, and not the one below
		}
	}
	for ; i < len(text); i++ {
		if text[i]&^0x3f == 0x80 {
			n--
		}
	}
	return int64(n)
}

// word returns eight bytes of a text, the first one lowest.
func word[T string | []byte](text T, at int) uint64 {
	b := text[at : at+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Quoted returns the number of code points of a text as published JSON has it, without its quotes: an escape counts as one.
func Quoted(text []byte) int64 {
	n := Characters(text)
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 || at+1 >= len(text) {
			return n
		}
		length := 2
		if text[at+1] == 'u' {
			length = 6
		}
		n -= int64(length - 1)
		text = text[min(at+length, len(text)):]
	}
}

// The number of samples of a data set, and the numbers of characters that are kept of their texts.
const (
	samples       = 3
	questionShown = 400
	answerShown   = 200
)

// Sample is a row with its texts cut.
type Sample struct {
	ID       string `json:"id"`
	Question string `json:"question"`
	Answer   string `json:"reference_answer"`
	Type     string `json:"answer_type"`
}

// Cut returns a text or, if it is longer than a number of characters, its beginning with an ellipsis.
func Cut(text string, characters int) string {
	n := 0
	for at := range text {
		if n++; n > characters {
			return strings.Clone(text[:at]) + "…"
		}
	}
	return text
}
