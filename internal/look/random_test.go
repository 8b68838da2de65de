package look

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/datasetmix/datasetmix/internal/source"
)

// remote is a source of one file that is not at hand, and counts what is asked of it.
type remote struct {
	content  []byte
	size     int64
	requests int
	cut      int64 // bytes after which a transfer ends; 0 is never
}

func (r *remote) Resolve(context.Context) (source.Listing, error) {
	return source.Listing{Files: []source.File{{Path: "a", Size: r.size}}}, nil
}

func (r *remote) Open(_ context.Context, _ source.File, offset int64) (io.ReadCloser, error) {
	r.requests++
	rest := io.Reader(bytes.NewReader(r.content[offset:]))
	if r.cut > 0 {
		rest = io.MultiReader(io.LimitReader(rest, r.cut), &broken{})
	}
	return io.NopCloser(rest), nil
}

type broken struct{}

var errBroken = errors.New("the connection broke")

func (*broken) Read([]byte) (int, error) { return 0, errBroken }

// TestBlocks: any place of a remote file reads as it is there, and one request brings a block.
func TestBlocks(t *testing.T) {
	content := make([]byte, 3*blockSize+1234)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	from := &remote{content: content, size: int64(len(content))}
	f, err := open(t.Context(), from, source.File{Size: from.size})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct{ offset, length, read, requests int }{
		{0, 100, 100, 1}, {200, 5000, 5000, 1}, {blockSize - 10, 20, 20, 2}, {len(content) - 8, 8, 8, 3}, {len(content) - 8, 20, 8, 3}, {0, len(content), len(content), 4}, {len(content) + 5, 1, 0, 4},
	} {
		got := make([]byte, at.length)
		n, err := f.ReadAt(got, int64(at.offset))
		if n != at.read || n < at.length && !errors.Is(err, io.EOF) || n == at.length && err != nil || from.requests != at.requests {
			t.Errorf("%d bytes at %d: %d, %v, after %d requests", at.length, at.offset, n, err, from.requests)
		}
		if n > 0 && !bytes.Equal(got[:n], content[at.offset:at.offset+n]) {
			t.Errorf("%d bytes at %d differ", at.length, at.offset)
		}
	}
	from.cut = 10
	broken, err := open(t.Context(), from, source.File{Size: from.size})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broken.ReadAt(make([]byte, 20), 0); !errors.Is(err, errBroken) {
		t.Errorf("a transfer that breaks: %v", err)
	}
}

// TestUnknownSize: a file of unknown size is read to its end, or as far as is bearable.
func TestUnknownSize(t *testing.T) {
	f, err := open(t.Context(), &remote{content: []byte("{}\n")}, source.File{Size: -1})
	if err != nil || f.size != 3 {
		t.Errorf("%d bytes, %v", f.size, err)
	}
	if _, err := open(t.Context(), &remote{content: []byte("{}\n"), cut: 1}, source.File{Size: -1}); !errors.Is(err, errBroken) {
		t.Errorf("a transfer that breaks: %v", err)
	}
}
