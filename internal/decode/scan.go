package decode

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// namesShown bounds the names that the message about a missing field lists.
const namesShown = 64

// scanner takes the wanted fields out of JSON objects.
type scanner struct {
	selection
	// there are the names of the first object, for the message that a field is missing.
	there []string
}

// row takes the wanted fields of one row out of a text that was checked.
func (s *scanner) row(text []byte, values []any) error {
	c := newCursor(text)
	if kind := c.kind(); kind != '{' {
		return badf(WrongShape, "a row must be a JSON object, not a %s; correct it at the source", kindName(kind))
	}
	if s.there == nil {
		s.there = names(text)
	}
	clearValues(values)
	s.object(&c, s.root, values)
	return s.settle(values, s.there)
}

func (s *scanner) object(c *cursor, w *wanted, values []any) {
	for name := range c.members {
		s.member(c, w.find(name), values)
	}
}

// member reads the value of one name: materialised if a field ends here, entered if one ends below, else skipped.
func (s *scanner) member(c *cursor, w *wanted, values []any) {
	switch {
	case w == nil:
		c.skip()
	case w.leaf >= 0:
		s.put(w, c.value(), values)
	case c.kind() == '{':
		s.object(c, w, values)
	default:
		c.skip()
	}
}

// names lists the first names of an object that was checked, as they stand there.
func names(text []byte) []string {
	found := []string{}
	c := newCursor(text)
	for name := range c.members {
		if len(found) == namesShown {
			break
		}
		found = append(found, string(name))
		c.skip()
	}
	return found
}

var kindNames = map[byte]string{'{': "object", '[': "list", '"': "string", 't': "boolean", 'f': "boolean", 'n': "null"}

func kindName(kind byte) string {
	if name, ok := kindNames[kind]; ok {
		return name
	}
	return "number"
}

// cursor walks over JSON text that is known to be valid, which jsontext has checked. To check a text once at full speed and
// then to look only at what is wanted is faster than to take every token from the checker.
type cursor struct {
	text []byte
	at   int
	// scratch is where escapes are undone before a text gets its own memory.
	scratch []byte
}

func newCursor(text []byte) cursor { return cursor{text: text} }

// kind gives the first byte of the next value, or the bracket that ends its list or object.
func (c *cursor) kind() byte {
	for c.at < len(c.text) {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\r', '\n', ',', ':':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// members yields the names of the next object, quoted as they stand there. The body has to take each value.
func (c *cursor) members(yield func(name []byte) bool) {
	c.kind()
	c.at++
	for c.kind() == '"' {
		if !yield(c.quoted()) {
			return
		}
	}
	c.at++
}

// entries yields once for each value of the next list. The body has to take it.
func (c *cursor) entries(yield func(n int) bool) {
	c.kind()
	c.at++
	for n := 0; c.kind() != ']'; n++ {
		if !yield(n) {
			return
		}
	}
	c.at++
}

// quoted takes a string with its quotes.
func (c *cursor) quoted() []byte {
	c.kind()
	start := c.at
	c.at = start + 1 + stringEnd(c.text[start+1:])
	return c.text[start:c.at]
}

// raw takes a value as it stands.
func (c *cursor) raw() []byte {
	c.kind()
	start := c.at
	c.skip()
	return c.text[start:c.at]
}

// skip takes a value without a look at it. Inside lists and objects only strings and brackets matter.
func (c *cursor) skip() {
	switch c.kind() {
	case '"':
		c.quoted()
		return
	case '{', '[':
	default:
		c.scalar()
		return
	}
	for depth := 0; ; {
		b := c.text[c.at]
		c.at++
		switch b {
		case '"':
			c.at += stringEnd(c.text[c.at:])
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return
			}
		}
	}
}

// scalar takes a number or a literal.
func (c *cursor) scalar() []byte {
	start := c.at
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case ' ', '\t', '\r', '\n', ',', ':', ']', '}':
			return c.text[start:c.at]
		}
		c.at++
	}
	return c.text[start:]
}

// value materialises a value.
func (c *cursor) value() any {
	switch c.kind() {
	case '{':
		object := map[string]any{}
		for name := range c.members {
			key := c.unquote(name)
			object[key] = c.value()
		}
		return object
	case '[':
		list := []any{}
		for range c.entries {
			list = append(list, c.value())
		}
		return list
	case '"':
		return c.unquote(c.quoted())
	}
	switch text := c.scalar(); text[0] {
	case 'n':
		return nil
	case 't', 'f':
		return text[0] == 't'
	default:
		return Number(text)
	}
}

// unquote copies a string that has no escapes as it stands: finding a backslash is many times faster than unquoting.
func (c *cursor) unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	c.scratch, _ = jsontext.AppendUnquote(c.scratch[:0], quoted) // Cannot fail: the text was checked.
	return string(c.scratch)
}

// plain gives a name without its quotes and escapes.
func plain(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	name, _ := jsontext.AppendUnquote(nil, quoted) // Cannot fail: the text was checked.
	return name
}

// stringEnd is the length of a string's text and its closing quote, given what follows the opening one.
func stringEnd(text []byte) int {
	for at := 0; ; {
		at += bytes.IndexByte(text[at:], '"')
		escapes := at
		for escapes > 0 && text[escapes-1] == '\\' {
			escapes--
		}
		if at++; (at-escapes)%2 == 1 { // An even number of backslashes escape each other and not the quote.
			return at
		}
	}
}
