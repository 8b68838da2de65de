package encode

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// TestEveryBit changes one bit after the other. The rows that come then are the same as before (the bit says nothing about
// them, and the file's SHA-256 finds it), or there is an error. In a plain file the bit is in the rows.
func TestEveryBit(t *testing.T) {
	lines := corpus(4)
	every(t, func(t *testing.T, format recipe.Format) {
		file := write(t, format, lines)
		unseen, step := 0, 1
		if format == recipe.Parquet {
			step = 7 // which meets each bit of a byte; all of them take half a minute
		}
		for i := 0; i < 8*len(file); i += step {
			file[i/8] ^= 1 << (i % 8)
			got, err := read(t, format, file)
			if err == nil && format != recipe.JSONL {
				sameLines(t, got, lines)
				unseen++
			}
			if same := strings.Join(got, "") == strings.Join(lines, ""); format == recipe.JSONL && same && err == nil {
				t.Errorf("bit %d was not seen", i)
			}
			file[i/8] ^= 1 << (i % 8)
		}
		t.Logf("%d of %d bits say nothing about the rows", unseen, 8*len(file)/step)
		if most := 16; format != recipe.Parquet && unseen > most { // In Parquet, much of the footer is for finding rows faster.
			t.Errorf("%d bits say nothing about the rows, and a few that fill up bytes would be right", unseen)
		}
	})
}

// TestCutShort ends a file at every byte.
func TestCutShort(t *testing.T) {
	lines := corpus(4)
	every(t, func(t *testing.T, format recipe.Format) {
		file := write(t, format, lines)
		for end := range file {
			got, err := read(t, format, file[:end])
			if len(got) > len(lines) {
				t.Fatalf("%d rows", len(got))
			}
			sameLines(t, got, lines[:len(got)])
			if border := format == recipe.JSONL && strings.HasSuffix("\n"+string(file[:end]), "\n"); (err == nil) != border {
				t.Errorf("cut at %d of %d: %v", end, len(file), err)
			}
		}
	})
}

// TestSizeBeyondTheEnd is a file that was cut short after its size was taken.
func TestSizeBeyondTheEnd(t *testing.T) {
	lines := corpus(4)
	every(t, func(t *testing.T, format recipe.Format) {
		file := write(t, format, lines)
		var last error
		for _, err := range Rows(bytes.NewReader(file), int64(len(file))+1, format) {
			last = err
		}
		if last == nil {
			t.Error("it was not found")
		}
	})
}

func TestMoreAfterTheEnd(t *testing.T) {
	lines := corpus(4)
	var skippable, foreign, member bytes.Buffer
	skippable.WriteString("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")
	z, _ := zstd.NewWriter(&foreign)
	_, _ = io.WriteString(z, lines[0])
	_ = z.Close()
	g := gzip.NewWriter(&member)
	_, _ = io.WriteString(g, lines[0])
	_ = g.Close()
	for _, c := range []struct {
		format     recipe.Format
		name, more string
		want       string
	}{
		{recipe.JSONL, "a row that does not end", "{", "it does not end with a whole row"},
		{recipe.JSONLZstd, "a byte", "\x00", "the zstd frame ends at byte"},
		{recipe.JSONLZstd, "the file again", string(write(t, recipe.JSONLZstd, lines)), "the zstd frame ends at byte"},
		{recipe.JSONLZstd, "a frame of another program", foreign.String(), "the zstd frame ends at byte"},
		{recipe.JSONLZstd, "an empty frame", string(write(t, recipe.JSONLZstd, nil)), "the zstd frame ends at byte"},
		{recipe.JSONLZstd, "a frame to be skipped", skippable.String(), "the zstd frame ends at byte"},
		{recipe.JSONLGzip, "a byte", "\x00", "there is more after the end of the gzip member"},
		{recipe.JSONLGzip, "the file again", string(write(t, recipe.JSONLGzip, lines)), "there is more after the end of the gzip member"},
		{recipe.JSONLGzip, "a member of another program", member.String(), "there is more after the end of the gzip member"},
		{recipe.JSONLGzip, "an empty member", string(write(t, recipe.JSONLGzip, nil)), "there is more after the end of the gzip member"},
		{recipe.Parquet, "a byte", "\x00", "it does not end with a Parquet footer"},
		{recipe.Parquet, "the magic again", "PAR1", "it does not end with a Parquet footer"},
	} {
		t.Run(string(c.format)+" "+c.name, func(t *testing.T) {
			got, err := read(t, c.format, append(write(t, c.format, lines), c.more...))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			if c.format == recipe.JSONL || c.format == recipe.JSONLGzip { // where the end is only found on the way
				sameLines(t, got, lines)
			}
		})
	}
}

