package rowfile

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
)

// Whatever the size and the order, a part is the file's own bytes.
func TestWindowGivesEveryPart(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const hold = 1 << 20
	for _, size := range []int{0, 1, 1000, hold, hold + 1, hold + 3*windowSize} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(random.Uint32())
		}
		name := volume.Folder(t).Join("f")
		must(t, store.WriteFile(name, content))
		w, err := openWindow(name, hold)
		must(t, err)
		defer w.Close()
		check := func(offset, n int) {
			t.Helper()
			part, err := w.Part(int64(offset), int64(n))
			if err != nil || !bytes.Equal(part, content[offset:offset+n]) {
				t.Fatalf("%d bytes at %d of %d: %v", n, offset, size, err)
			}
		}
		for at := 0; at+700 <= size; at += 700 {
			check(at, 700)
		}
		for range 500 {
			offset := random.IntN(size + 1)
			check(offset, min(size-offset, random.IntN(2*windowSize)))
		}
		for _, outside := range [][2]int64{{-1, 1}, {0, int64(size) + 1}, {int64(size), 1}, {0, -1}, {1 << 62, 1 << 62}} {
			if _, err := w.Part(outside[0], outside[1]); err == nil {
				t.Errorf("%d bytes at %d of %d are given", outside[1], outside[0], size)
			}
		}
	}
}
