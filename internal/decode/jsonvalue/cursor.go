package jsonvalue

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

const (
	// knownNames of at most knownBytes each are kept to be used again.
	knownNames = 256
	knownBytes = 64
)

// Cursor walks over JSON text that is known to be valid, which jsontext has checked. To check a text once at full speed and
// then to look only at what is wanted is faster than to take every token from the checker.
type Cursor struct {
	Text []byte
	At   int
	// scratch is where escapes are undone before a text gets its own memory, entries where those of a list gather.
	scratch []byte
	gather  []any
	// Lent is true if strings may point into Text. Room is the memory of the row, or of its chunk, for other strings; without it each is
	// allocated.
	Lent  bool
	Room  []byte
	known map[string]string
	// Infinite is true if a number was not finite; it happens only in texts that were checked with other numbers in their place.
	Infinite bool
}

// NewCursor returns a cursor at the beginning of a text.
func NewCursor(text []byte) Cursor { return Cursor{Text: text} }

// Kind returns the first byte of the next value, or the bracket that ends its list or object.
func (c *Cursor) Kind() byte {
	for c.At < len(c.Text) {
		switch b := c.Text[c.At]; b {
		case ' ', '\t', '\r', '\n', ',', ':':
			c.At++
		default:
			return b
		}
	}
	return 0
}

// Members yields the names of the next object, with their quotes and escapes. The body has to read each value.
func (c *Cursor) Members(yield func(name []byte) bool) {
	c.Kind()
	c.At++
	for c.Kind() == '"' {
		if !yield(c.quoted()) {
			return
		}
	}
	c.At++
}

// Entries yields once for each value of the next list. The body has to read it.
func (c *Cursor) Entries(yield func(n int) bool) {
	c.Kind()
	c.At++
	for n := 0; c.Kind() != ']'; n++ {
		if !yield(n) {
			return
		}
	}
	c.At++
}

// quoted takes a string with its quotes.
func (c *Cursor) quoted() []byte {
	c.Kind()
	start := c.At
	c.At = jsonscan.SkipString(c.Text, start+1)
	return c.Text[start:c.At]
}

// Raw returns the text of the next value.
func (c *Cursor) Raw() []byte {
	c.Kind()
	start := c.At
	c.Skip()
	return c.Text[start:c.At]
}

// Skip moves past the next value.
func (c *Cursor) Skip() {
	c.Kind()
	c.At = jsonscan.SkipValue(c.Text, c.At)
}

// Value materialises a value.
func (c *Cursor) Value() any {
	switch c.Kind() {
	case '{':
		object := map[string]any{}
		for name := range c.Members {
			key := c.key(name)
			object[key] = c.Value()
		}
		return object
	case '[':
		return c.list()
	case '"':
		return c.unquote(c.quoted())
	}
	start := c.At
	c.At = jsonscan.SkipValue(c.Text, start)
	switch text := c.Text[start:c.At]; text[0] {
	case 'n':
		return nil
	case 't', 'f':
		return text[0] == 't'
	default:
		if last := text[len(text)-1]; last == 'N' || last == 'y' {
			c.Infinite = true
			return nil
		}
		return decoded.Number(c.Part(text))
	}
}

// noEntries is every empty list: it has no room for what a caller could change.
var noEntries any = []any{}

// list takes a list, which gets memory when its length is known.
func (c *Cursor) list() any {
	first := len(c.gather)
	for range c.Entries {
		v := c.Value() // which gathers as well
		c.gather = append(c.gather, v)
	}
	if len(c.gather) == first {
		return noEntries
	}
	list := slices.Clone(c.gather[first:])
	clear(c.gather[first:])
	c.gather = c.gather[:first]
	return list
}

// key returns the name of a member: most objects have the names of the one before.
func (c *Cursor) key(quoted []byte) string {
	if key, ok := c.known[string(quoted)]; ok {
		return key
	}
	key := string(Unquoted(quoted))
	if len(quoted) <= knownBytes && len(c.known) < knownNames {
		if c.known == nil {
			c.known = map[string]string{}
		}
		c.known[string(quoted)] = key
	}
	return key
}

func (c *Cursor) unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return c.Part(quoted[1 : len(quoted)-1])
	}
	c.scratch, _ = jsonscan.AppendUnquoted(c.scratch[:0], quoted[1:len(quoted)-1])
	return c.own(c.scratch)
}

// Part returns a part of the text as a string.
func (c *Cursor) Part(text []byte) string {
	if c.Lent {
		return unsafe.String(unsafe.SliceData(text), len(text))
	}
	return c.own(text)
}

// own copies a text into the room, or allocates a string.
func (c *Cursor) own(text []byte) string {
	if c.Room == nil {
		return string(text)
	}
	from := len(c.Room)
	c.Room = append(c.Room, text...) // Where that moves, what was there belongs to the strings in it.
	return unsafe.String(unsafe.SliceData(c.Room[from:]), len(text))
}

// Unquoted returns a name without its quotes and escapes.
func Unquoted(quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	text, _ = jsonscan.AppendUnquoted(nil, text)
	return text
}
