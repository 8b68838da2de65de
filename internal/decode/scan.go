package decode

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

const (
	// namesShown bounds the names that the message about a missing field lists.
	namesShown = 64
	// knownNames of at most knownBytes each are kept to be used again.
	knownNames = 256
	knownBytes = 64
)

// scanner takes the wanted fields out of JSON objects.
type scanner struct {
	selection
	nonFinite decoded.NonFinite
	cursor    cursor
	// lent is true if the texts of rows stay unchanged while their values are used; strings then point into them.
	lent bool
	// before are the strings of the previous row, by field.
	before []boxed
	// plain is Row.Plain of the row.
	plain uint64
	// odd is true if the text of the row has numbers that are not finite.
	odd bool
	// there are the names of the first object, for the message that a field is missing.
	there []string
}

// boxed is a string and the same as a value.
type boxed struct {
	text  string
	value any
}

// row takes the wanted fields of one row out of a text that was checked.
func (s *scanner) row(text []byte, values []any) error {
	s.plain = 0
	c := &s.cursor
	c.text, c.at, c.lent = text, 0, false // Its memory for lists and names is used again.
	if kind := c.kind(); kind != '{' {
		return decoded.Badf(decoded.WrongShape, "a row must be a JSON object, not a %s; correct it at the source", kindName(kind))
	}
	if s.there == nil {
		s.there = names(text)
	}
	clearValues(values)
	s.object(c, s.root, values)
	if s.whole >= 0 {
		values[s.whole] = asJSON(text)
	}
	return s.fillOptional(values, text, s.there)
}

// spans reads the wanted fields of an object from the spans that a checker found. The strings of a row point into its text, if that is
// lent, or into one piece of memory. A string that equals the one of the same field in the previous row, as a context or a title often
// does, is that string.
func (s *scanner) spans(text []byte, found []span, values []any) error {
	if s.there == nil {
		s.there = names(text)
	}
	s.plain = 0
	if s.before == nil {
		s.before = make([]boxed, len(values))
	}
	s.cursor.lent = s.lent && !s.odd // of an odd row, the text is a copy that is used again
	if !s.lent {
		size := s.size(text, found)
		if err := boundedSpans(found, size); err != nil { // which the rows of a chunk cannot be
			return err
		}
		s.cursor.room = make([]byte, 0, size)
	}
	clearValues(values)
	for _, f := range found {
		if f.wanted.bare() && !s.odd {
			values[f.wanted.raw] = asJSON(f.raw)
			continue
		}
		v := s.value(f)
		raw, err := s.finite(f.raw)
		if err != nil {
			return err
		}
		s.keep(f.wanted, raw, values)
		s.put(f.wanted, v, values)
		if f.plain && f.wanted.leaf >= 0 && f.wanted.own {
			s.plain |= 1 << f.wanted.leaf
		}
	}
	if err := s.keepWhole(text, values); err != nil {
		return err
	}
	return s.fillOptional(values, text, s.there)
}

// keepWhole takes the text of the row, where that is wanted.
func (s *scanner) keepWhole(text []byte, values []any) (err error) {
	if s.whole < 0 {
		return nil
	}
	if s.odd {
		s.cursor.text, s.cursor.at = text, 0
		s.cursor.value()
		if text, err = s.finite(text); err != nil {
			return err
		}
	}
	values[s.whole] = asJSON(text)
	return nil
}

// finite returns the text of the value that was read last, with null in the place of numbers that are not finite, where that is how they are read.
func (s *scanner) finite(raw []byte) ([]byte, error) {
	if !s.cursor.infinite {
		return raw, nil
	}
	s.cursor.infinite = false
	if _, err := decoded.NotFinite(s.nonFinite); err != nil {
		return nil, err
	}
	return withNulls(raw), nil
}

// size returns how many bytes the wanted values have that are not those of the row before.
func (s *scanner) size(text []byte, found []span) (size int) {
	if s.whole >= 0 {
		size = len(text)
	}
	for i := range found {
		if f := &found[i]; f.wanted.leaf < 0 || !f.plain || string(f.raw[1:len(f.raw)-1]) != s.before[f.wanted.leaf].text {
			size += len(f.raw)
		}
	}
	return size
}

