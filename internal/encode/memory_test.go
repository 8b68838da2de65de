package encode

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// noise returns rows that do not pack: nearly all that a writer holds is as large as it gets.
func noise(rows int) [][]byte {
	const letters = "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"
	random := rand.New(rand.NewPCG(3, 4))
	lines := make([][]byte, rows)
	for i := range lines {
		text := make([]byte, 2000)
		for k := range text {
			text[k] = letters[random.IntN(len(letters))]
		}
		lines[i] = []byte(lineOf(record.Record{Question: string(text[:1500]), ReferenceAnswer: string(text[1500:])}))
	}
	return lines
}

// growth returns the heap that use takes at most, looked at whenever it calls look.
func growth(use func(look func())) int64 {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, peak := heap(), int64(0)
	use(func() { peak = max(peak, heap()-before) })
	return peak
}

// TestMemoryIsBounded writes and reads more than the bounds, of rows that do not pack.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 400 MB")
	}
	lines := noise(1000)
	every(t, func(t *testing.T, format recipe.Format) {
		writing, reading := int64(32<<20), int64(32<<20)
		if format == recipe.Parquet {
			writing = 64 << 20
		}
		var file bytes.Buffer
		file.Grow(120 << 20)
		if got := growth(func(look func()) {
			w, err := NewWriter(&file, format)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 50_000 {
				if err := w.WriteRow(lines[i*7%len(lines)]); err != nil {
					t.Fatal(err)
				}
				if i%2500 == 0 {
					look()
				}
			}
			look()
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			look()
		}); got > writing {
			t.Errorf("writing takes %d bytes", got)
		} else {
			t.Logf("writing takes %d MiB", got>>20)
		}
		if got := growth(func(look func()) {
			n := 0
			for _, err := range Rows(bytes.NewReader(file.Bytes()), int64(file.Len()), format) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n%2500 == 0 {
					look()
				}
			}
		}); got > reading {
			t.Errorf("reading takes %d bytes", got)
		} else {
			t.Logf("reading takes %d MiB", got>>20)
		}
	})
}
