package dedup

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class is what a character is to the rule of AppendNormal.
type class uint8

const (
	other     class = iota // a separator
	letter                 // a letter or number
	mark                   // an accent or a vowel sign: part of the character before it
	ideograph              // a letter that is a word of its own
)

// lowered returns the lower case of a decomposed character, and its class.
func lowered(r rune) (rune, class) {
	r = unicode.ToLower(unicode.ToUpper(r))
	switch {
	case unicode.IsMark(r):
		return r, mark
	case unicode.IsNumber(r):
		return r, letter
	case !unicode.IsLetter(r):
		return r, other
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return r, ideograph
	}
	return r, letter
}

// plainEnd is the end of the table of plain characters: all alphabets of two bytes and more, and General Punctuation.
const plainEnd = 0x2070

// plainEntry is the lower case and the class of a character that is plain.
type plainEntry struct {
	lower rune
	class class
	plain bool
}

// plainTable holds the characters below plainEnd; it is made when the first text that is not ASCII comes.
var plainTable = sync.OnceValue(func() *[plainEnd]plainEntry {
	var table [plainEnd]plainEntry
	var encoded [utf8.UTFMax]byte
	for r := rune(utf8.RuneSelf); r < plainEnd; r++ {
		entry := &table[r]
		entry.lower, entry.class = lowered(r)
		properties := norm.NFKD.Properties(utf8.AppendRune(encoded[:0], r))
		entry.plain = properties.Decomposition() == nil && properties.CCC() == 0 && entry.class != mark
	}
	return &table
})

// plainRune returns the lower case and the class of a character that is its own decomposition and is no mark, if it is one
// of those that are looked up quickly: most of the text in any script.
func plainRune(r rune) (rune, class, bool) {
	if r < plainEnd {
		entry := &plainTable()[r]
		return entry.lower, entry.class, entry.plain
	}
	// The unified ideographs have no case, and none decomposes.
	return r, ideograph, 0x4e00 <= r && r < 0x9fa6
}