func (s *scanner) value(f span) any {
	if !f.plain || f.wanted.leaf < 0 {
		s.cursor.text, s.cursor.at = f.raw, 0
		return s.cursor.value()
	}
	b := &s.before[f.wanted.leaf]
	if text := f.raw[1 : len(f.raw)-1]; b.value == nil || string(text) != b.text {
		b.text = s.cursor.part(text)
		b.value = b.text
	}
	return b.value
}

// keep takes the text of a value, where that is wanted.
func (s *scanner) keep(w *wanted, text []byte, values []any) {
	if w.raw >= 0 {
		values[w.raw] = asJSON(bytes.Trim(text, " \t\r\n:,"))
	}
	if w.text < 0 {
		return
	}
	if text = bytes.TrimLeft(text, " \t\r\n:,"); isComposite(text) {
		values[w.text] = decoded.JSON(text)
	}
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
	case w.leaf >= 0 || w.raw >= 0:
		start := c.at
		v := c.value()
		s.keep(w, c.text[start:c.at], values)
		s.put(w, v, values)
	case c.kind() == '{':
		s.object(c, w, values)
	default:
		c.skip()
	}
}

// names lists the first names of a checked object, with their quotes and escapes.
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
	// scratch is where escapes are undone before a text gets its own memory, entries where those of a list gather.
	scratch []byte
	gather  []any
	// lent is true if strings may point into text. room is the memory of the row, or of its chunk, for other strings; without it each is
	// allocated.
	lent  bool
	room  []byte
	known map[string]string
	// infinite is true if a number was not finite; it happens only in texts that were checked with other numbers in their place.
	infinite bool
}

func newCursor(text []byte) cursor { return cursor{text: text} }

// kind returns the first byte of the next value, or the bracket that ends its list or object.
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

// members yields the names of the next object, with their quotes and escapes. The body has to read each value.
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

// entries yields once for each value of the next list. The body has to read it.
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
	c.at = jsonscan.SkipString(c.text, start+1)
	return c.text[start:c.at]
}

// raw returns the text of the next value.
func (c *cursor) raw() []byte {
	c.kind()
	start := c.at
	c.skip()
	return c.text[start:c.at]
}

// skip moves past the next value.
func (c *cursor) skip() {
	c.kind()
	c.at = jsonscan.SkipValue(c.text, c.at)
}

// value materialises a value.
func (c *cursor) value() any {
	switch c.kind() {
	case '{':
		object := map[string]any{}
		for name := range c.members {
			key := c.key(name)
			object[key] = c.value()
		}
		return object
	case '[':
		return c.list()
	case '"':
		return c.unquote(c.quoted())
	}
	start := c.at
	c.at = jsonscan.SkipValue(c.text, start)
	switch text := c.text[start:c.at]; text[0] {
	case 'n':
		return nil
	case 't', 'f':
		return text[0] == 't'
	default:
		if last := text[len(text)-1]; last == 'N' || last == 'y' {
			c.infinite = true
			return nil
		}
		return decoded.Number(c.part(text))
	}
}

// noEntries is every empty list: it has no room for what a caller could change.
var noEntries any = []any{}

// list takes a list, which gets memory when its length is known.
func (c *cursor) list() any {
	first := len(c.gather)
	for range c.entries {
		v := c.value() // which gathers as well
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
func (c *cursor) key(quoted []byte) string {
	if key, ok := c.known[string(quoted)]; ok {
		return key
	}
	key := string(plain(quoted))
	if len(quoted) <= knownBytes && len(c.known) < knownNames {
		if c.known == nil {
			c.known = map[string]string{}
		}
		c.known[string(quoted)] = key
	}
	return key
}

func (c *cursor) unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return c.part(quoted[1 : len(quoted)-1])
	}
	c.scratch, _ = jsonscan.AppendUnquoted(c.scratch[:0], quoted[1:len(quoted)-1])
	return c.own(c.scratch)
}

// part returns a part of the text as a string.
func (c *cursor) part(text []byte) string {
	if c.lent {
		return unsafe.String(unsafe.SliceData(text), len(text))
	}
	return c.own(text)
}

// own copies a text into the room, or allocates a string.
func (c *cursor) own(text []byte) string {
	if c.room == nil {
		return string(text)
	}
	from := len(c.room)
	c.room = append(c.room, text...) // Where that moves, what was there belongs to the strings in it.
	return unsafe.String(unsafe.SliceData(c.room[from:]), len(text))
}

// plain returns a name without its quotes and escapes.
func plain(quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	text, _ = jsonscan.AppendUnquoted(nil, text)
	return text
}
