package decode

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// Made with bzip2 -9, which has no writer in Go: two rows, and nothing at all.
const (
	bzip2Rows  = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xec\xa3\xcf\x49\x00\x00\x08\x59\x80\x00\x10\x10\x00\x00\x10\x20\x00\x00\x6a\x20\x00\x21\x28\x07\xa8\x43\x02\x13\x04\xd1\x52\x12\x4f\x17\x72\x45\x38\x50\x90\xec\xa3\xcf\x49"
	bzip2Empty = "\x42\x5a\x68\x39\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00"
)

func TestBzip2(t *testing.T) {
	two := []got{{0, "rows, line 1", []any{"x"}}, {1, "rows, line 2", []any{"y"}}}
	for name, data := range map[string]string{"one stream": bzip2Rows, "an empty one before it": bzip2Empty + bzip2Rows} {
		rows, err := read([]byte(data), decoded.Required("a"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(two, rows); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	rows, err := read([]byte(bzip2Rows+bzip2Rows), decoded.Required("a"))
	if err != nil || len(rows) != 4 {
		t.Errorf("two streams: %d rows, %v", len(rows), err)
	}
	for cut := 14; cut < len(bzip2Rows); cut++ {
		if _, err := read([]byte(bzip2Rows[:cut]), decoded.Required("a")); err == nil || !strings.Contains(err.Error(), "the bzip2 packing is cut short") {
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
		if last == nil || decoded.IsBad(last) || !strings.Contains(last.Error(), "more than 200 times as many") || rows > most+1 {
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
	if err == nil || !strings.Contains(err.Error(), "a window of more than 128 MiB") || !strings.Contains(err.Error(), "--long=27") || strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

// TestFramesAndMembers has packings of several pieces, and pieces that have no rows in them.
func TestFramesAndMembers(t *testing.T) {
	skipped := func(kind byte, content string) string {
		return string(binary.LittleEndian.AppendUint32([]byte{kind, 0x2a, 0x4d, 0x18}, uint32(len(content)))) + content
	}
	one, two := "{\"a\":\"x\"}\n{\"a\"", ":\"y\"}\n"
	first, second := string(zstandard(one)), string(zstandard(two))
	rows := []string{"x", "y"}
	for _, c := range []struct {
		name, data string
		rows       []string
		end        string
	}{
		{"zstd with a frame that is skipped first, as pzstd writes it", skipped(0x50, "size") + first + second, rows, ""},
		{"one between, and the last of the seekable format", first + skipped(0x5f, "") + second + skipped(0x5e, "seek table\xb1\xea\x92\x8f"), rows, ""},
		{"many first", strings.Repeat(skipped(0x53, "x"), 3*skippedMost) + first + second, rows, ""},
		{"nothing but such frames", skipped(0x50, "size"), nil, ""},
		{"such a frame that is cut short", skipped(0x50, "size")[:10], nil, "the zstd packing is cut short"},
		{"such a frame before lz4", skipped(0x50, "") + "\x04\x22\x4d\x18.........", nil, "packed with lz4"},
		{"such a frame before text", skipped(0x50, "") + "{\"a\":\"x\"}\n", nil, "what follows is not zstd"},
		{"an empty frame first", string(zstandard("")) + first + second, rows, ""},
		{"noise behind frames", first + second + "noise and more noise", rows, "the zstd packing is damaged"},
		{"gzip with members of nothing, as BGZF ends", string(zipped(one, "", two, "")), rows, ""},
		{"gzip that is filled up with zeros", string(zipped(one, two)) + strings.Repeat("\x00", 200_000), rows, ""},
		{"gzip with noise behind the zeros", string(zipped(one, two)) + "\x00\x00noise", rows, "the gzip packing is damaged"},
		{"gzip with zeros between members", string(zipped(one)) + "\x00" + string(zipped(two)), []string{"x"}, "the gzip packing is damaged"},
		{"a second member that is cut short", string(zipped(one, two))[:len(zipped(one))+5], []string{"x"}, "the gzip packing is cut short"},
		{"bzip2 of several streams", bzip2Rows + bzip2Empty + bzip2Rows, []string{"x", "y", "x", "y"}, ""},
		{"a zstd dictionary", "\x28\xb5\x2f\xfd\x01\x58\x07\x01\x00\x00", nil, "packed with a zstd dictionary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			readOn([]byte(c.data), decoded.Required("a")).check(t, c.rows, c.end)
		})
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
