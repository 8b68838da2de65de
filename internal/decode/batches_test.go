package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// transcript returns all that a caller sees of a file: rows, their places, and errors.
func transcript(f File, fields []decoded.Field) (out []string) {
	for row, err := range Rows(context.Background(), f, fields) {
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, fmt.Sprint(row.Number, " ", row.Where(), " ", row.Values))
	}
	return out
}

// batchTranscript holds some batches while the decoders go on, and then frees them. What they lay in is overwritten first: whatever is left
// of a batch somewhere would show.
func batchTranscript(f File, fields []decoded.Field) (out []string) {
	var held []Batch
	free := func() {
		b := held[0]
		held = held[1:]
		for _, row := range b.Rows {
			out = append(out, fmt.Sprint(row.Number, " ", row.Where(), " ", row.Values))
		}
		if b.chunk != nil {
			for _, memory := range [][]byte{b.chunk.text, b.chunk.room} {
				for i := range memory {
					memory[i] = 0xff
				}
			}
			clear(b.chunk.values)
		}
		b.Free()
	}
	for batch, err := range Batches(context.Background(), f, fields) {
		if held = append(held, batch); len(held) > 3 {
			free()
		}
		if err != nil {
			for len(held) > 1 {
				free()
			}
			free()
			out = append(out, err.Error())
		}
	}
	for len(held) > 0 {
		free()
	}
	return out
}

// processors lets a test run as on another machine.
func processors(t *testing.T, n int) {
	t.Helper()
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// lineMix returns rows of all lengths over several chunks, with blank and with bad ones.
func lineMix(n int) string {
	var text strings.Builder
	random := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		switch {
		case i%997 == 500:
			text.WriteString("\n \t\r\n")
		case i%1009 == 600:
			text.WriteString("{\"a\":\"\xff\"}\n")
		case i%1013 == 700:
			text.WriteString(`{"a":1,"a":2}` + "\n")
		case i%1019 == 800:
			text.WriteString(`{"b":1}` + "\r\n")
		case i%5003 == 4000:
			fmt.Fprintf(&text, `{"a":"long","b":"%s"}`+"\n", strings.Repeat("x", 3*chunkBytes))
		case i%13 < 5:
			text.WriteString(`{"a":"as before"}` + "\n")
		case i%13 == 5:
			fmt.Fprintf(&text, `{"a":"\u00e9 %d\n","b":NaN}`+"\n", i)
		case i%11 == 3:
			fmt.Fprintf(&text, `{"a":{"\"%[1]d":["\t%[1]d",%[1]d]}}`+"\n", i)
		default:
			fmt.Fprintf(&text, `{"a":"row %d","b":["%s"]}`+"\n", i, strings.Repeat("y", random.IntN(200)))
		}
	}
	return text.String()
}

// TestBatchesAreRows compares the two on every format, on one processor and on several.
func TestBatchesAreRows(t *testing.T) {
	many := lineMix(12000)
	long := `{"a":"` + strings.Repeat("z", chunkMost+10) + `"}` + "\n"
	for name, data := range map[string]string{
		"nothing": "", "blank lines": "\n\n", "one row": `{"a":1}`, "no format": "x", "cut at once": `{"a":1`,
		"a document on one line": `{"rows":[{"a":1}]}` + "\n", "like a document, with rows": `{"rows":[{"a":1}]}` + "\n" + many,
		"many lines": many, "no end of the last line": many + `{"a":"last"}`, "cut": many + `{"a":"la`, "a bad last line": many + "{\"b\":1}\n\n\n{\"b\":2}",
		"a blank end": many + "  ", "a very long line": many + long + many, "a long first line": long + many, "no objects": strings.Repeat("[]\n", 300) + many,
		"a bad row like a document, in the rest": many + long + `{"rows":[{"a":1}]}`,
		"gzip":                                   string(zipped(many)), "gzip, cut": string(zipped(many)[:20000]), "zstd": string(zstandard(many)),
		"an array": "[" + strings.Repeat(`{"a":1},`, 300) + `{"b":2},{"a":3}]`, "an array, cut": "[" + strings.Repeat(`{"a":1},`, 300), "a table": "a,b\n" + strings.Repeat("1,2\n", 300) + "3\n4,5\n",
		"SQuAD": squadText,
	} {
		for _, n := range []int{1, 2, 5} {
			t.Run(fmt.Sprint(name, ", processors ", n), func(t *testing.T) {
				processors(t, n)
				for _, fields := range [][]decoded.Field{decoded.Required("a"), nil} {
					if diff := cmp.Diff(transcript(memory([]byte(data)), fields), batchTranscript(memory([]byte(data)), fields)); diff != "" {
						t.Fatalf("%.2000s", diff)
					}
				}
			})
		}
	}
}

