package jsonvalue

import (
	"bytes"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

const (
	// MaxNames is how many names the objects that are open at once may have, wanted or not: they are compared with each other.
	MaxNames = 1 << 18
	// maxDepth is the most levels of lists and objects, as in jsontext.
	maxDepth = 10000
	// fewNames are compared with each other one by one; more of them are sorted.
	fewNames = 16
)

// Checker reads one text and reports whether it is one JSON object, by the same strict rules as jsontext: UTF-8, the grammar of RFC 8259, no name
// twice in an object, no half of a surrogate pair, at most maxDepth levels. On the way it notes where the wanted values are. It returns
// no errors: a text that it does not accept goes to jsontext, which finds the error, or none.
//
// FuzzChecker holds it to jsontext: both take the same texts.
type Checker struct {
	text []byte
	// smooth is true if the text has no control character. backslash is the place of the next backslash; once the reader has passed it, the
	// next one is searched.
	smooth    bool
	backslash int
	// names are those of the objects that are open, the outermost first.
	names []memberName
	// Found are the spans of the wanted values, in the order of the text.
	Found []Span
	// Many reports that there were more names than are compared.
	Many bool
	// unescaped has the names that were written with escapes.
	unescaped []byte
}

// memberName is a name in an object without its quotes and escapes. Names of other lengths or keys differ.
type memberName struct {
	text []byte
	key  uint64
}

// Span is the text of the value of a wanted node. A plain one is a string without escapes.
type Span struct {
	Wanted *Wanted
	Raw    []byte
	Plain  bool
}

// Object reports whether a text is one object and nothing else, without space around it, and fills Found.
func (c *Checker) Object(text []byte, root *Wanted) bool {
	c.text, c.names, c.Found, c.unescaped = text, c.names[:0], c.Found[:0], c.unescaped[:0]
	if c.Many = false; len(text) == 0 || text[0] != '{' {
		return false
	}
	control, high := jsonscan.Survey(text)
	if high && !utf8.Valid(text) {
		return false
	}
	c.smooth, c.backslash = !control, -1
	return c.members(1, 1, root) == len(text)
}

// members reads an object after its opening bracket, and returns the place after the closing one, or -1. w is the wanted
// node of the object, or nil.
func (c *Checker) members(at, depth int, w *Wanted) int {
	text, first := c.text, len(c.names)
	at = jsonscan.SkipSpace(text, at)
	if depth > maxDepth || at == len(text) {
		return -1
	}
	if text[at] == '}' {
		return at + 1
	}
	for last := false; ; {
		name, end := c.name(at)
		if end < 0 || !c.add(first, name) {
			return -1
		}
		if w == nil {
			at = c.value(end, depth)
		} else {
			at = c.member(end, depth, w.named(name))
		}
		if at < 0 {
			return -1
		}
		if at, last = separator(text, at, '}'); at < 0 {
			return -1
		}
		if last {
			break
		}
	}
	if !c.close(first) {
		return -1
	}
	return at
}

// separator reads what comes after a value, a comma or the closing bracket, which is the last. It returns the place of what comes next, or -1.
func separator(text []byte, at int, closing byte) (next int, last bool) {
	if at = jsonscan.SkipSpace(text, at); at == len(text) {
		return -1, false
	}
	switch text[at] {
	case ',':
		return jsonscan.SkipSpace(text, at+1), false
	case closing:
		return at + 1, true
	}
	return -1, false
}

// name reads a name and its colon, and returns the place of its value, or -1.
func (c *Checker) name(at int) (name memberName, value int) {
	text := c.text
	if at == len(text) || text[at] != '"' {
		return name, -1
	}
	name, end := c.quoted(at + 1)
	if end < 0 {
		return name, -1
	}
	if end = jsonscan.SkipSpace(text, end); end == len(text) || text[end] != ':' {
		return name, -1
	}
	return name, jsonscan.SkipSpace(text, end+1)
}

// quoted reads a name from behind its opening quote. Most are shorter than a word, and end in the first one.
func (c *Checker) quoted(at int) (name memberName, end int) {
	if at+8 <= len(c.text) {
		w := jsonscan.Word(c.text[at:])
		if m := jsonscan.Special(w); m != 0 {
			if n := bits.TrailingZeros64(m) / 8; c.text[at+n] == '"' && c.smooth {
				return memberName{c.text[at : at+n], w&(1<<(8*n)-1) | uint64(n)<<56}, at + n + 1
			}
		}
	}
	end, escaped := c.endOfString(at)
	if end < 0 {
		return name, end
	}
	name.text = c.text[at : end-1]
	if escaped {
		from := len(c.unescaped)
		c.unescaped, _ = jsonscan.AppendUnquoted(c.unescaped, name.text)
		name.text = c.unescaped[from:]
	}
	name.key = keyOf(name.text)
	return name, end
}

// endOfString reads a string whose opening quote is before at, and returns the place after its closing quote, a negative number if the
// string is not valid. escaped reports whether it has escapes. If the text has no control character, only the next quote and the next
// backslash matter, and the standard library finds a byte by vector instructions.
func (c *Checker) endOfString(at int) (end int, escaped bool) {
	text := c.text
	if c.smooth {
		i := bytes.IndexByte(text[at:], '"')
		if i < 0 {
			return ^len(text), false
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
	return jsonscan.EndOfString(text, at)
}

// keyOf returns what tells names apart in one comparison: the whole of a name of up to seven bytes, and of a longer one the first eight.
func keyOf(name []byte) uint64 {
	length := uint64(len(name)) << 56
	if len(name) >= 8 {
		return jsonscan.Word(name) ^ length
	}
	key := length
	for i, b := range name {
		key |= uint64(b) << (8 * i)
	}
	return key
}

func (n memberName) is(other memberName) bool {
	return n.key == other.key && len(n.text) == len(other.text) && (len(n.text) < 8 || bytes.Equal(n.text, other.text))
}

// named returns the child of a name, or nil.
func (w *Wanted) named(name memberName) *Wanted {
	for _, child := range w.Children {
		if child.plain.is(name) {
			return child
		}
	}
	return nil
}

// add notes a name of the object whose names begin at first. It returns false for a duplicate, as long as the names are few.
func (c *Checker) add(first int, name memberName) bool {
	if names := c.names[first:]; len(names) < fewNames {
		for i := range names {
			if names[i].is(name) {
				return false
			}
		}
	} else if len(c.names) >= MaxNames {
		c.Many = true
		return false
	}
	c.names = append(c.names, name)
	return true
}

// close forgets the names of an object, and returns false if one of many was there twice.
func (c *Checker) close(first int) bool {
	names := c.names[first:]
	c.names = c.names[:first]
	if len(names) <= fewNames {
		return true
	}
	slices.SortFunc(names, func(a, b memberName) int { return bytes.Compare(a.text, b.text) })
	for i := range names[1:] {
		if names[i].is(names[i+1]) {
			return false
		}
	}
	return true
}

// member reads a value in an object that has wanted ones.
func (c *Checker) member(at, depth int, w *Wanted) int {
	switch {
	case w == nil || at == len(c.text):
		return c.value(at, depth)
	case w.Leaf < 0 && w.Raw < 0 && c.text[at] == '{':
		return c.members(at+1, depth+1, w)
	case w.Leaf < 0 && w.Raw < 0:
		return c.value(at, depth)
	case c.text[at] != '"':
		end := c.value(at, depth)
		if end >= 0 {
			c.Found = append(c.Found, Span{Wanted: w, Raw: c.text[at:end]})
		}
		return end
	}
	end, escaped := c.endOfString(at + 1)
	if end >= 0 {
		c.Found = append(c.Found, Span{Wanted: w, Raw: c.text[at:end], Plain: !escaped})
	}
	return end
}

// value reads a value and returns the place after it, or -1.
func (c *Checker) value(at, depth int) int {
	if at == len(c.text) {
		return -1
	}
	switch c.text[at] {
	case '"':
		end, _ := c.endOfString(at + 1)
		return end
	case '[':
		return c.entries(at+1, depth+1)
	case '{':
		return c.members(at+1, depth+1, nil)
	case 't':
		return c.literal(at, "true")
	case 'f':
		return c.literal(at, "false")
	case 'n':
		return c.literal(at, "null")
	default:
		return jsonscan.EndOfNumber(c.text, at)
	}
}

// entries reads a list from behind its opening bracket.
func (c *Checker) entries(at, depth int) int {
	text := c.text
	at = jsonscan.SkipSpace(text, at)
	if depth > maxDepth || at == len(text) {
		return -1
	}
	if text[at] == ']' {
		return at + 1
	}
	for last := false; ; {
		if at = c.value(at, depth); at < 0 {
			return -1
		}
		if at, last = separator(text, at, ']'); at < 0 || last {
			return at
		}
	}
}

func (c *Checker) literal(at int, word string) int {
	if end := at + len(word); end <= len(c.text) && string(c.text[at:end]) == word {
		return end
	}
	return -1
}
