package look

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/datasetmix/datasetmix/internal/source"
)

// blockSize is the number of bytes of a remote file that one request fetches, mostBlocks the number of blocks that are kept. The first rows of a text are
// in its first block. Those of a Parquet file are in the blocks of their pages, and need the last block, which has the footer.
const (
	blockSize  = 1 << 20
	mostBlocks = 64
)

// opened is a file that can be read at any offset.
type opened struct {
	io.ReaderAt
	size  int64
	close func() error
	// check returns an error if the file was changed since it was listed.
	check func() error
}

// open opens a file of a source. A local one is read in place; of a remote one, only the needed blocks are fetched.
func open(ctx context.Context, from source.Source, file source.File) (opened, error) {
	nothing := func() error { return nil }
	if local, ok := from.(source.Local); ok {
		at, err := local.At(ctx, file)
		if err != nil {
			return opened{}, err
		}
		return opened{at, file.Size, at.Close, at.Unchanged}, nil
	}
	begin := func(offset int64) (io.ReadCloser, error) { return from.Open(ctx, file, offset) }
	if file.Size < 0 {
		head, err := headOf(begin)
		return opened{bytes.NewReader(head), int64(len(head)), nothing, nothing}, err
	}
	return opened{&blocks{begin: begin, size: file.Size, kept: map[int64][]byte{}}, file.Size, nothing, nothing}, nil
}

// headOf returns the beginning of a file of unknown size, or all of a small one.
func headOf(begin func(int64) (io.ReadCloser, error)) ([]byte, error) {
	body, err := begin(0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, mostBlocks*blockSize))
}

// blocks reads a remote file in blocks, and keeps the last ones. It is not safe for concurrent use.
type blocks struct {
	begin func(offset int64) (io.ReadCloser, error)
	size  int64
	kept  map[int64][]byte
	order []int64
}

func (b *blocks) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if at >= b.size {
			return n, io.EOF
		}
		block, err := b.block(at / blockSize)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], block[at%blockSize:])
	}
	return n, nil
}

func (b *blocks) block(number int64) ([]byte, error) {
	if block, ok := b.kept[number]; ok {
		return block, nil
	}
	body, err := b.begin(number * blockSize)
	if err != nil {
		return nil, err
	}
	block := make([]byte, min(blockSize, b.size-number*blockSize))
	_, err = io.ReadFull(body, block)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	if len(b.order) == mostBlocks {
		delete(b.kept, b.order[0])
		b.order = b.order[1:]
	}
	b.kept[number], b.order = block, append(b.order, number)
	return block, nil
}
