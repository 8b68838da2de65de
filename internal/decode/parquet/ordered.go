package parquet

import (
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// ordered returns the JSON text of a value of the node: the members of a group in the order of the schema, those of a MAP by name.
func (n *node) ordered(v any) decoded.JSON { return decoded.JSON(n.appendValue(nil, v)) }

// text returns the text of a value that is a list or an object, else nil.
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
		return decoded.AppendEach(dst, v, n.appendPresent)
	}
	return n.appendPresent(dst, v)
}

// appendPresent returns the counterpart of present.
func (n *node) appendPresent(dst []byte, v any) []byte {
	object, isObject := v.(map[string]any)
	switch {
	case n.list && !isObject:
		element := n.children[0]
		if element.wraps(n.name) {
			return decoded.AppendEach(dst, v, element.children[0].appendValue)
		}
		return decoded.AppendEach(dst, v, element.appendPresent)
	case !isObject:
		return decoded.AppendValue(dst, v)
	case n.mapped:
		return decoded.AppendValue(dst, v)
	}
	dst = append(dst, '{')
	for i, c := range n.children {
		dst = c.appendValue(decoded.AppendName(dst, i, c.name), object[c.name])
	}
	return append(dst, '}')
}
