package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// window is how many unpacked bytes are looked at to tell the formats apart.
	window = 64 << 10
	// zstdWindow is what `zstd --long=27` needs, the most that zstd itself unpacks without being told to.
	zstdWindow = 128 << 20
)

// refused are formats that are known by their first bytes and not read, with what to do instead.
var refused = []struct{ magic, message string }{
	{"PARE", "the file is encrypted Parquet, which is not supported; publish it unencrypted"},
	{"PK\x03\x04", "the file is a zip archive, which is not supported; name the files inside it, unpacked or as gzip"},
	{"BZh", "the file is packed with bzip2, which is not supported; use gzip, zstd or no packing"},
	{"\xfd7zXZ\x00", "the file is packed with xz, which is not supported; use gzip, zstd or no packing"},
	{"ARROW1", "the file is an Arrow file, which is not supported; publish it as Parquet or JSON Lines"},
	{"\xff\xfe", "the text is UTF-16; convert it to UTF-8"},
	{"\xfe\xff", "the text is UTF-16; convert it to UTF-8"},
	{"version https://git-lfs", "the file is a Git LFS pointer, not the data; fetch the file that it points to"},
	{"<", "the file is HTML or XML, most likely an error page saved in place of the data; fetch it again"},
}

const (
	magicParquet = "PAR1"
	magicGzip    = "\x1f\x8b"
	magicZstd    = "\x28\xb5\x2f\xfd"
	byteOrder    = "\xef\xbb\xbf"
)

// open finds the format of a file and starts reading it.
func open(f File, src *source, fields []Field) (rows, error) {
	raw := bufio.NewReader(io.NewSectionReader(src, 0, f.Size))
	magic, err := raw.Peek(4)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case string(magic) == magicParquet:
		return openParquet(src, f.Size, fields)
	}
	unpacked, err := unpack(raw, string(magic))
	if err != nil {
		return nil, err
	}
	r, err := openText(unpacked, fields)
	if err != nil {
		unpacked.close()
		return nil, err
	}
	return r, nil
}

// unpacked is a stream without its packing. Its errors say what is wrong with the packing.
type unpacked struct {
	io.Reader
	packing string
	count   int64
	close   func()
}

func unpack(raw io.Reader, magic string) (*unpacked, error) {
	u := &unpacked{Reader: raw, close: func() {}}
	switch {
	case len(magic) >= 2 && magic[:2] == magicGzip:
		u.packing = "gzip"
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, u.explain(err)
		}
		u.Reader = z
	case magic == magicZstd:
		u.packing = "zstd"
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, u.explain(err)
		}
		u.Reader, u.close = z, z.Close
	}
	return u, nil
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.count += int64(n)
	if err != nil && err != io.EOF && u.packing != "" {
		err = u.explain(err)
	}
	return n, err
}

func (u *unpacked) explain(err error) error {
	what := "is damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		what = "is cut short"
	}
	return &packingError{text: fmt.Sprintf("the %s packing %s after %d unpacked bytes (%v); fetch the file again", u.packing, what, u.count, err), err: err}
}

// packingError is trouble below the format; what the format makes of a stream that ends in it is beside the point.
type packingError struct {
	text string
	err  error
}

func (e *packingError) Error() string { return e.text }

func (e *packingError) Unwrap() error { return e.err }

// openText starts one of the JSON forms.
func openText(u *unpacked, fields []Field) (rows, error) {
	stream := bufio.NewReaderSize(u, window)
	head, err := stream.Peek(window)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte(byteOrder)) {
		_, _ = stream.Discard(len(byteOrder)) // Cannot fail: the bytes were peeked.
		head = head[len(byteOrder):]
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	if err := refuse(text, u.packing); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(text, []byte("[")):
		return openArray(stream, u.close, fields), nil
	case isSquad(text):
		return openSquad(stream, u.close, fields)
	case len(text) == 0 || text[0] == '{':
		return openLines(stream, u.close, fields), nil
	}
	return nil, fmt.Errorf("the file begins with %q, which is none of the formats that are read: JSON Lines, a JSON array of objects, SQuAD JSON, Parquet; give it in one of these", text[:min(len(text), 16)])
}

func refuse(text []byte, packing string) error {
	if packing != "" && (bytes.HasPrefix(text, []byte(magicParquet)) || bytes.HasPrefix(text, []byte(magicGzip)) || bytes.HasPrefix(text, []byte(magicZstd))) {
		return fmt.Errorf("the file is packed twice: %s around Parquet or around another packing; unpack the outer one, since Parquet packs its own columns", packing)
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
