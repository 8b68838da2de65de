package encode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

const (
	// gzipSection is how many bytes are packed on their own. A section finds no repetition in the one before, which costs
	// less than a thousandth of the size: gzip looks back 32 KiB at most.
	gzipSection = 1 << 20
	// gzipLevel is the usual one of gzip itself.
	gzipLevel = 6
	// gzipWorkers is the most sections that are packed at a time.
	gzipWorkers = 4

	// gzipHeader has no time and no name, no flags, and an unknown system; gzipEnd is an empty last block.
	gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	gzipEnd    = "\x03\x00"
)

// gzipWriter packs into a single member, as pigz does: sections are packed side by side and written in order, each closed by
// an empty stored block, which ends it at a whole byte. Where they are cut depends on the rows alone.
type gzipWriter struct {
	w       io.Writer
	workers int
	crc     uint32
	size    uint32 // of the rows, modulo 2³², as the format has it
	filling *section
	queue   []*section // in their order; all but a few are already packed
	err     error
}

// section is packed by a separate goroutine, so an abandoned writer leaves none behind.
type section struct {
	rows    []byte
	packed  bytes.Buffer
	deflate *flate.Writer
	done    chan error
}

func newGzipWriter(w io.Writer) (*gzipWriter, error) {
	_, err := io.WriteString(w, gzipHeader)
	return &gzipWriter{w: w, workers: min(runtime.GOMAXPROCS(0), gzipWorkers), err: err}, err
}

// Write appends bytes to the section, and to as many more as it needs.
func (z *gzipWriter) Write(p []byte) (written int, err error) {
	for len(p) > 0 && z.err == nil {
		if z.filling == nil {
			z.filling, z.err = z.next()
			continue
		}
		n := min(len(p), gzipSection-len(z.filling.rows))
		z.filling.rows = append(z.filling.rows, p[:n]...)
		p, written = p[n:], written+n
		if len(z.filling.rows) == gzipSection {
			z.pack()
		}
	}
	return written, z.err
}

// next returns an empty section: a new one while there are few, then the oldest, once its bytes are written.
func (z *gzipWriter) next() (*section, error) {
	if len(z.queue) < z.workers {
		deflate, err := flate.NewWriter(io.Discard, gzipLevel)
		return &section{rows: make([]byte, 0, gzipSection), deflate: deflate, done: make(chan error, 1)}, err
	}
	return z.writeOldest()
}

// pack starts packing the full section.
func (z *gzipWriter) pack() {
	s := z.filling
	z.crc = crc32.Update(z.crc, crc32.IEEETable, s.rows)
	z.size += uint32(len(s.rows))
	z.queue, z.filling = append(z.queue, s), nil
	go func() {
		s.deflate.Reset(&s.packed)
		_, err := s.deflate.Write(s.rows)
		s.done <- errors.Join(err, s.deflate.Flush())
	}()
}

func (z *gzipWriter) writeOldest() (*section, error) {
	s := z.queue[0]
	z.queue = z.queue[1:]
	err := <-s.done
	if err == nil {
		_, err = s.packed.WriteTo(z.w)
	}
	s.rows = s.rows[:0]
	s.packed.Reset()
	return s, err
}

// Close writes what is left, the last block, and the checksum and size of the rows.
func (z *gzipWriter) Close() error {
	if z.err == nil && z.filling != nil && len(z.filling.rows) > 0 {
		z.pack()
	}
	for z.err == nil && len(z.queue) > 0 {
		_, z.err = z.writeOldest()
	}
	if z.err != nil {
		return z.err
	}
	end := binary.LittleEndian.AppendUint32([]byte(gzipEnd), z.crc)
	_, z.err = z.w.Write(binary.LittleEndian.AppendUint32(end, z.size))
	return z.err
}

func gzipRows(r io.ReaderAt, size int64, yield func([]byte, error) bool) error {
	file := io.NewSectionReader(r, 0, size)
	from := bufio.NewReader(file)
	if header, err := from.Peek(len(gzipHeader)); err != nil || string(header) != gzipHeader {
		if err != nil && err != io.EOF {
			return err
		}
		return errors.New("it does not begin as a gzip file of rows does")
	}
	z, err := gzip.NewReader(from)
	if err != nil {
		return damaged(err)
	}
	z.Multistream(false) // or it would go on with whatever comes after
	if _, err := eachLine(damageReader{z}, yield); err != nil {
		return err
	}
	if _, err := from.ReadByte(); err != io.EOF {
		return errors.Join(errors.New("there is more after the end of the gzip member"), err)
	}
	if bytes, err := file.Seek(0, io.SeekCurrent); err != nil || bytes != size {
		return errors.Join(fmt.Errorf("it has %d bytes and should have %d", bytes, size), err)
	}
	return nil
}
