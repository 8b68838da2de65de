package decode

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Eight bytes of a text are looked at in one word, the first byte lowest.
const (
	eachOne  = 0x0101010101010101
	eachHigh = 0x8080808080808080
	// spaceEach taken from eight ASCII bytes leaves a high bit where there is a control character.
	spaceEach = ' ' * eachOne
	block     = 64 // bytes that are looked at before one decision
)

// special marks the bytes of a word that end a run of plain text: a quote, a backslash, a control character. The lowest
// mark is exact; above it there may be false ones, since a subtraction borrows from the next byte. What is not ASCII is never
// marked. x^2 brings the quote (0x22) to 0x20, next to the control characters below it, so that one comparison finds both.
func special(x uint64) uint64 {
	return (((x ^ 2*eachOne) - 0x21*eachOne) | ((x ^ '\\'*eachOne) - eachOne)) &^ x & eachHigh
}

// survey says of a whole text whether it has control characters, and whether it has bytes that are not ASCII. Most texts have
// none of either, which the first loop sees with two operations a word.
func survey(text []byte) (control, high bool) {
	var low, seen uint64
	whole, at := text, 0
	for ; at+block <= len(text); at += block {
		b := text[at : at+block : at+block]
		w0, w1, w2, w3 := word(b), word(b[8:]), word(b[16:]), word(b[24:])
		w4, w5, w6, w7 := word(b[32:]), word(b[40:]), word(b[48:]), word(b[56:])
		seen |= w0 | w1 | w2 | w3 | w4 | w5 | w6 | w7
		low |= (w0 - spaceEach) | (w1 - spaceEach) | (w2 - spaceEach) | (w3 - spaceEach)
		low |= (w4 - spaceEach) | (w5 - spaceEach) | (w6 - spaceEach) | (w7 - spaceEach)
	}
	for ; at+8 <= len(text); at += 8 {
		w := word(text[at:])
		seen, low = seen|w, low|(w-spaceEach)
	}
	if at < len(text) && at > 0 {
		w := word(text[len(text)-8:])
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

// hasControl is exact in any text: what is not ASCII is masked out.
func hasControl(text []byte) bool {
	low, at := uint64(0), 0
	for ; at+8 <= len(text); at += 8 {
		w := word(text[at:])
		low |= (w - spaceEach) &^ w
	}
	for _, b := range text[at:] {
		low |= (uint64(b) - ' ') &^ uint64(b)
	}
	return low&eachHigh != 0
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// endOfString reads a string whose opening quote comes before at, and gives the place behind its closing one, or -1 if it is
// no valid one. escaped says whether there are escapes in it. Where the survey of the text found no control character, only
// the next quote and the next backslash matter, and to find one byte the library has the processor's vector instructions.
func (c *checker) endOfString(at int) (end int, escaped bool) {
	text := c.text
	if c.smooth {
		i := bytes.IndexByte(text[at:], '"')
		if i < 0 {
			return -1, false
		}
		if c.backslash < at {
			c.backslash = len(text)
			if next := bytes.IndexByte(text[at:], '\\'); next >= 0 {
				c.backslash = at + next
			}
		}
		if at+i < c.backslash {
			return at + i + 1, false
		}
		at = c.backslash
	}
	for {
		at = plainRun(text, at)
		switch {
		case at == len(text):
			return -1, escaped
		case text[at] == '"':
			return at + 1, escaped
		case text[at] == '\\':
			escaped = true
			if at = endOfEscape(text, at); at < 0 {
				return -1, escaped
			}
		default:
			return -1, escaped // a control character
		}
	}
}

// plainRun gives the place of the next quote, backslash or control character, or the end of the text.
func plainRun(text []byte, at int) int {
	for at+8 <= len(text) {
		if m := special(binary.LittleEndian.Uint64(text[at:])); m != 0 {
			return at + bits.TrailingZeros64(m)/8
		}
		at += 8
	}
	for at < len(text) && text[at] >= ' ' && text[at] != '"' && text[at] != '\\' {
		at++
	}
	return at
}

// endOfEscape gives the place behind the escape at a backslash, or -1. Halves of surrogate pairs are none, as in jsontext.
func endOfEscape(text []byte, at int) int {
	if at+1 >= len(text) {
		return -1
	}
	switch text[at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return at + 2
	case 'u':
		if _, end := escapedRune(text, at); end > 0 {
			return end
		}
	}
	return -1
}

// escapedRune reads the \uXXXX at a backslash, and the second one of a pair.
func escapedRune(text []byte, at int) (r rune, end int) {
	first, ok := hex4(text, at)
	switch {
	case !ok || first >= 0xdc00 && first < 0xe000:
		return 0, -1
	case first < 0xd800 || first >= 0xe000:
		return first, at + 6
	}
	second, ok := hex4(text, at+6)
	if !ok || second < 0xdc00 || second >= 0xe000 {
		return 0, -1
	}
	return (first-0xd800)<<10 + (second - 0xdc00) + 0x10000, at + 12
}

// hex4 reads \uXXXX with any digits.
func hex4(text []byte, at int) (v rune, ok bool) {
	if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
		return 0, false
	}
	for _, b := range text[at+2 : at+6] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		v = v<<4 | rune(b)
	}
	return v, true
}

// unescape appends what a checked string says, without its quotes.
func unescape(to, quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	for at := 0; at < len(text); {
		end := plainRun(text, at)
		to = append(to, text[at:end]...)
		if end == len(text) {
			break
		}
		switch b := text[end+1]; b {
		case 'u':
			r, after := escapedRune(text, end)
			to, at = utf8.AppendRune(to, r), after
			continue
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		case 'n':
			to = append(to, '\n')
		case 'r':
			to = append(to, '\r')
		case 't':
			to = append(to, '\t')
		default:
			to = append(to, b)
		}
		at = end + 2
	}
	return to
}
