package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"

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

// row reads one object from dec into values, all of it: what is not wanted is checked and dropped. A missing field is
// explained by the names of the first row.
func (s *scanner) row(dec *jsontext.Decoder, values []any) error {
	if kind := dec.PeekKind(); kind != '{' && kind != jsontext.KindInvalid {
		return fmt.Errorf("a row must be a JSON object, not a %s; correct it at the source", kindName(kind))
	}
	clearValues(values)
	learn := s.there == nil
	if err := s.object(dec, s.root, values, learn); err != nil {
		return jsonError(err)
	}
	if missing := s.settle(values); missing != "" {
		return missingField(missing, s.there)
	}
	return nil
}

func (s *scanner) object(dec *jsontext.Decoder, w *wanted, values []any, learn bool) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if learn && len(s.there) < namesShown {
			s.there = append(s.there, string(name))
		}
		if err := s.member(dec, w.find(name), values); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// member reads the value of one name: materialised if a field ends here, entered if one ends below, else dropped.
func (s *scanner) member(dec *jsontext.Decoder, w *wanted, values []any) error {
	switch {
	case w == nil:
		return dec.SkipValue()
	case w.leaf >= 0:
		v, err := readValue(dec)
		if err != nil {
			return err
		}
		s.put(w, v, values)
		return nil
	case dec.PeekKind() == '{':
		return s.object(dec, w, values, false)
	default:
		return dec.SkipValue()
	}
}

// readValue materialises the next value.
func readValue(dec *jsontext.Decoder) (any, error) {
	switch dec.PeekKind() {
	case '{':
		return readObject(dec)
	case '[':
		return readArray(dec)
	case '"':
		return readString(dec)
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case '0':
		return Number(tok.String()), nil
	case 'n':
		return nil, nil
	default:
		return tok.Bool(), nil
	}
}

// readString copies a string that has no escapes as it stands: finding a backslash is many times faster than unquoting.
func readString(dec *jsontext.Decoder) (any, error) {
	quoted, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	text, err := jsontext.AppendUnquote(make([]byte, 0, len(quoted)), quoted)
	return string(text), err
}

func readObject(dec *jsontext.Decoder) (any, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	object := map[string]any{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String() // Before the next read: a token is only good until then.
		if object[key], err = readValue(dec); err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken()
	return object, err
}

func readArray(dec *jsontext.Decoder) (any, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	array := []any{}
	for dec.PeekKind() != ']' {
		v, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	_, err := dec.ReadToken()
	return array, err
}

// end checks that nothing follows the last value.
func end(dec *jsontext.Decoder) error {
	switch _, err := dec.ReadToken(); {
	case err == io.EOF:
		return nil
	case err != nil:
		return jsonError(err)
	default:
		return errors.New("there is more text after the end of the JSON value; correct it at the source")
	}
}

// jsonError says in words what is wrong with JSON text. Trouble below the text comes through as it is.
func jsonError(err error) error {
	var syntax *jsontext.SyntacticError
	var packing *packingError
	switch {
	case errors.As(err, &packing):
		return packing
	case errors.Is(err, errTooLong):
		return errTooLong
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the JSON ends before it is complete: the file was cut short or a row goes over several lines; fetch it again or correct it at the source: %w", io.ErrUnexpectedEOF)
	case !errors.As(err, &syntax):
		return err
	case syntax.JSONPointer != "":
		return fmt.Errorf("this is not valid JSON at byte %d, in %q: %w; correct it at the source", syntax.ByteOffset, syntax.JSONPointer, syntax.Err)
	default:
		return fmt.Errorf("this is not valid JSON at byte %d: %w; correct it at the source", syntax.ByteOffset, syntax.Err)
	}
}

var kindNames = map[jsontext.Kind]string{'[': "list", '"': "string", '0': "number", 't': "boolean", 'f': "boolean", 'n': "null"}

func kindName(kind jsontext.Kind) string {
	if name, ok := kindNames[kind]; ok {
		return name
	}
	return kind.String()
}
