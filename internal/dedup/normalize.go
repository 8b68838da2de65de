package dedup

import (
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Classes of bytes in ascii; every other value is the letter or digit itself, in lower case.
const (
	separator byte = 0
	beyond    byte = 0xff // part of a character that is not ASCII
)

// ascii says what becomes of a byte.
var ascii = func() (table [256]byte) {
	for c := range table {
		switch {
		case c >= utf8.RuneSelf:
			table[c] = beyond
		case 'A' <= c && c <= 'Z':
			table[c] = byte(c) | 0x20
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			table[c] = byte(c)
		}
	}
	return table
}()

// gap is what lies between the last character that was written and the next one.
type gap int

const (
	joined     gap = iota // nothing: the next letter belongs to the same word
	wordIsOver            // nothing, but the word is complete: only a mark still belongs to it
	separated             // at least one separator
)

// AppendNormal appends the words of a text to dst, with a space between them, and returns it, by the rule of the recipes that
// name none. The rule, normalize/v1, in order:
//
//  1. Unicode normalization form NFKD: é becomes e and its accent, ½ becomes 1⁄2, a full-width A becomes A.
//  2. Every character becomes the lower case of its upper case (simple mappings of one character to one, no locale): the
//     final sigma and the sigma are one letter, and so are i, dotless i and I with a dot.
//  3. Letters, marks and numbers (categories L, M and N) are kept. Every run of other characters, bytes that are not UTF-8
//     included, is one space; there is none at the ends.
//  4. Han, Hiragana and Katakana letters are words of their own, with a space on both sides, because these scripts put none
//     between words.
//
// So case, punctuation, layout, LaTeX's signs and the way an accent is encoded make no difference, and neither do the signs
// of a formula: "2+3" and "2-3" are equal. Of the 7,500 questions of MATH, eight pairs become equal; in three the questions
// are the same, in five they differ by a sign or brackets.
//
// Characters that a later Unicode version adds may become letters with a later release of Go; those of today stay what they
// are. The result of a text is the same whatever stood in dst.
func AppendNormal(dst []byte, text string) []byte {
	w := writer{out: dst, start: len(dst)}
	for len(text) > 0 {
		text = text[asciiWords(&w, text):]
		text = text[w.plain(text):]
		if run := entangled(text); run > 0 {
			w.decomposed(text[:run])
			text = text[run:]
		}
	}
	return w.out
}

// writer builds a normalized text behind start.
type writer struct {
	out   []byte
	start int
	gap   gap
}

// asciiWords writes the leading ASCII characters of a text and returns how many there are.
func asciiWords[T string | []byte](w *writer, text T) int {
	// Each byte makes at most one, and one space may be due before the first.
	w.out = slices.Grow(w.out, len(text)+1)
	out, j := w.out[:cap(w.out)], len(w.out)
	space := w.gap != joined && j > w.start
	i := 0
	for ; i < len(text); i++ {
		c := ascii[text[i]]
		if c == separator {
			space = j > w.start
			w.gap = separated
			continue
		}
		if c == beyond {
			break
		}
		if space {
			out[j] = ' '
			j++
			space = false
		}
		out[j] = c
		j++
		w.gap = joined
	}
	w.out = out[:j]
	return i
}

// plain writes the leading characters that plainRune knows, and returns how many bytes they are.
func (w *writer) plain(text string) int {
	i := 0
	for i < len(text) && text[i] >= utf8.RuneSelf {
		r, size := utf8.DecodeRuneInString(text[i:])
		lower, class, ok := plainRune(r)
		if !ok {
			break
		}
		w.rune(lower, class)
		i += size
	}
	return i
}

// entangled returns the length of the leading run of characters that are neither ASCII nor plain. The run can be decomposed
// alone: what precedes and what follows it decomposes to itself, and no mark moves across it.
func entangled(text string) int {
	i := 0
	for i < len(text) && text[i] >= utf8.RuneSelf {
		r, size := utf8.DecodeRuneInString(text[i:])
		if _, _, ok := plainRune(r); ok {
			break
		}
		i += size
	}
	return i
}

// iterators decompose; they are large, and would be allocated for each run.
var iterators = sync.Pool{New: func() any { return new(norm.Iter) }}

// decomposed writes the NFKD of a run of characters.
func (w *writer) decomposed(run string) {
	iterator := iterators.Get().(*norm.Iter)
	for iterator.InitString(norm.NFKD, run); !iterator.Done(); {
		for segment := iterator.Next(); len(segment) > 0; {
			r, size := utf8.DecodeRune(segment)
			segment = segment[size:]
			w.rune(lowered(r))
		}
	}
	// What is put back must not keep the text alive.
	iterator.InitString(norm.NFKD, "")
	iterators.Put(iterator)
}

// rune writes a character as its class has it.
func (w *writer) rune(r rune, c class) {
	switch c {
	case mark:
		// It belongs to the character before it; behind a separator it begins a word.
		if w.gap == separated {
			w.space()
			w.gap = joined
		}
	case ideograph:
		w.space()
		w.gap = wordIsOver
	case letter:
		if w.gap != joined {
			w.space()
		}
		w.gap = joined
	default:
		w.gap = separated
		return
	}
	w.out = utf8.AppendRune(w.out, r)
}

// space ends the word that was written last, if there is one.
func (w *writer) space() {
	if len(w.out) > w.start {
		w.out = append(w.out, ' ')
	}
}
