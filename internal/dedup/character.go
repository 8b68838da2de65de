package dedup

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// character is the treatment of a character by the rule of AppendQuestion.
type character uint8

const (
	composed character = iota // what it is made of has to be looked at
	itself                    // it stays
	whole                     // it becomes a text without marks
	blank                     // white space
	ignored                   // nothing
)

// subscriptIota is the one mark that becomes a letter when its case is folded.
const subscriptIota = '\u0345'

// known is an entry of the table of characters.
type known struct {
	is   character
	text string // of one that is whole
}

// knownEnd is the end of the table of characters: nearly all alphabets, punctuation and symbols, and Kana.
const knownEnd = 0x3100

// knownCharacters is made when the first text that is not ASCII comes.
var knownCharacters = sync.OnceValue(func() *[knownEnd]known {
	var table [knownEnd]known
	var encoded [utf8.UTFMax]byte
	for r := range table {
		entry := &table[r]
		if entry.is = classify(rune(r)); entry.is == whole {
			var text []byte
			for _, part := range string(decomposition(utf8.AppendRune(encoded[:0], rune(r)))) {
				text = appendFolded(text, part)
			}
			entry.text = string(text)
		}
	}
	return &table
})

// characterOf returns what becomes of a character, and its text if that is whole.
func characterOf(r rune) (character, string) {
	switch {
	case r < knownEnd:
		entry := &knownCharacters()[r]
		return entry.is, entry.text
	case 0x3400 <= r && r < 0xa000:
		return itself, "" // Han: no case, and none decomposes.
	case isIgnored(r):
		return ignored, ""
	}
	return composed, ""
}

func classify(r rune) character {
	switch {
	case isIgnored(r):
		return ignored
	case isSpace(r):
		return blank
	}
	var encoded [utf8.UTFMax]byte
	for parts := decomposition(utf8.AppendRune(encoded[:0], r)); len(parts) > 0; {
		part, n := utf8.DecodeRune(parts)
		if norm.NFKD.Properties(parts).CCC() != 0 || isSpace(part) {
			return composed
		}
		parts = parts[n:]
	}
	return whole
}

// Hangul syllables are made of their letters by arithmetic, for which there is no table (The Unicode Standard, section 3.12).
const (
	hangulBase, hangulEnd             = 0xac00, 0xac00 + 19*21*28
	leadBase, vowelBase, trailingBase = 0x1100, 0x1161, 0x11a7
)

// decomposition returns the NFKD of an encoded character.
func decomposition(encoded []byte) []byte {
	r, _ := utf8.DecodeRune(encoded)
	if hangulBase <= r && r < hangulEnd {
		at := r - hangulBase
		letters := utf8.AppendRune(utf8.AppendRune(make([]byte, 0, 9), leadBase+at/(21*28)), vowelBase+at/28%21)
		if at%28 == 0 {
			return letters
		}
		return utf8.AppendRune(letters, trailingBase+at%28)
	}
	if parts := norm.NFKD.Properties(encoded).Decomposition(); parts != nil {
		return parts
	}
	return encoded
}

// appendFolded appends the full case folding of a decomposed character. Of the foldings to several characters only that of ß
// is left once a text is decomposed, and of the letters that have an upper case only two do not fold to the lower case of it.
func appendFolded(dst []byte, r rune) []byte {
	switch {
	case r == 'ß' || r == 'ẞ':
		return append(dst, "ss"...)
	case r == 'ı': // whose upper case is that of i
		return utf8.AppendRune(dst, r)
	case unicode.Is(unicode.Cherokee, r): // whose lower case is the younger one
		return utf8.AppendRune(dst, unicode.ToUpper(r))
	}
	return utf8.AppendRune(dst, unicode.ToLower(unicode.ToUpper(r)))
}

// isSpace reports whether a character is Unicode's White_Space, and the braille cell without a dot.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r == '\u2800' }

// isIgnored reports whether a character is invisible: Default_Ignorable_Code_Point, and control characters.
func isIgnored(r rune) bool {
	return unicode.Is(defaultIgnorable, r) || unicode.IsControl(r) && !isSpace(r)
}

// defaultIgnorable is Unicode's Default_Ignorable_Code_Point as of version 15, places that are kept free for such characters
// included.
var defaultIgnorable = &unicode.RangeTable{
	LatinOffset: 1,
	R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1}, // soft hyphen
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, // grapheme joiner
		{Lo: 0x061c, Hi: 0x061c, Stride: 1}, // Arabic letter mark
		{Lo: 0x115f, Hi: 0x1160, Stride: 1}, // Hangul fillers
		{Lo: 0x17b4, Hi: 0x17b5, Stride: 1}, // Khmer inherent vowels
		{Lo: 0x180b, Hi: 0x180f, Stride: 1}, // Mongolian selectors
		{Lo: 0x200b, Hi: 0x200f, Stride: 1}, // zero-width space, joiners, marks of direction
		{Lo: 0x202a, Hi: 0x202e, Stride: 1}, // embeddings and overrides of direction
		{Lo: 0x2060, Hi: 0x206f, Stride: 1}, // word joiner, invisible operators, isolates
		{Lo: 0x3164, Hi: 0x3164, Stride: 1}, // Hangul filler
		{Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}, // variation selectors
		{Lo: 0xfeff, Hi: 0xfeff, Stride: 1}, // byte order mark
		{Lo: 0xffa0, Hi: 0xffa0, Stride: 1}, // half-width Hangul filler
		{Lo: 0xfff0, Hi: 0xfff8, Stride: 1}, // kept free
	},
	R32: []unicode.Range32{
		{Lo: 0x1bca0, Hi: 0x1bca3, Stride: 1}, // of shorthand
		{Lo: 0x1d173, Hi: 0x1d17a, Stride: 1}, // of music
		{Lo: 0xe0000, Hi: 0xe0fff, Stride: 1}, // tags, more variation selectors
	},
}
