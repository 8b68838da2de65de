package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

var errPageLength = errors.New("a page unpacks to another length than its header says")

// pageZstd unpacks pages concurrently, each into the memory that it is given and no more.
var pageZstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxPage))
})

var pageGzip = sync.Pool{New: func() any { return new(gzip.Reader) }}

// unpackPage fills dst, which is as long as the page claims to be. It allocates nothing beyond that, and what does not fill dst to the byte is
// damaged.
func unpackPage(codec format.CompressionCodec, dst, src []byte) error {
	if len(dst) == 0 {
		return nil // Some writers pack nothing to nothing.
	}
	n, err := len(dst), error(nil)
	switch codec {
	case format.Snappy:
		if n, err = snappy.DecodedLen(src); err == nil && n == len(dst) {
			_, err = snappy.Decode(dst, src)
		}
	case format.Gzip:
		r := pageGzip.Get().(*gzip.Reader)
		defer pageGzip.Put(r)
		if err = r.Reset(bytes.NewReader(src)); err == nil {
			n, err = fillPage(dst, r)
		}
	case format.Brotli:
		// A new reader for each page: one that has met a damaged page does not read the next one correctly, even after a reset.
		n, err = fillPage(dst, brotli.NewReader(bytes.NewReader(src)))
	case format.Zstd:
		var all *zstd.Decoder
		if all, err = pageZstd(); err == nil {
			var out []byte
			out, err = all.DecodeAll(src, dst[:0:len(dst)])
			n = len(out)
		}
	case format.Lz4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	default:
		return fmt.Errorf("its pages are packed with %s, which is not read; write the file with zstd or Snappy", codec)
	}
	if err != nil {
		return fmt.Errorf("a page cannot be unpacked with %s: %w", codec, err)
	}
	if n != len(dst) {
		return errPageLength
	}
	return nil
}

// fillPage fills dst and requires the end of the stream after it, where checksums are compared. A longer stream counts as one
// byte more.
func fillPage(dst []byte, r io.Reader) (int, error) {
	if n, err := io.ReadFull(r, dst); err != nil {
		return n, err
	}
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return len(dst) + 1, nil
	case err == io.EOF:
		return len(dst), nil
	default:
		return len(dst), err
	}
}