// TestOtherBeginnings are files in the right packing that this package does not write.
func TestOtherBeginnings(t *testing.T) {
	var named, skipped, unchecked bytes.Buffer
	g := gzip.NewWriter(&named)
	g.Name = "rows.jsonl"
	_, _ = io.WriteString(g, corpus(1)[0])
	_ = g.Close()
	skipped.WriteString("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")
	skipped.Write(write(t, recipe.JSONLZstd, corpus(1)))
	z, _ := zstd.NewWriter(&unchecked, zstd.WithEncoderCRC(false))
	_, _ = io.WriteString(z, corpus(1)[0])
	_ = z.Close()
	for _, c := range []struct {
		name   string
		format recipe.Format
		file   string
		want   string
	}{
		{"gzip with a name", recipe.JSONLGzip, named.String(), "it does not begin as a gzip file of rows does"},
		{"plain for gzip", recipe.JSONLGzip, corpus(1)[0], "it does not begin as a gzip file of rows does"},
		{"nothing for gzip", recipe.JSONLGzip, "", "it does not begin as a gzip file of rows does"},
		{"zstd after a frame to be skipped", recipe.JSONLZstd, skipped.String(), "it does not begin with a zstd frame of rows with a checksum"},
		{"zstd without a checksum", recipe.JSONLZstd, unchecked.String(), "it does not begin with a zstd frame of rows with a checksum"},
		{"plain for zstd", recipe.JSONLZstd, corpus(1)[0], "its packing is damaged"},
		{"nothing for zstd", recipe.JSONLZstd, "", "its packing is cut short"},
		{"plain for Parquet", recipe.Parquet, corpus(1)[0], "it does not end with a Parquet footer"},
		{"nothing for Parquet", recipe.Parquet, "", "it is cut short: it has no Parquet footer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := read(t, c.format, []byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) || len(got) > 0 {
				t.Errorf("%d rows, %v", len(got), err)
			}
		})
	}
}

// TestUnpackedRowsEndWithALineFeed packs half a row as a writer never would.
func TestUnpackedRowsEndWithALineFeed(t *testing.T) {
	for format, begin := range map[recipe.Format]func(io.Writer) (io.WriteCloser, error){
		recipe.JSONLZstd: newZstdWriter,
		recipe.JSONLGzip: func(w io.Writer) (io.WriteCloser, error) { return newGzipWriter(w) },
	} {
		var out bytes.Buffer
		w, err := begin(&out)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, "{}\n{")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := read(t, format, out.Bytes()); !errors.Is(err, errHalfRow) || len(got) != 1 {
			t.Errorf("%s: %d rows, %v", format, len(got), err)
		}
	}
}

// broken is a disk that fails at a place.
type broken struct {
	io.ReaderAt
	at int64
}

var errBroken = errors.New("input/output error")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off <= b.at && b.at < off+int64(len(p)) {
		return 0, errBroken
	}
	return b.ReaderAt.ReadAt(p, off)
}

func TestBrokenDisk(t *testing.T) {
	lines := corpus(2000)
	every(t, func(t *testing.T, format recipe.Format) {
		file := write(t, format, lines)
		for _, at := range []int{0, 5, len(file) / 2, len(file) - 1} {
			var last error
			for _, err := range Rows(broken{bytes.NewReader(file), int64(at)}, int64(len(file)), format) {
				last = err
			}
			if last == nil || !strings.Contains(last.Error(), errBroken.Error()) {
				t.Errorf("at %d of %d: %v", at, len(file), last)
			}
		}
	})
}
