package jsonscan

import (
	"math/bits"
	"unicode/utf8"
)

// plainRun returns the place of the next quote, backslash or control character, or the end of the text.
func plainRun[T Text](text T, at int) int {
	for ; at+8 <= len(text); at += 8 {
		b := text[at : at+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if m := Special(w); m != 0 {
			return at + bits.TrailingZeros64(m)/8
		}
	}
	for at < len(text) && text[at] >= ' ' && text[at] != '"' && text[at] != '\\' {
		at++
	}
	return at
}

// EndOfString reads a string, given the place after its opening quote. escaped reports whether there are escapes in it. Halves of
// surrogate pairs are refused.
func EndOfString[T Text](text T, at int) (end int, escaped bool) {
	for {
		at = plainRun(text, at)
		switch {
		case at == len(text) || text[at] < ' ':
			return ^at, escaped
		case text[at] == '"':
			return at + 1, escaped
		}
		escaped = true
		if _, end = unescaped(text, at); end < 0 {
			return ^at, true
		}
		at = end
	}
}

// EndOfPublished reads a string as EndOfString does, and accepts only what AppendString writes: no escape that is not needed or has
// another form.
func EndOfPublished[T Text](text T, at int) (end int, escaped bool) {
	for {
		at = plainRun(text, at)
		switch {
		case at == len(text) || text[at] < ' ':
			return ^at, escaped
		case text[at] == '"':
			return at + 1, escaped
		}
		escaped = true
		if end = endOfNeeded(text, at); end < 0 {
			return ^at, true
		}
		at = end
	}
}

// endOfNeeded returns the place behind the escape at a backslash, a negative one where AppendString would not have written it.
func endOfNeeded[T Text](text T, at int) int {
	r, end := unescaped(text, at)
	switch {
	case end < 0 || r >= ' ' && r != '"' && r != '\\':
		return -1
	case end-at == 2:
		return end
	}
	if written := appendEscape(nil, byte(r)); string(text[at:end]) != string(written) {
		return -1
	}
	return end
}

// meanings are what the escapes of one letter stand for, letters which one a byte has; 0 marks a letter or a byte without one.
var (
	meanings = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
	letters  = [256]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
)

// unescaped reads the escape at a backslash, of a surrogate pair both. end is negative where the text has no such escape.
func unescaped[T Text](text T, at int) (r rune, end int) {
	if at+1 >= len(text) {
		return 0, -1
	}
	if b := text[at+1]; b != 'u' {
		if meanings[b] == 0 {
			return 0, -1
		}
		return rune(meanings[b]), at + 2
	}
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
func hex4[T Text](text T, at int) (v rune, ok bool) {
	if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
		return 0, false
	}
	for i := at + 2; i < at+6; i++ {
		digit := hexValue(text[i])
		if digit > 0xf {
			return 0, false
		}
		v = v<<4 | rune(digit)
	}
	return v, true
}

// hexValue returns the value of a hexadecimal digit, 0xff of another byte.
func hexValue(b byte) byte {
	switch {
	case b >= '0' && b <= '9':
		return b - '0'
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10
	}
	return 0xff
}

// AppendUnquoted appends what a string means, given what is between its quotes. ok is false, and nothing is appended, where
// an escape has no meaning; it does not look for other faults.
func AppendUnquoted[T Text](dst []byte, raw T) (_ []byte, ok bool) {
	begin := len(dst)
	for at := 0; ; {
		next := at
		for next < len(raw) && raw[next] != '\\' {
			next = plainRun(raw, next+1)
		}
		dst = append(dst, raw[at:next]...)
		if next == len(raw) {
			return dst, true
		}
		r, end := unescaped(raw, next)
		if end < 0 {
			return dst[:begin], false
		}
		dst, at = utf8.AppendRune(dst, r), end
	}
}

// AppendString quotes a string with the fewest escapes, in runs of bytes that stand for themselves, which are nearly all. Bytes that are
// not UTF-8 become U+FFFD, each one.
func AppendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	dst = append(dst, '"')
	for {
		n := plainRun(s, 0)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[n])
		s = s[n+1:]
	}
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	if letter := letters[c]; letter != 0 {
		return append(dst, '\\', letter)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}
