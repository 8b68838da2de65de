package decode

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Checked is how many bytes of a text the JSON value takes with which it begins, where that is on one line and is by the rules of a row
// of JSON Lines. A value that a row was asked for with Raw is one.
func Checked(text string) (length int, err error) {
	dec := jsontext.NewDecoder(strings.NewReader(text))
	value, err := dec.ReadValue()
	if err != nil {
		return 0, jsonError(err)
	}
	if end := int(dec.InputOffset()); end == len(value) && strings.IndexByte(text[:end], '\n') < 0 && strings.IndexByte(text[:end], '\r') < 0 {
		return end, nil
	}
	return 0, errors.New("a value begins with white space, or goes over several lines")
}

// Text opens a text that holds one JSON value, by the rules of a row of JSON Lines: what a column of another format, or a field,
// holds as text.
func Text(text string) (any, error) {
	raw := jsontext.Value(text)
	if !raw.IsValid() {
		dec := jsontext.NewDecoder(strings.NewReader(text))
		_, err := dec.ReadValue()
		if err == nil {
			err = end(dec)
		}
		return nil, jsonError(err)
	}
	c := newCursor(raw)
	return c.value(), nil
}
