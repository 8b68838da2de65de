package tokens

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class is what a character is to the patterns that cut text into pieces: one bit each, so that a set is an or of them.
type class uint8

const (
	upper   class = 1 << iota // \p{Lu} and \p{Lt}
	lower                     // \p{Ll}
	caseNot                   // \p{Lm} and \p{Lo}: letters that are on both sides of o200k's pattern
	mark                      // \p{M}, likewise on both sides
	number                    // \p{N}
	newline                   // \r and \n
	blank                     // the rest of \s
	symbol                    // everything else

	letters = upper | lower | caseNot
	spaces  = newline | blank
)

// classOf returns the class of a character by Unicode's tables.
func classOf(r rune) class {
	switch {
	case r == '\r', r == '\n':
		return newline
	case unicode.IsSpace(r):
		return blank
	case unicode.IsUpper(r), unicode.IsTitle(r):
		return upper
	case unicode.IsLower(r) && unicode.Is(unicode.Ll, r):
		return lower
	case unicode.IsLetter(r):
		return caseNot
	case unicode.IsNumber(r):
		return number
	case unicode.IsMark(r):
		return mark
	}
	return symbol
}

// ascii holds the classes of ASCII; the other bytes are in no set.
var ascii = func() (table [256]class) {
	for r := range rune(utf8.RuneSelf) {
		table[r] = classOf(r)
	}
	return table
}()

// plane holds the classes of the characters of two and three bytes; it is made when the first of them comes.
var plane = sync.OnceValue(func() *[1 << 16]class {
	var table [1 << 16]class
	for r := range rune(len(table)) {
		table[r] = classOf(r)
	}
	return &table
})

// at returns the class and the bytes of the character at a place of a text; past its end the class is in no set. A byte that
// is not UTF-8 is a symbol of one byte.
func at(text string, i int) (class, int) {
	if i >= len(text) {
		return 0, 0
	}
	if c := text[i]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	if r < 1<<16 {
		return plane()[r], size
	}
	return classOf(r), size
}

// run returns the end of the characters of a set that begin at a place.
func run(text string, i int, set class) int {
	for {
		for i < len(text) && ascii[text[i]]&set != 0 {
			i++
		}
		if i >= len(text) || text[i] < utf8.RuneSelf {
			return i
		}
		c, size := at(text, i)
		if c&set == 0 {
			return i
		}
		i += size
	}
}
