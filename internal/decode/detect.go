package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/parquet"
)

// window is how many unpacked bytes are read to detect the format.
const window = 64 << 10

const byteOrder = "\xef\xbb\xbf"

// open finds the format of a file and starts reading it.
func open(f File, src *source, fields []decoded.Field) (decoded.Reader, error) {
	raw := bufio.NewReader(io.NewSectionReader(src, 0, f.Size))
	magic, err := raw.Peek(packingBytes)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case bytes.HasPrefix(magic, []byte(parquet.Magic)):
		if len(f.Path) > 0 {
			return nil, errPath
		}
		return parquet.Open(src, f.Size, fields, f.NonFinite, f.Own)
	}
	packed, err := packingOf(src, f.Size, magic)
	if err != nil {
		return nil, err
	}
	unpacked, err := unpack(io.NewSectionReader(src, 0, f.Size), packed)
	if err != nil {
		return nil, err
	}
	r, err := openText(unpacked, f, fields)
	if err != nil {
		unpacked.close()
		return nil, err
	}
	return r, nil
}

var errPath = errors.New("a path to the rows is only for a JSON document, which this file is not; omit it")

// openText starts one of the text formats.
func openText(u *unpacked, f File, fields []decoded.Field) (decoded.Reader, error) {
	stream := bufio.NewReaderSize(u, window)
	head, err := stream.Peek(window)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, err
	}
	whole := err == io.EOF
	if bytes.HasPrefix(head, []byte(byteOrder)) {
		_, _ = stream.Discard(len(byteOrder)) // Cannot fail: the bytes were peeked.
		head = head[len(byteOrder):]
	}
	if err := refuse(head, u.packing); err != nil {
		return nil, err
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(text) == 0:
		return openLines(stream, u.close, f, fields), nil // Blank lines, and no rows.
	case f.Table == nil && (text[0] == '{' || text[0] == '['):
		return openJSON(stream, u.close, text, f, fields)
	case len(f.Path) > 0:
		return nil, errPath
	}
	if t, ok := findTable(head, whole, f, fields); ok {
		return openTable(stream, u.close, t, fields)
	}
	return nil, fmt.Errorf("the file begins with %q, which is none of the formats that are read: JSON Lines, a JSON array of objects, SQuAD JSON, CSV with a header and rows of as many fields, Parquet; give it in one of these, or set read.table if it is a table", text[:min(len(text), 16)])
}

// openJSON starts the JSON form that text begins.
func openJSON(stream io.Reader, done func(), text []byte, f File, fields []decoded.Field) (decoded.Reader, error) {
	switch {
	case len(f.Path) > 0 || text[0] == '[':
		return openArray(stream, done, f, fields), nil
	case isSquad(text):
		return openSquad(stream, done, fields)
	case isDocument(text):
		return nil, documentError(text)
	default:
		return openLines(stream, done, f, fields), nil
	}
}

// isSquad reports whether text begins an object with data[].paragraphs. It walks the names from the front and stops at the
// first that decides; what does not parse within the window is left to the format that then reads it.
func isSquad(text []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	return enter(dec, '{') && find(dec, "data") && enter(dec, '[') && enter(dec, '{') && find(dec, "paragraphs") && dec.PeekKind() == '['
}

func enter(dec *jsontext.Decoder, kind jsontext.Kind) bool {
	if dec.PeekKind() != kind {
		return false
	}
	_, err := dec.ReadToken()
	return err == nil
}

// find moves to the value of a name in the object that was entered.
func find(dec *jsontext.Decoder, name string) bool {
	for dec.PeekKind() == '"' {
		tok, err := dec.ReadToken()
		if err != nil {
			return false
		}
		if tok.String() == name {
			return true
		}
		if dec.SkipValue() != nil {
			return false
		}
	}
	return false
}
