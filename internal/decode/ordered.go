package decode

import (
	"bytes"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// asJSON returns the text of a checked value on one line: if it has several lines, the white space between its parts is removed.
func asJSON(text []byte) decoded.JSON {
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return decoded.JSON(text)
	}
	return decoded.JSON(appendTight(make([]byte, 0, len(text)), text))
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

// plainJSON returns the JSON text of a value whose source is not JSON.
func plainJSON(v any) decoded.JSON { return decoded.JSON(decoded.AppendValue(nil, v)) }

// isComposite reports whether checked JSON text is a list or an object.
func isComposite(text []byte) bool { return len(text) > 0 && (text[0] == '{' || text[0] == '[') }
