package decode

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

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
