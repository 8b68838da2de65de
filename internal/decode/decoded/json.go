package decoded

import (
	"maps"
	"slices"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// JSON is the text of a list or an object as its source has it: the order of its members, its white space and its escapes. It is
// the value of a field that is asked for with Ordered, and with Raw, which asks for the text of any value.
type JSON string

// AppendValue writes a value whose objects have no order of their own.
func AppendValue(dst []byte, v any) []byte {
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
		return AppendEach(dst, v, AppendValue)
	case map[string]any:
		dst = append(dst, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			dst = AppendValue(AppendName(dst, i, name), v[name])
		}
		return append(dst, '}')
	}
	return append(dst, "null"...) // Rows hold nothing else.
}

// AppendName writes the name of an object's i-th member.
func AppendName(dst []byte, i int, name string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return append(jsonscan.AppendString(dst, name), ':')
}

// AppendEach writes the list v, each entry by the function, and anything else as AppendValue does.
func AppendEach(dst []byte, v any, each func([]byte, any) []byte) []byte {
	list, ok := v.([]any)
	if !ok {
		return AppendValue(dst, v)
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
