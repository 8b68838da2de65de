// Package jsonvalue reads values out of JSON texts: it checks a text by the strict rules of a row, finds the wanted values in it, and walks
// over a text that was checked.
package jsonvalue

import (
	"bytes"
	"errors"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// Checked returns the length of the JSON value that a text begins with, which is on one line and follows the rules of a row of JSON Lines, as a
// value requested with Raw does.
func Checked(text string) (length int, err error) {
	dec := jsontext.NewDecoder(strings.NewReader(text))
	value, err := dec.ReadValue()
	if err != nil {
		return 0, Error(err)
	}
	if end := int(dec.InputOffset()); end == len(value) && strings.IndexByte(text[:end], '\n') < 0 && strings.IndexByte(text[:end], '\r') < 0 {
		return end, nil
	}
	return 0, errors.New("a value begins with white space, or goes over several lines")
}

// Values finds where values of JSON end in a line, much faster than Checked does, which accepts every value that it finds.
type Values struct {
	checker *Checker
	// odd is true if the line has line ends, which no value may have.
	odd bool
}

// checkers are reused.
var checkers = sync.Pool{New: func() any { return new(Checker) }}

// NewValues returns the Values of a line, which must be UTF-8.
func NewValues(line []byte) Values {
	c := checkers.Get().(*Checker)
	control, _ := jsonscan.Survey(line)
	c.text, c.names, c.Found, c.unescaped, c.Many = line, c.names[:0], c.Found[:0], c.unescaped[:0], false
	c.smooth, c.backslash = !control, -1
	return Values{c, control && bytes.ContainsAny(line, "\r\n")}
}

// Close returns the memory.
func (v Values) Close() {
	v.checker.text = nil
	checkers.Put(v.checker)
}

// End returns the place after the value that begins at a place, -1 if none begins there.
func (v Values) End(at int) int {
	if v.odd || at >= len(v.checker.text) {
		return -1
	}
	v.checker.backslash = -1
	return v.checker.value(at, 1)
}

// Parse returns the value of a text of JSON, such as a column or a field may hold, by the rules of a row of JSON Lines.
func Parse(text string) (any, error) {
	raw := jsontext.Value(text)
	if !raw.IsValid() {
		dec := jsontext.NewDecoder(strings.NewReader(text))
		_, err := dec.ReadValue()
		if err == nil {
			err = End(dec)
		}
		return nil, Error(err)
	}
	c := NewCursor(raw)
	return c.Value(), nil
}
