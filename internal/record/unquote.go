package record

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// meanings are what the escapes of one letter stand for; 0 means none.
var meanings = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// AppendUnquoted appends what a JSON string means, of which raw is what stands between the quotes. Most texts have few escapes, and those of
// one letter: what lies between them is copied as it is.
func AppendUnquoted(dst, raw []byte) ([]byte, error) {
	begin, all := len(dst), raw
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			return append(dst, raw...), nil
		}
		if at+1 == len(raw) || meanings[raw[at+1]] == 0 {
			break
		}
		dst = append(append(dst, raw[:at]...), meanings[raw[at+1]])
		raw = raw[at+2:]
	}
	quoted := append(append(append(make([]byte, 0, len(all)+2), '"'), all...), '"')
	return jsontext.AppendUnquote(dst[:begin], quoted)
}
