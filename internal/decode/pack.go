package decode

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow is what `zstd --long=27` needs, the most that zstd itself unpacks without being told to.
	zstdWindow = 128 << 20
	// unpackFree and unpackRatio bound the unpacked size of a file: unpackFree bytes, and unpackRatio for each packed byte that was read so far.
	// Rows of text pack to a third or, where they repeat one template, to a fiftieth; a file made to fill a volume packs to a thousandth and less.
	unpackFree  = 64 << 20
	unpackRatio = 200
)

// The packings by their first bytes. bzip2 has three letters, a digit, and then the mark of a block or of an empty end.
const (
	magicGzip        = "\x1f\x8b"
	magicZstd        = "\x28\xb5\x2f\xfd"
	magicSkipped     = "\x2a\x4d\x18" // after a byte from 0x50 to 0x5f
	magicBzip2       = "BZh"
	bzip2Block       = "1AY&SY"
	bzip2End         = "\x17\x72\x45\x38\x50\x90"
	packingBytes     = len(magicBzip2) + 1 + len(bzip2Block)
	packingGzip      = "gzip"
	packingZstd      = "zstd"
	packingBzip2     = "bzip2"
	unpackedTwice    = "the file is packed twice: %s around Parquet or around another packing; unpack the outer one, since Parquet packs its own columns"
	packedWide       = "the zstd packing has a window of more than %d MiB, as zstd --long=31 makes it, which most programs refuse to read unless an option allows it; pack the file again with --long=27 or without --long"
	packedDictionary = "the file is packed with a zstd dictionary, which is not in the file; pack it again without one"
	unpackedBeyond   = "the file unpacks to more than %d bytes from %d packed ones, which is more than %d times as many and not the way of rows of text; check what the file is, and publish it unpacked if it is right"
)

// packing returns the name of a file's compression by its first bytes, "" for none.
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

// packingOf returns the name of a file's compression: by its first bytes, or, after frames that a zstd or lz4 reader skips, which pzstd and the
// seekable format put first, by those of the next frame.
func packingOf(src io.ReaderAt, size int64, magic []byte) (string, error) {
	head := make([]byte, packingBytes)
	copy(head, magic)
	at := int64(0)
	for range skippedMost {
		if !isSkippable(head) {
			break
		}
		if at += 8 + int64(binary.LittleEndian.Uint32(head[4:])); at >= size {
			return packingZstd, nil
		}
		n, err := src.ReadAt(head, at)
		if err != nil && err != io.EOF {
			return "", err
		}
		clear(head[n:])
	}
	switch {
	case at == 0:
		return packing(magic), nil
	case isSkippable(head) || packing(head) == packingZstd:
		return packingZstd, nil
	}
	return "", cmp.Or(refuse(head, ""), errSkipped)
}

// skippedMost is how many such frames are skipped.
const skippedMost = 64

var errSkipped = errors.New("the file begins with frames that a zstd reader skips, and what follows is not zstd; fetch the file again")

func isSkippable(head []byte) bool { return head[0]&0xf0 == 0x50 && string(head[1:4]) == magicSkipped }

// unpacked is a decompressed stream. Its errors explain what is wrong with the compression.
type unpacked struct {
	io.Reader
	packing string
	count   int64
	packed  *counted
	close   func()
	err     error
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
		z, err := newMembers(packed)
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

// Read returns the same last error however often it is called.
func (u *unpacked) Read(p []byte) (n int, err error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err = u.Reader.Read(p)
	u.count += int64(n)
	if u.packing == "" {
		return n, err
	}
	if most := unpackFree + unpackRatio*u.packed.count; u.count > most {
		text := fmt.Sprintf(unpackedBeyond, most, u.packed.count, unpackRatio)
		n, err = 0, &packingError{text: text, err: errors.ErrUnsupported}
	} else if err != nil && err != io.EOF {
		err = u.explain(err)
	}
	u.err = err
	return n, err
}

// members reads gzip: one member after another, and zeros after the last, which pad blocks of tapes and of some stores.
type members struct {
	*gzip.Reader
	packed *bufio.Reader
}

func newMembers(packed io.Reader) (*members, error) {
	m := &members{packed: bufio.NewReaderSize(packed, packedBuffer)}
	var err error
	if m.Reader, err = gzip.NewReader(m.packed); err != nil {
		return nil, err
	}
	m.Multistream(false)
	return m, nil
}

// packedBuffer is how many packed bytes are read at a time.
const packedBuffer = 64 << 10

func (m *members) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err != io.EOF {
		return n, err
	}
	b, err := m.packed.ReadByte()
	for padded := b == 0; err == nil && padded; {
		if b, err = m.packed.ReadByte(); err == nil && b != 0 {
			return n, gzip.ErrHeader
		}
	}
	if err != nil {
		return n, err // io.EOF: there is no more
	}
	_ = m.packed.UnreadByte() // Cannot fail: it was just read.
	if err := m.Reset(m.packed); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	m.Multistream(false)
	return n, nil
}

func (u *unpacked) explain(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return &packingError{text: fmt.Sprintf(packedWide, zstdWindow>>20), err: err}
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return &packingError{text: packedDictionary, err: err}
	}
	what := "is damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		what = "is cut short"
	}
	return &packingError{text: fmt.Sprintf("the %s packing %s after %d unpacked bytes (%v); fetch the file again", u.packing, what, u.count, err), err: err}
}

// packingError is an error below the format; what the format makes of a stream that ends in it does not matter.
type packingError struct {
	text string
	err  error
}

func (e *packingError) Error() string { return e.text }

func (e *packingError) Unwrap() error { return e.err }
