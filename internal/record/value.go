package record

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// FormatValue writes the text of a value in the published form: no white space, strings with the fewest escapes, and all else unchanged, even the
// order of members, which a chat template shows to a model.
func FormatValue(text decoded.JSON) (JSON, error) {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	written, err := jsontext.AppendFormat((*buffer)[:0], []byte(text))
	*buffer = written
	return JSON(written), err
}

// ValueOf writes a decoded value in the published form. Numbers keep the source's digits; the names of an object are sorted, since their order at
// the source is lost.
func ValueOf(v any) (JSON, error) {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	text, err := AppendValue((*buffer)[:0], v)
	*buffer = text
	return JSON(text), err
}

// StringOf returns the JSON string of s.
func StringOf(s string) JSON {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	*buffer = jsonscan.AppendString((*buffer)[:0], s)
	return JSON(*buffer)
}

// AppendValue appends a decoded value in the published form, as ValueOf writes it.
func AppendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return jsonscan.AppendString(dst, v), nil
	case decoded.Number:
		return append(dst, v...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case []any:
		return appendList(dst, v)
	case map[string]any:
		return appendObject(dst, v)
	}
	return dst, fmt.Errorf("a %T cannot stand in the metadata", v)
}

func appendList(dst []byte, list []any) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = AppendValue(dst, v); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendObject(dst []byte, object map[string]any) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, name), ':')
		if dst, err = AppendValue(dst, object[name]); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
