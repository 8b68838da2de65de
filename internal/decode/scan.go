package decode

import (
	"bytes"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// namesShown bounds the names that the message about a missing field lists.
const namesShown = 64

// scanner takes the wanted fields out of JSON objects.
type scanner struct {
	selection
	nonFinite decoded.NonFinite
	cursor    jsonvalue.Cursor
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
	c.Text, c.At, c.Lent = text, 0, false // Its memory for lists and names is used again.
	if kind := c.Kind(); kind != '{' {
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
func (s *scanner) spans(text []byte, found []jsonvalue.Span, values []any) error {
	if s.there == nil {
		s.there = names(text)
	}
	s.plain = 0
	if s.before == nil {
		s.before = make([]boxed, len(values))
	}
	s.cursor.Lent = s.lent && !s.odd // of an odd row, the text is a copy that is used again
	if !s.lent {
		size := s.size(text, found)
		if err := boundedSpans(found, size); err != nil { // which the rows of a chunk cannot be
			return err
		}
		s.cursor.Room = make([]byte, 0, size)
	}
	clearValues(values)
	for _, f := range found {
		if f.Wanted.Bare() && !s.odd {
			values[f.Wanted.Raw] = asJSON(f.Raw)
			continue
		}
		v := s.value(f)
		raw, err := s.finite(f.Raw)
		if err != nil {
			return err
		}
		s.keep(f.Wanted, raw, values)
		s.put(f.Wanted, v, values)
		if f.Plain && f.Wanted.Leaf >= 0 && f.Wanted.Own {
			s.plain |= 1 << f.Wanted.Leaf
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
		s.cursor.Text, s.cursor.At = text, 0
		s.cursor.Value()
		if text, err = s.finite(text); err != nil {
			return err
		}
	}
	values[s.whole] = asJSON(text)
	return nil
}

// finite returns the text of the value that was read last, with null in the place of numbers that are not finite, where that is how they are read.
func (s *scanner) finite(raw []byte) ([]byte, error) {
	if !s.cursor.Infinite {
		return raw, nil
	}
	s.cursor.Infinite = false
	if _, err := decoded.NotFinite(s.nonFinite); err != nil {
		return nil, err
	}
	return withNulls(raw), nil
}

// size returns how many bytes the wanted values have that are not those of the row before.
func (s *scanner) size(text []byte, found []jsonvalue.Span) (size int) {
	if s.whole >= 0 {
		size = len(text)
	}
	for i := range found {
		if f := &found[i]; f.Wanted.Leaf < 0 || !f.Plain || string(f.Raw[1:len(f.Raw)-1]) != s.before[f.Wanted.Leaf].text {
			size += len(f.Raw)
		}
	}
	return size
}

func (s *scanner) value(f jsonvalue.Span) any {
	if !f.Plain || f.Wanted.Leaf < 0 {
		s.cursor.Text, s.cursor.At = f.Raw, 0
		return s.cursor.Value()
	}
	b := &s.before[f.Wanted.Leaf]
	if text := f.Raw[1 : len(f.Raw)-1]; b.value == nil || string(text) != b.text {
		b.text = s.cursor.Part(text)
		b.value = b.text
	}
	return b.value
}

// keep takes the text of a value, where that is wanted.
func (s *scanner) keep(w *jsonvalue.Wanted, text []byte, values []any) {
	if w.Raw >= 0 {
		values[w.Raw] = asJSON(bytes.Trim(text, " \t\r\n:,"))
	}
	if w.Text < 0 {
		return
	}
	if text = bytes.TrimLeft(text, " \t\r\n:,"); isComposite(text) {
		values[w.Text] = decoded.JSON(text)
	}
}

func (s *scanner) object(c *jsonvalue.Cursor, w *jsonvalue.Wanted, values []any) {
	for name := range c.Members {
		s.member(c, w.Find(name), values)
	}
}

// member reads the value of one name: materialised if a field ends here, entered if one ends below, else skipped.
func (s *scanner) member(c *jsonvalue.Cursor, w *jsonvalue.Wanted, values []any) {
	switch {
	case w == nil:
		c.Skip()
	case w.Leaf >= 0 || w.Raw >= 0:
		start := c.At
		v := c.Value()
		s.keep(w, c.Text[start:c.At], values)
		s.put(w, v, values)
	case c.Kind() == '{':
		s.object(c, w, values)
	default:
		c.Skip()
	}
}

// names lists the first names of a checked object, with their quotes and escapes.
func names(text []byte) []string {
	found := []string{}
	c := jsonvalue.NewCursor(text)
	for name := range c.Members {
		if len(found) == namesShown {
			break
		}
		found = append(found, string(name))
		c.Skip()
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
