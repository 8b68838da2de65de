package jsonscan

import "encoding/binary"

// Eight bytes of a text are looked at in one word, the first byte lowest.
const (
	eachOne  = 0x0101010101010101
	eachHigh = 0x8080808080808080
	// spaceEach taken from eight ASCII bytes leaves a high bit where there is a control character.
	spaceEach = ' ' * eachOne
	block     = 64 // bytes that are looked at before one decision
)

// Word returns the first eight bytes of a text.
func Word(text []byte) uint64 { return binary.LittleEndian.Uint64(text) }

// Special marks the bytes of a word that end a run of plain text: a quote, a backslash, a control character. The lowest
// mark is exact; above it there may be false ones, since a subtraction borrows from the next byte. What is not ASCII is never
// marked. x^2 brings the quote (0x22) to 0x20, next to the control characters below it, so that one comparison finds both.
func Special(x uint64) uint64 {
	return (((x ^ 2*eachOne) - 0x21*eachOne) | ((x ^ '\\'*eachOne) - eachOne)) &^ x & eachHigh
}

// Survey reports whether a text has control characters, and whether it has bytes that are not ASCII. Most texts have none of
// either, which the first loop sees with two operations a word.
func Survey(text []byte) (control, high bool) {
	var low, seen uint64
	whole, at := text, 0
	for ; at+block <= len(text); at += block {
		b := text[at : at+block : at+block]
		w0, w1, w2, w3 := Word(b), Word(b[8:]), Word(b[16:]), Word(b[24:])
		w4, w5, w6, w7 := Word(b[32:]), Word(b[40:]), Word(b[48:]), Word(b[56:])
		seen |= w0 | w1 | w2 | w3 | w4 | w5 | w6 | w7
		low |= (w0 - spaceEach) | (w1 - spaceEach) | (w2 - spaceEach) | (w3 - spaceEach)
		low |= (w4 - spaceEach) | (w5 - spaceEach) | (w6 - spaceEach) | (w7 - spaceEach)
	}
	for ; at+8 <= len(text); at += 8 {
		w := Word(text[at:])
		seen, low = seen|w, low|(w-spaceEach)
	}
	if at < len(text) && at > 0 {
		w := Word(text[len(text)-8:])
		seen, low = seen|w, low|(w-spaceEach)
		at = len(text)
	}
	text = text[at:] // Nothing, or a short text.
	for _, b := range text {
		seen, low = seen|uint64(b), low|(uint64(b)-' ')
	}
	if high = seen&eachHigh != 0; high {
		return hasControl(whole), true
	}
	return low&eachHigh != 0, false
}

// hasControl finds exactly the control characters of any text: what is not ASCII is masked out.
func hasControl(text []byte) bool {
	low, at := uint64(0), 0
	for ; at+8 <= len(text); at += 8 {
		w := Word(text[at:])
		low |= (w - spaceEach) &^ w
	}
	for _, b := range text[at:] {
		low |= (uint64(b) - ' ') &^ uint64(b)
	}
	return low&eachHigh != 0
}
