package decode

import (
	"bytes"
	"slices"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

type infinity struct{ text, finite string }

// infinities are the numbers that are not finite, as Python writes them into JSON, and finite ones of the same length.
var infinities = []infinity{{"NaN", "0.0"}, {"-Infinity", "-0.000000"}, {"Infinity", "0.000000"}}

// finiteText appends a text to a buffer with finite numbers in place of those that are not. some reports whether there were any.
func finiteText(to, text []byte) (_ []byte, some bool) {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return to, false
	}
	from := len(to)
	to = append(to, text...)
	eachInfinity(text, func(at, n int) {
		copy(to[from+at:], infinities[n].finite)
		some = true
	})
	return to, some
}

// withNulls returns a text with null in the place of numbers that are not finite.
func withNulls(text []byte) []byte {
	var out []byte
	done := 0
	eachInfinity(text, func(at, n int) {
		out = append(append(out, text[done:at]...), "null"...)
		done = at + len(infinities[n].text)
	})
	return append(out, text[done:]...)
}

// eachInfinity calls found for each number that is not finite, with its place in the text and which one it is.
func eachInfinity(text []byte, found func(at, n int)) {
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			if at = jsonscan.SkipString(text, at+1) - 1; at < 0 {
				return
			}
		case 'N', 'I', '-':
			n := slices.IndexFunc(infinities, func(n infinity) bool {
				return bytes.HasPrefix(text[at:], []byte(n.text)) && !isWord(text, at-1) && !isWord(text, at+len(n.text))
			})
			if n >= 0 {
				found(at, n)
				at += len(infinities[n].text) - 1
			}
		}
	}
}

// isWord reports whether a number or a name could continue with the byte at a place.
func isWord(text []byte, at int) bool {
	if at < 0 || at >= len(text) {
		return false
	}
	b := text[at]
	return b == '.' || b == '+' || b == '-' || b == '_' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' || b >= 0x80
}
