package record

import (
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

// ValueOf returns a decoded value in the published form. Numbers keep the source's digits; the names of an object are sorted, since their
// order at the source is lost.
func ValueOf(v any) JSON {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	*buffer = decoded.AppendValue((*buffer)[:0], v)
	return JSON(*buffer)
}

// StringOf returns the JSON string of s.
func StringOf(s string) JSON {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	*buffer = jsonscan.AppendString((*buffer)[:0], s)
	return JSON(*buffer)
}
