package decode

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow is what `zstd --long=27` needs, the most that zstd itself unpacks without being told to.
	zstdWindow = 128 << 20
	// unpackFree and unpackRatio bound what a packed file may become: unpackFree bytes, and unpackRatio for each packed byte
	// that was read so far. Rows of text pack to a third or, where they repeat one template, to a fiftieth; a file made to
	// fill a volume packs to a thousandth and less.
	unpackFree  = 64 << 20
	unpackRatio = 200
)

// The packings by their first bytes. bzip2 has three letters, a digit, and then the mark of a block or of an empty end.
const (
	magicGzip      = "\x1f\x8b"
	magicZstd      = "\x28\xb5\x2f\xfd"
	magicBzip2     = "BZh"
	bzip2Block     = "1AY&SY"
	bzip2End       = "\x17\x72\x45\x38\x50\x90"
	packingBytes   = len(magicBzip2) + 1 + len(bzip2Block)
	packingGzip    = "gzip"
	packingZstd    = "zstd"
	packingBzip2   = "bzip2"
	unpackedTwice  = "the file is packed twice: %s around Parquet or around another packing; unpack the outer one, since Parquet packs its own columns"
	unpackedBeyond = "the file unpacks to more than %d bytes from %d packed ones, which is more than %d times as many and not the way of rows of text; check what the file is, and publish it unpacked if it is right"
)

// packing names what a file is packed with, by its first bytes; "" is nothing.
func packing(magic []byte) string {
	switch {
	case bytes.HasPrefix(magic, []byte(magicGzip)):
		return packingGzip
	case bytes.HasPrefix(magic, []byte(magicZstd)):
		return packingZstd
	case len(magic) >= packingBytes && bytes.HasPrefix(magic, []byte(magicBzip2)) && magic[3] >= '1' && magic[3] <= '9':
		if block := string(magic[4:packingBytes]); block == bzip2Block || block == bzip2End {
			return packingBzip2
		}
	}
	return ""
}

// unpacked is a stream without its packing. Its errors say what is wrong with the packing.
type unpacked struct {
	io.Reader
	packing string
	count   int64
	packed  *counted
	close   func()
}

// counted counts the bytes that were read.
type counted struct {
	io.Reader
	count int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.count += int64(n)
	return n, err
}

func unpack(raw io.Reader, packing string) (*unpacked, error) {
	packed := &counted{Reader: raw}
	u := &unpacked{Reader: raw, packing: packing, packed: packed, close: func() {}}
	switch packing {
	case packingGzip:
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, u.explain(err)
		}
		u.Reader = z
	case packingZstd:
		z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, u.explain(err)
		}
		u.Reader, u.close = z, z.Close
	case packingBzip2:
		u.Reader = bzip2.NewReader(packed)
	}
	return u, nil
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.count += int64(n)
	if u.packing == "" {
		return n, err
	}
	if most := unpackFree + unpackRatio*u.packed.count; u.count > most {
		text := fmt.Sprintf(unpackedBeyond, most, u.packed.count, unpackRatio)
		return 0, &packingError{text: text, err: errors.ErrUnsupported}
	}
	if err != nil && err != io.EOF {
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
