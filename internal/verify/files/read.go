package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/bufpipe"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// A file is read once, in chunks: while one chunk is hashed, the rows of the next are checked.
const (
	firstChunk  = 64 << 10 // most files are no larger
	chunkSize   = 1 << 20
	chunksAhead = 3
)

// EachRow checks a row, without its line end, and gets its offset. The slice is reused.
type EachRow func(offset int64, line []byte) error

// pass reads a listed file front to back: its bytes must be those of the manifest, and its rows pass each, if any. Different bytes are reported
// first: they explain a wrong row.
func (s *Set) pass(file revision.PublishedFile, each EachRow) error {
	f, err := s.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if each == nil {
		return s.bytes(f, file, nil)
	}
	rows := rowReader{file: file.Path, each: each}
	if err := s.bytes(f, file, rows.chunk); err != nil {
		return err
	}
	return rows.end()
}

// bytes reads a file, whose bytes must be those of the manifest, and passes them on, unless chunk is nil.
func (s *Set) bytes(f io.Reader, file revision.PublishedFile, chunk func([]byte)) error {
	sum, want := hash.Hash(xxhash.New()), s.Checksums[file.Path]
	if want == "" {
		sum, want = sha256.New(), file.SHA256
	}
	size, err := readBeside(s.Context, f, sum, chunk)
	have := hex.EncodeToString(sum.Sum(nil))
	switch {
	case s.Context.Err() != nil:
		return s.Context.Err()
	case err != nil:
		return Unreadable(file.Path, err)
	case size != file.Bytes:
		return Differ("%s has %d bytes, the manifest says %d", file.Path, size, file.Bytes)
	case have != want:
		return Differ("%s was changed: its digest is %s, and it was written with %s", file.Path, have, want)
	}
	return nil
}

// ContextEvery is how many packed rows pass between two checks of the context.
const ContextEvery = 4096

// packed does what pass does for a file whose rows are not plain lines. It is read twice, and unpacked only once its bytes are known to be those of
// the manifest: they are few compared with what they unpack to, and a reader of Parquet goes to and fro in them.
func (s *Set) packed(file revision.PublishedFile, format recipe.Format, each EachRow) error {
	f, err := s.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.bytes(f, file, nil); err != nil || each == nil {
		return err
	}
	var n, offset int64
	for line, err := range encode.Rows(f, file.Bytes, format) {
		if err != nil {
			return Differ("%s: %w", Place(file.Path, n), err)
		}
		if n%ContextEvery == 0 && s.Context.Err() != nil {
			return s.Context.Err()
		}
		if err := each(offset, line[:len(line)-1]); err != nil {
			return err
		}
		n++
		offset += int64(len(line))
	}
	return nil
}

// entire does what pass does for a file that is checked as a whole, once its bytes are known to be those of the manifest.
func (s *Set) entire(file revision.PublishedFile, whole func(from *io.SectionReader) error) error {
	f, err := s.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.bytes(f, file, nil); err != nil {
		return err
	}
	return whole(io.NewSectionReader(f, 0, file.Bytes))
}

// Find finds a row in a file of lines, from an offset on.
func (s *Set) Find(path string, offset int64, is func(line []byte) bool) (found bool, err error) {
	f, err := s.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	rows := rowReader{file: path, each: func(_ int64, line []byte) error {
		if is(line) {
			return errFound
		}
		return nil
	}}
	from := io.NewSectionReader(f, offset, math.MaxInt64-offset)
	for buffer := make([]byte, firstChunk); rows.err == nil; {
		if s.Context.Err() != nil {
			return false, context.Cause(s.Context)
		}
		n, err := from.Read(buffer)
		rows.chunk(buffer[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	return rows.err != nil, nil
}

var errFound = errors.New("found")

// readBeside passes every chunk to a hash, in a goroutine, and to a function. Without a function, the hash reads by itself.
func readBeside(ctx context.Context, from io.Reader, sum hash.Hash, chunk func([]byte)) (size int64, err error) {
	from = progress.Of(ctx).Reader(from)
	if chunk == nil {
		return hashing.Hash(ctx, from, sum)
	}
	hasher := bufpipe.Start(chunksAhead, func(content []byte) { _, _ = sum.Write(content) }) // which cannot fail
	defer hasher.Wait()
	next := firstChunk
	for err == nil && ctx.Err() == nil {
		buffer := hasher.Buffer(next)
		next = chunkSize
		var n int
		n, err = io.ReadFull(from, buffer[:cap(buffer)])
		size += int64(n)
		hasher.Hand(buffer[:n])
		chunk(buffer[:n])
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return size, err
}

// rowReader cuts chunks into rows. Its error is the first error of each.
type rowReader struct {
	file  string
	each  EachRow
	at    int64  // where the next chunk begins
	begun []byte // of a row that the last chunk did not complete
	row   int64
	err   error
}

func (r *rowReader) chunk(content []byte) {
	start := r.at
	r.at += int64(len(content))
	for r.err == nil {
		n := bytes.IndexByte(content, '\n')
		if n < 0 {
			r.begun = append(r.begun, content...)
			return
		}
		line, offset := content[:n], start
		if len(r.begun) > 0 {
			r.begun = append(r.begun, line...)
			line, offset = r.begun, start-int64(len(r.begun)-n)
		}
		r.err = r.each(offset, line)
		r.begun = r.begun[:0]
		content, start = content[n+1:], start+int64(n+1)
		r.row++
	}
}

func (r *rowReader) end() error {
	if r.err == nil && len(r.begun) > 0 {
		return Differ("%s: it does not end with a whole row", Place(r.file, r.row))
	}
	return r.err
}
