package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// window is how many unpacked bytes are looked at to tell the formats apart.
const window = 64 << 10

// refused are formats that are known by their first bytes and not read, with what to do instead.
var refused = []struct{ magic, message string }{
	{"PARE", "the file is encrypted Parquet, which is not supported; publish it unencrypted"},
	{"PK\x03\x04", "the file is a zip archive, which is not supported; name the files inside it, unpacked or as gzip"},
	{"\xfd7zXZ\x00", "the file is packed with xz, which is not supported; use gzip, bzip2, zstd or no packing"},
	{"\x04\x22\x4d\x18", "the file is packed with lz4, which is not supported; use gzip, bzip2, zstd or no packing"},
	{"ARROW1", "the file is an Arrow file, which is not supported; publish it as Parquet or JSON Lines"},
	{"\xff\xfe", "the text is UTF-16; convert it to UTF-8"},
	{"\xfe\xff", "the text is UTF-16; convert it to UTF-8"},
	{"version https://git-lfs", "the file is a Git LFS pointer, not the data; fetch the file that it points to"},
	{"<", "the file is HTML or XML, most likely an error page saved in place of the data; fetch it again"},
}

const (
	magicParquet = "PAR1"
	byteOrder    = "\xef\xbb\xbf"
)

// open finds the format of a file and starts reading it.
func open(f File, src *source, fields []Field) (rows, error) {
	raw := bufio.NewReader(io.NewSectionReader(src, 0, f.Size))
	magic, err := raw.Peek(packingBytes)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case bytes.HasPrefix(magic, []byte(magicParquet)):
		if len(f.Path) > 0 {
			return nil, errPath
		}
		return openParquet(f, src, fields)
	}
	unpacked, err := unpack(raw, packing(magic))
	if err != nil {
		return nil, err
	}
	r, err := openText(unpacked, f.Path, fields)
	if err != nil {
		unpacked.close()
		return nil, err
	}
	return r, nil
}

var errPath = errors.New("a path to the rows is only for a JSON document, which this file is not; leave it away")

// openText starts one of the text formats.
func openText(u *unpacked, path []string, fields []Field) (rows, error) {
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
	text := bytes.TrimLeft(head, " \t\r\n")
	if err := refuse(text, u.packing); err != nil {
		return nil, err
	}
	switch {
	case len(text) == 0:
		return openLines(stream, u.close, fields), nil // Blank lines, and at last that there are no rows.
	case text[0] == '{' || text[0] == '[':
		return openJSON(stream, u.close, text, path, fields)
	case len(path) > 0:
		return nil, errPath
	}
	if delimiter := findDelimiter(head, whole); delimiter != 0 {
		return openTable(stream, u.close, delimiter, fields)
	}
	return nil, fmt.Errorf("the file begins with %q, which is none of the formats that are read: JSON Lines, a JSON array of objects, SQuAD JSON, CSV with a header and rows of as many fields, Parquet; give it in one of these", text[:min(len(text), 16)])
}

// openJSON starts the JSON form that text begins.
func openJSON(stream io.Reader, done func(), text []byte, path []string, fields []Field) (rows, error) {
	switch {
	case len(path) > 0 || text[0] == '[':
		return openArray(stream, done, path, fields), nil
	case isSquad(text):
		return openSquad(stream, done, fields)
	case isDocument(text):
		return nil, documentError(text)
	default:
		return openLines(stream, done, fields), nil
	}
}

func refuse(text []byte, packed string) error {
	if packed != "" && (bytes.HasPrefix(text, []byte(magicParquet)) || packing(text) != "") {
		return fmt.Errorf(unpackedTwice, packed)
	}
	for _, r := range refused {
		if bytes.HasPrefix(text, []byte(r.magic)) {
			return errors.New(r.message)
		}
	}
	return nil
}

// isSquad says whether text begins an object with data[].paragraphs. It walks the names from the front and stops at the
// first that decides; whatever does not parse within the window is left to the format that then reads it.
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
