package rowfile

import (
	"fmt"
	"io"
	"os"

	"github.com/datasetmix/datasetmix/internal/store"
)

// windowSize is how much is read at once of a larger file whose parts are asked for front to back.
const windowSize = 128 << 10

// window reads parts of a finished file in any order, and cheaply front to back, which is how most mixed rows come. It is
// not for use from several goroutines at once.
type window struct {
	file  *os.File
	size  int64
	start int64  // of held in the file
	held  []byte // a small file whole, else the part that was read last
}

// openWindow opens a file. One of at most so many bytes is read at once and held.
func openWindow(name store.Path, hold int64) (*window, error) {
	f, err := name.Open()
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	w := &window{file: f, size: info.Size()}
	if w.size <= max(hold, windowSize) {
		w.held = make([]byte, w.size)
		if _, err := io.ReadFull(f, w.held); err != nil {
			f.Close()
			return nil, err
		}
	}
	return w, nil
}

// Size returns the size of the file in bytes.
func (w *window) Size() int64 { return w.size }

// Part returns the n bytes from an offset on. They are good until the next call.
func (w *window) Part(offset, n int64) ([]byte, error) {
	if offset < 0 || n < 0 || offset > w.size-n {
		return nil, fmt.Errorf("bytes %d to %d are asked for, of %d: %w", offset, offset+n, w.size, io.ErrUnexpectedEOF)
	}
	if at := offset - w.start; at < 0 || at+n > int64(len(w.held)) {
		if err := w.read(offset, n); err != nil {
			return nil, err
		}
	}
	at := offset - w.start
	return w.held[at : at+n], nil
}

// read reads a part: with what follows where the reader goes forward, else alone, since a reader that jumps does not need what follows.
func (w *window) read(offset, n int64) error {
	end := w.start + int64(len(w.held))
	if offset >= w.start && offset < end+windowSize {
		n = max(n, min(windowSize, w.size-offset))
	}
	if int64(cap(w.held)) < n {
		w.held = make([]byte, n, max(n, windowSize))
	}
	w.start, w.held = offset, w.held[:n]
	if _, err := w.file.ReadAt(w.held, offset); err != nil {
		w.held = w.held[:0]
		return err
	}
	return nil
}

// Close closes the file.
func (w *window) Close() error { return w.file.Close() }
