package dedup

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// AppendWords appends the words of a question in the form of AppendQuestion to dst, with a space between them, and returns it.
// The rule, words/v1, in order:
//
//  1. Letters, marks and numbers (Unicode's categories L, M and N) are kept. Every run of other characters is one space; there is
//     none at the ends.
//  2. Letters of scripts that are written without spaces between words are words of their own, each with its marks: Han, Bopomofo,
//     Hiragana, Katakana, Yi, Thai, Lao, Khmer, Myanmar, Tai Le, New Tai Lue, Tai Tham, Tai Viet, Ahom, Javanese and Balinese.
//     Tibetan sets a point between its syllables, which are its words here.
//
// So whatever is equal as a question has the same words, and so have questions that differ by punctuation and signs: "2+3" and
// "2-3" have the same.
func AppendWords(dst, question []byte) []byte {
	w := writer{out: dst, start: len(dst)}
	for len(question) > 0 {
		question = question[asciiWords(&w, question):]
		for len(question) > 0 && question[0] >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(question)
			w.rune(r, wordClass(r))
			question = question[n:]
		}
	}
	return w.out
}

// unspaced are the scripts that are written without spaces between words, where each letter is compared as a word.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Bopomofo, unicode.Hiragana, unicode.Katakana, unicode.Yi, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
	unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet, unicode.Ahom, unicode.Javanese, unicode.Balinese,
}

// wordClass returns the class of a character that is decomposed and folded.
func wordClass(r rune) class {
	switch {
	case 0x4e00 <= r && r < 0xa000:
		return ideograph
	case unicode.IsLetter(r):
		if r > unicode.MaxLatin1 && unicode.In(r, unspaced...) {
			return ideograph
		}
		return letter
	case unicode.IsMark(r):
		return mark
	case unicode.IsNumber(r):
		return letter
	}
	return other
}

// scratch is what one goroutine needs to look at a text.
type scratch struct {
	rule     recipe.WordRule
	question []byte // the form of the question, by a rule that begins with it
	normal   []byte // its words
	hashes   []uint64
}

// ByForm reports whether a rule compares the forms of questions that AppendQuestion makes, rather than their bytes. It fails if
// there is no such rule.
func ByForm(rule recipe.Comparison) (bool, error) {
	switch rule {
	case recipe.CompareBytes:
		return false, nil
	case recipe.CompareQuestionV1:
		return true, nil
	}
	return false, fmt.Errorf("there is no rule %q by which questions are compared; a newer release may have one", rule)
}

// newScratch fails if there is no such rule.
func newScratch(rule recipe.WordRule) (scratch, error) {
	if known := []recipe.WordRule{recipe.NormalizeV1, recipe.WordsV1}; !slices.Contains(known, rule) {
		return scratch{}, fmt.Errorf("there is no rule %q by which the words of a question are found; a newer release may have one", rule)
	}
	return scratch{rule: rule}, nil
}

// read finds the words of a text.
func (s *scratch) read(text string) {
	if s.rule == recipe.NormalizeV1 {
		s.normal = AppendNormal(s.normal[:0], text)
		return
	}
	s.question = AppendQuestion(s.question[:0], text)
	s.normal = AppendWords(s.normal[:0], s.question)
}

// equal returns what the text that was read is looked up by, to find equal ones: its words, and where it has none the question, which
// then has no letter and is no other's words. It is empty where there is nothing to be equal to.
func (s *scratch) equal() []byte {
	if len(s.normal) == 0 {
		return s.question
	}
	return s.normal
}
