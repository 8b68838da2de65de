package encode

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow is how far back a repetition is found. A mix that repeats rows has them near one another, which 4 MiB find
	// half as often again as 1 MiB do; 8 MiB find little more and take twice the memory, here and in every reader.
	zstdWindow = 4 << 20
	// zstdMostWindow is the largest window that is read: what RFC 8878 asks every reader to have.
	zstdMostWindow = 8 << 20
	// zstdWorkers look for repetitions in one block while the one before is coded. The bytes do not depend on it.
	zstdWorkers = 2

	zstdChecksum    = 4
	zstdBlockHeader = 3
)

// newZstdWriter packs into a single frame. Separate frames that could be packed concurrently would be valid as well, but python-zstandard, and with
// it pandas and streaming Hugging Face datasets, silently takes the first for the whole file (indygreg/python-zstandard#59, #196).
func newZstdWriter(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderConcurrency(zstdWorkers),
		zstd.WithEncoderCRC(true))
}

func zstdRows(r io.ReaderAt, size int64, yield func([]byte, error) bool) error {
	end, err := zstdFrame(r, size)
	if err != nil {
		return err
	}
	if end != size {
		return fmt.Errorf("the zstd frame ends at byte %d and the file has %d", end, size)
	}
	z, err := zstd.NewReader(io.NewSectionReader(r, 0, size),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdMostWindow))
	if err != nil {
		return damaged(err)
	}
	defer z.Close()
	_, err = eachLine(damageReader{z}, yield)
	return err
}

// zstdFrame returns the end of the frame that a file begins with: a reader would continue with the frames after it, and skip those that are marked
// so. It goes from block to block by their headers and unpacks nothing.
func zstdFrame(r io.ReaderAt, size int64) (end int64, err error) {
	begin := make([]byte, min(size, zstd.HeaderMaxSize))
	if _, err := r.ReadAt(begin, 0); err != nil && err != io.EOF {
		return 0, err
	}
	var header zstd.Header
	switch err := header.Decode(begin); {
	case err != nil:
		return 0, damaged(err)
	case header.Skippable || !header.HasCheckSum || header.DictionaryID != 0:
		return 0, errors.New("it does not begin with a zstd frame of rows with a checksum")
	}
	for at, last := int64(header.HeaderSize), false; !last; {
		var block [zstdBlockHeader]byte
		if n, err := r.ReadAt(block[:], at); n < len(block) || at+zstdBlockHeader > size {
			if err != nil && err != io.EOF {
				return 0, err
			}
			return 0, damaged(io.ErrUnexpectedEOF)
		}
		bits := int64(block[0]) | int64(block[1])<<8 | int64(block[2])<<16
		last = bits&1 != 0
		length := bits >> 3
		if kind := bits >> 1 & 3; kind == 1 {
			length = 1 // one byte, that many times
		}
		at += zstdBlockHeader + length
		end = at + zstdChecksum
	}
	return end, nil
}

// damaged returns an unpacker's error with what it means for the file.
func damaged(err error) error {
	what := "is damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		what = "is cut short"
	}
	return fmt.Errorf("its packing %s: %w", what, err)
}

// damageReader tells errors of the unpacker from others.
type damageReader struct{ io.Reader }

func (d damageReader) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = damaged(err)
	}
	return n, err
}
