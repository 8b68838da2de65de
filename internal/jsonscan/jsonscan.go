// Package jsonscan reads and writes the bytes of JSON texts (RFC 8259): where a string, a number or a value ends, what a string means, how
// one is written. All readers of rows share it.
//
// Functions take the place to begin at and return the place after what they read. If it is not valid they return a negative number, the
// complement (^) of the place of the first wrong byte. Text is taken as bytes: the caller checks whether it is UTF-8. Imports: the standard library only.
package jsonscan

import "bytes"

// Text is JSON, or a part of it.
type Text interface{ ~string | ~[]byte }

// spaces has a bit for each character that may separate tokens.
const spaces = 1<<' ' | 1<<'\t' | 1<<'\n' | 1<<'\r'

// SkipSpace returns the place of the next byte that is no white space, or the end of the text.
func SkipSpace[T Text](text T, at int) int {
	for at < len(text) && text[at] <= ' ' && spaces>>text[at]&1 != 0 {
		at++
	}
	return at
}

// SkipString returns the place after the quote that ends a string, given the place after its opening quote. It does not check the string.
func SkipString(text []byte, at int) int {
	for start := at; ; {
		next := bytes.IndexByte(text[at:], '"')
		if next < 0 {
			return ^len(text)
		}
		at += next
		escapes := at
		for escapes > start && text[escapes-1] == '\\' {
			escapes--
		}
		if at++; (at-escapes)%2 == 1 { // An even number of backslashes escape each other and not the quote.
			return at
		}
	}
}

// SkipValue returns the place after the value that begins at a place, which must not be white space. It checks only what it needs to find
// the end: in lists and objects, strings and brackets.
func SkipValue(text []byte, at int) int {
	for depth := 0; at < len(text); {
		switch text[at] {
		case '"':
			if at = SkipString(text, at+1); at < 0 {
				return at
			}
			if depth > 0 {
				continue
			}
			return at
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		default:
			if depth == 0 {
				return endOfScalar(text, at)
			}
		}
		if depth < 0 {
			break
		}
		at++
	}
	return ^min(at, len(text))
}

// endOfScalar returns the place after a number or a literal.
func endOfScalar(text []byte, at int) int {
	for start := at; ; at++ {
		if at < len(text) {
			switch text[at] {
			case ' ', '\t', '\r', '\n', ',', ':', ']', '}':
			default:
				continue
			}
		}
		if at == start {
			return ^at
		}
		return at
	}
}

// EndOfNumber reads a number: -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?
func EndOfNumber[T Text](text T, at int) int {
	if at < len(text) && text[at] == '-' {
		at++
	}
	first := at
	if at = digits(text, at); at == first {
		return ^at
	}
	if text[first] == '0' && at > first+1 {
		return ^(first + 1)
	}
	if at < len(text) && text[at] == '.' {
		first = at + 1
		if at = digits(text, first); at == first {
			return ^at
		}
	}
	if at < len(text) && text[at]|0x20 == 'e' {
		first = at + 1
		if first < len(text) && (text[first] == '+' || text[first] == '-') {
			first++
		}
		if at = digits(text, first); at == first {
			return ^at
		}
	}
	return at
}

func digits[T Text](text T, at int) int {
	for at < len(text) && text[at]-'0' <= 9 {
		at++
	}
	return at
}
