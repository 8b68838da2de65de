package decode

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// JSON is the text of a list or an object as its source has it: the order of its members, its white space and its escapes. It is
// the value of a field that is asked for with Ordered, and with Raw, which asks for the text of any value.
type JSON string

// asJSON is the text of a value that was checked, on one line: of one that goes over several there is no white space between its
// parts.
func asJSON(text []byte) JSON {
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return JSON(text)
	}
	return JSON(appendTight(make([]byte, 0, len(text)), text))
}

// appendTight appends checked JSON text without the white space between its parts.
func appendTight(dst, text []byte) []byte {
	for at := 0; at < len(text); at++ {
		switch b := text[at]; b {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := jsonscan.SkipString(text, at+1)
			dst = append(dst, text[at:end]...)
			at = end - 1
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// plainJSON is the text of a value that has no text of its own.
func plainJSON(v any) JSON { return JSON(appendPlain(nil, v)) }

// isComposite reports whether checked JSON text is a list or an object.
func isComposite(text []byte) bool { return len(text) > 0 && (text[0] == '{' || text[0] == '[') }

// ordered is the JSON text of a value of the node: the members of a group in the order of the schema, those of a MAP by name.
func (n *node) ordered(v any) JSON { return JSON(n.appendValue(nil, v)) }

// text is the text of a value that is a list or an object, else nil.
func (f found) text(v any) any {
	switch v.(type) {
	case []any, map[string]any:
		if len(f.keys) == 0 {
			return f.node.ordered(v)
		}
	}
	return nil
}

func (n *node) appendValue(dst []byte, v any) []byte {
	if n.kind == format.Repeated {
		return appendEach(dst, v, n.appendPresent)
	}
	return n.appendPresent(dst, v)
}

// appendPresent is the counterpart of present.
func (n *node) appendPresent(dst []byte, v any) []byte {
	object, isObject := v.(map[string]any)
	switch {
	case n.list && !isObject:
		element := n.children[0]
		if element.wraps(n.name) {
			return appendEach(dst, v, element.children[0].appendValue)
		}
		return appendEach(dst, v, element.appendPresent)
	case !isObject:
		return appendPlain(dst, v)
	case n.mapped:
		return appendPlain(dst, v)
	}
	dst = append(dst, '{')
	for i, c := range n.children {
		dst = c.appendValue(appendName(dst, i, c.name), object[c.name])
	}
	return append(dst, '}')
}

func appendName(dst []byte, i int, name string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return append(jsonscan.AppendString(dst, name), ':')
}

func appendEach(dst []byte, v any, each func([]byte, any) []byte) []byte {
	list, ok := v.([]any)
	if !ok {
		return appendPlain(dst, v)
	}
	dst = append(dst, '[')
	for i, entry := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = each(dst, entry)
	}
	return append(dst, ']')
}

// appendPlain writes a value whose objects have no order of their own.
func appendPlain(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case Number:
		return append(dst, v...)
	case string:
		return jsonscan.AppendString(dst, v)
	case []any:
		return appendEach(dst, v, appendPlain)
	case map[string]any:
		dst = append(dst, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			dst = appendPlain(appendName(dst, i, name), v[name])
		}
		return append(dst, '}')
	}
	return append(dst, "null"...) // Rows hold nothing else.
}