// TestFreedBatches: a string that a row has in common with the row before it is not in memory that was freed with that row. Every chunk begins with
// what the one before ends with.
func TestFreedBatches(t *testing.T) {
	processors(t, 2)
	var text strings.Builder
	for i := range 40000 {
		fmt.Fprintf(&text, `{"a":"what all rows have in common","b":"row %d\n"}`+"\n", i)
	}
	data, fields := []byte(text.String()), decoded.Required("a", "b")
	if len(data) < 8*chunkBytes {
		t.Fatalf("%d bytes are too few chunks", len(data))
	}
	if diff := cmp.Diff(transcript(memory(data), fields), batchTranscript(memory(data), fields)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

// TestBatchesOfABrokenDisk stops in the middle: the rows before are given, and the error is the machine's.
func TestBatchesOfABrokenDisk(t *testing.T) {
	processors(t, 3)
	data := []byte(lineMix(12000))
	broken := brokenAt{bytes.NewReader(data), int64(len(data) / 2)}
	var last error
	var good, bad int
	for batch, err := range Batches(context.Background(), File{Name: "test", Data: broken, Size: int64(len(data))}, decoded.Required("a")) {
		good += len(batch.Rows)
		if last = err; decoded.IsBad(err) {
			bad++
		}
	}
	if good < 1000 || bad == 0 || !errors.Is(last, iotest.ErrTimeout) || contract.ReasonOf(last) != contract.WorkerFailed {
		t.Errorf("%d rows, %d bad, then %v", good, bad, last)
	}
}

// brokenAt fails where a disk is broken.
type brokenAt struct {
	*bytes.Reader
	at int64
}

func (b brokenAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.at {
		return 0, iotest.ErrTimeout
	}
	return b.Reader.ReadAt(p[:min(int64(len(p)), b.at-off)], off)
}

// TestBatchesEnd leaves at every early place: nobody reads the file after that, and no goroutine stays.
func TestBatchesEnd(t *testing.T) {
	processors(t, 4)
	data := []byte(lineMix(12000))
	before := runtime.NumGoroutine()
	for stop := range 12 {
		watched := &watchedFile{Reader: bytes.NewReader(data)}
		ctx, cancel := context.WithCancel(context.Background())
		var seen []error
		n := 0
		for _, err := range Batches(ctx, File{Name: "test", Data: watched, Size: int64(len(data))}, decoded.Required("a")) {
			if n++; n > stop && stop%2 == 0 {
				break
			}
			if n > stop {
				cancel()
			}
			seen = append(seen, err)
		}
		cancel()
		watched.closed = true
		if stop%2 == 1 && !slices.ContainsFunc(seen, func(err error) bool { return errors.Is(err, context.Canceled) }) {
			t.Errorf("stop at %d: the end of the context is not told: %v", stop, seen[len(seen)-1])
		}
		if watched.late {
			t.Error("the file was read after the end")
		}
	}
	for range 1000 { // a goroutine that has ended is counted until the scheduler has seen to it
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
}

// watchedFile sees reads that come after its end. Without a lock: the race detector sees them as well.
type watchedFile struct {
	*bytes.Reader
	closed, late bool
}

func (w *watchedFile) ReadAt(p []byte, off int64) (int, error) {
	w.late = w.late || w.closed
	return w.Reader.ReadAt(p, off)
}

// TestBatchesMemory holds a few chunks of a large file and not the file.
func TestBatchesMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 200 MB")
	}
	processors(t, 4)
	row := `{"a":"` + strings.Repeat("text ", 100) + `","b":[` + strings.Repeat("1,", 500) + "2]}\n"
	file := endless{"", row, "", 200 << 20 / int64(len(row))}
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before) // what other tests of the package hold
	var rows, peak int64
	for batch, err := range Batches(context.Background(), File{Name: "test", Data: file, Size: file.size()}, decoded.Required("a")) {
		if err != nil {
			t.Fatal(err)
		}
		batch.Free()
		if rows += int64(len(batch.Rows)); rows%100 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			peak = max(peak, int64(during.HeapAlloc)-int64(before.HeapAlloc))
		}
	}
	if rows != file.blocks || peak > 32<<20 {
		t.Errorf("%d rows, and a heap of %d bytes", rows, peak)
	}
}

// TestBatchesOfRealRows compares whole public files.
func TestBatchesOfRealRows(t *testing.T) {
	for name, fields := range map[string][]decoded.Field{"gsm8k/train.jsonl": decoded.Required("question", "answer"), "math/train.jsonl": decoded.Optional("problem", "solution", "level", "type", "none")} {
		data := real(t, name)
		if diff := cmp.Diff(transcript(memory(data), fields), batchTranscript(memory(data), fields)); diff != "" {
			t.Errorf("%s: %.1000s", name, diff)
		}
	}
}

func BenchmarkBatches(b *testing.B) {
	name := os.Getenv("DATASETMIX_ROWS") // a JSON Lines file with the fields question and answer
	data, err := os.ReadFile(name)
	if err != nil {
		data = bytes.Repeat(wideRows(), 4)
	}
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprint("processors ", n), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				for batch, err := range Batches(context.Background(), memory(data), decoded.Required("question", "answer")) {
					if err != nil {
						b.Fatal(err)
					}
					batch.Free()
				}
			}
		})
	}
}
