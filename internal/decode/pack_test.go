package decode

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Made with bzip2 -9, which has no writer in Go: two rows, and nothing at all.
const (
	bzip2Rows  = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xec\xa3\xcf\x49\x00\x00\x08\x59\x80\x00\x10\x10\x00\x00\x10\x20\x00\x00\x6a\x20\x00\x21\x28\x07\xa8\x43\x02\x13\x04\xd1\x52\x12\x4f\x17\x72\x45\x38\x50\x90\xec\xa3\xcf\x49"
	bzip2Empty = "\x42\x5a\x68\x39\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00"
)

func TestBzip2(t *testing.T) {
	two := []got{{0, "rows, line 1", []any{"x"}}, {1, "rows, line 2", []any{"y"}}}
	for name, data := range map[string]string{"one stream": bzip2Rows, "an empty one before it": bzip2Empty + bzip2Rows} {
		rows, err := read([]byte(data), Required("a"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(two, rows); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	rows, err := read([]byte(bzip2Rows+bzip2Rows), Required("a"))
	if err != nil || len(rows) != 4 {
		t.Errorf("two streams: %d rows, %v", len(rows), err)
	}
	if _, err := read([]byte(bzip2Empty), Required("a")); err == nil || !strings.Contains(err.Error(), "the file has no rows") {
		t.Errorf("an empty stream: %v", err)
	}
	for cut := 14; cut < len(bzip2Rows); cut++ {
		if _, err := read([]byte(bzip2Rows[:cut]), Required("a")); err == nil || !strings.Contains(err.Error(), "the bzip2 packing is cut short") {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestPackingByMagic(t *testing.T) {
	for magic, want := range map[string]string{
		"": "", "\x1f": "", "\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "BZh91AY&SY": "bzip2", "BZh1\x17\x72\x45\x38\x50\x90": "bzip2",
		"BZh0\x17\x72\x45\x38\x50\x90": "", "BZhilton,b\n": "", "BZh9": "",
	} {
		if got := packing([]byte(magic)); got != want {
			t.Errorf("%q is %q, not %q", magic, got, want)
		}
	}
}

// TestDecompressionBomb unpacks rows that say nothing: a file that is a thousandth of what it unpacks to is stopped soon
// after the bound, and a file as repetitive as that but small is not.
func TestDecompressionBomb(t *testing.T) {
	block := strings.Repeat("{\"a\":\"x\"}\n", 100_000)
	for name, pack := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed); return z },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		packed := func(blocks int) []byte {
			var out bytes.Buffer
			z := pack(&out)
			for range blocks {
				_, _ = io.WriteString(z, block)
			}
			_ = z.Close()
			return out.Bytes()
		}
		bomb := packed(180)
		rows, last := int64(0), error(nil)
		for _, err := range Rows(context.Background(), memory(bomb), nil) {
			if rows, last = rows+1, err; err != nil {
				break
			}
		}
		most := int64(unpackFree+unpackRatio*len(bomb)) / 10
		if last == nil || isBad(last) || !strings.Contains(last.Error(), "more than 200 times as many") || rows > most+1 {
			t.Errorf("%s: %d rows of at most %d, %v", name, rows, most, last)
		}
		if _, err := read(packed(3), nil); err != nil {
			t.Errorf("%s: a small file: %v", name, err)
		}
	}
}

// TestWindowOfZstd: what a frame says about its window is not believed without bound.
func TestWindowOfZstd(t *testing.T) {
	huge := "\x28\xb5\x2f\xfd\x00\xf8" + "\x01\x00\x00" // a window of 2^41 bytes, an empty last block
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := read([]byte(huge), nil)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "the zstd packing is damaged") {
		t.Error(err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

// FuzzPacked damages packed rows: they come out whole, or the damage is noticed.
func FuzzPacked(f *testing.F) {
	for _, data := range [][]byte{zipped("{\"a\":1}\n"), zstandard("{\"a\":1}\n"), []byte(bzip2Rows), []byte(bzip2Empty)} {
		f.Add(data, 0, byte(0))
		f.Add(data, len(data)/2, byte(0x40))
		f.Add(data, len(data)-1, byte(0x01))
	}
	f.Fuzz(func(t *testing.T, data []byte, at int, flip byte) {
		if at >= 0 && at < len(data) {
			data = bytes.Clone(data)
			data[at] ^= flip
		}
		u, err := unpack(bytes.NewReader(data), packing(data))
		if err != nil {
			return
		}
		defer u.close()
		n, err := io.Copy(io.Discard, io.LimitReader(u, 1<<26))
		if most := int64(unpackFree + unpackRatio*len(data)); u.packing != "" && n > most {
			t.Fatalf("%d bytes of %d, %v", n, len(data), err)
		}
	})
}
