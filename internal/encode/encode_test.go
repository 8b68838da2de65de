package encode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

var formats = []recipe.Format{recipe.JSONL, recipe.JSONLZstd, recipe.JSONLGzip, recipe.Parquet}

// lineOf returns a record as it is published.
func lineOf(r record.Record) string { return string(r.AppendJSON(nil)) + "\n" }

// special rows hold what a format might trip over.
func special() []string {
	return []string{
		lineOf(record.Record{}),
		lineOf(record.Record{ID: "a_0", Dataset: "a", Domain: "d", Question: "plain", ReferenceAnswer: "72", AnswerType: record.Numeric,
			Metadata: []record.Entry{{Key: "source", Value: `"a"`}, {Key: "original_id", Value: `"0"`}}}),
		lineOf(record.Record{ID: "a_1", Question: "tab\t line\n quote\" back\\ nul\x00 unit\x1f del\x7f", ReferenceAnswer: "\r\n"}),
		lineOf(record.Record{ID: "a_2", Question: "été 漢字 😀 \u2028 \ufeff", ReferenceAnswer: "{}}", Domain: `"metadata":{}}`}),
		lineOf(record.Record{ID: "a_3", Metadata: []record.Entry{{Key: "a\"b", Value: `{"x":[1,2.50,-0,1e400,null,true],"y":{}}`}, {Key: "", Value: `"\u0001"`}}}),
		lineOf(record.Record{ID: "a_4", Question: strings.Repeat("long ", 200_000)}), // over a page, and over a buffer of lines
	}
}

// corpus returns rows of the shape of a mix: a few hundred bytes of words, some of them again and again.
func corpus(rows int) []string {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 5000)
	for i := range words {
		word := make([]byte, 2+random.IntN(8))
		for k := range word {
			word[k] = "etaoinshrdlucmfwyp"[min(random.IntN(18), random.IntN(18))]
		}
		words[i] = string(word)
	}
	text := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			f := random.Float64()
			b.WriteString(words[int(f*f*f*5000)] + " ")
		}
		return b.String()
	}
	out := make([]string, 0, rows)
	for i := range rows {
		if i > 100 && i%4 == 0 {
			out = append(out, out[random.IntN(i)])
			continue
		}
		name := []string{"gsm8k", "math", "squad2", "hotpotqa"}[random.IntN(4)]
		out = append(out, lineOf(record.Record{
			ID: fmt.Sprintf("%s_%d", name, i), Dataset: name, Domain: name[:2], Question: text(50 + random.IntN(800)),
			ReferenceAnswer: text(random.IntN(400)), AnswerType: record.Text,
			Metadata: []record.Entry{{Key: "source", Value: record.JSON(`"` + name + `"`)}, {Key: "original_id", Value: record.JSON(fmt.Sprintf(`"%x"`, i))}},
		}))
	}
	return out
}

func write(tb testing.TB, format recipe.Format, lines []string) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, format)
	if err != nil {
		tb.Fatal(err)
	}
	for _, line := range lines {
		if err := w.WriteRow([]byte(line)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// read returns the rows up to an error, which must come last and alone.
func read(tb testing.TB, format recipe.Format, file []byte) (lines []string, failure error) {
	tb.Helper()
	for line, err := range Rows(bytes.NewReader(file), int64(len(file)), format) {
		if failure != nil {
			tb.Fatalf("after %v comes %q, %v", failure, line, err)
		}
		if failure = err; err == nil {
			lines = append(lines, string(line))
		}
	}
	return lines, failure
}

func sameLines(tb testing.TB, got, want []string) {
	tb.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			tb.Fatalf("row %d is %.200q, not %.200q", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		tb.Fatalf("%d rows, not %d", len(got), len(want))
	}
}

// every runs a test on each format.
func every(t *testing.T, test func(t *testing.T, format recipe.Format)) {
	t.Helper()
	for _, format := range formats {
		t.Run(string(format), func(t *testing.T) { test(t, format) })
	}
}

func TestRowsAreThoseThatWereWritten(t *testing.T) {
	large := corpus(6000) // several sections of gzip and blocks of zstd
	every(t, func(t *testing.T, format recipe.Format) {
		for name, lines := range map[string][]string{
			"no row": nil, "one row": special()[1:2], "special rows": special(), "many rows": large, "special rows between others": append(append(large[:50:50], special()...), large[50:100]...),
		} {
			t.Run(name, func(t *testing.T) {
				got, err := read(t, format, write(t, format, lines))
				if err != nil {
					t.Fatal(err)
				}
				sameLines(t, got, lines)
			})
		}
	})
}

func TestPlainFilesAreTheLines(t *testing.T) {
	lines := special()
	if got := write(t, recipe.JSONL, lines); string(got) != strings.Join(lines, "") {
		t.Errorf("%.200q", got)
	}
}

// TestSameRowsSameBytes writes on one and on several processors, and twice on each: used encoders must not remember.
func TestSameRowsSameBytes(t *testing.T) {
	lines := corpus(8000)
	every(t, func(t *testing.T, format recipe.Format) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
		var first []byte
		for _, processors := range []int{1, 2, 2, 8} {
			runtime.GOMAXPROCS(processors)
			got := write(t, format, lines)
			if first == nil {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Fatalf("another file on %d processors", processors)
			}
		}
	})
}

// TestPackedFilesAreSmaller holds the figures that docs/format.md gives within wide bounds.
func TestPackedFilesAreSmaller(t *testing.T) {
	lines := corpus(6000)
	plain := len(strings.Join(lines, ""))
	for format, most := range map[recipe.Format]int{recipe.JSONLZstd: 40, recipe.JSONLGzip: 50, recipe.Parquet: 45} {
		if packed := len(write(t, format, lines)); packed*100 > plain*most {
			t.Errorf("%s: %d bytes of %d", format, packed, plain)
		}
	}
}

func TestStoppingEarly(t *testing.T) {
	lines := corpus(3000)
	every(t, func(t *testing.T, format recipe.Format) {
		file := write(t, format, lines)
		n := 0
		for line, err := range Rows(bytes.NewReader(file), int64(len(file)), format) {
			if err != nil || string(line) != lines[n] {
				t.Fatalf("row %d: %v", n, err)
			}
			if n++; n == 10 {
				break
			}
		}
	})
}

func TestRowsThatAreNoLines(t *testing.T) {
	good := special()[1]
	every(t, func(t *testing.T, format recipe.Format) {
		for name, line := range map[string]string{"empty": "", "no line feed": good[:len(good)-1], "two lines": good + good, "a line feed inside": "{\n}\n"} {
			t.Run(name, func(t *testing.T) {
				w, err := NewWriter(io.Discard, format)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.WriteRow([]byte(line)); err == nil || !strings.Contains(err.Error(), "a row is one line with its line feed") {
					t.Errorf("%v", err)
				}
				if err := w.WriteRow([]byte(good)); err == nil {
					t.Error("a row was taken after an error")
				}
				if err := w.Close(); err == nil {
					t.Error("a file without one of its rows was finished")
				}
			})
		}
	})
}

func TestLongestRow(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 1 GB")
	}
	frame := len(lineOf(record.Record{}))
	longest := lineOf(record.Record{Question: strings.Repeat("x", MaxRow-frame)})
	every(t, func(t *testing.T, format recipe.Format) {
		w, err := NewWriter(io.Discard, format)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteRow([]byte(longest[:len(longest)-10] + "x" + longest[len(longest)-10:])); err == nil || !strings.Contains(err.Error(), "the most is") {
			t.Errorf("%v", err)
		}
		_ = w.Close() // It has the error of the row.
		got, err := read(t, format, write(t, format, []string{longest, special()[1]}))
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, got, []string{longest, special()[1]})
	})
	for _, err := range Rows(strings.NewReader("x"+longest), int64(len(longest)+1), recipe.JSONL) {
		if err == nil || !strings.Contains(err.Error(), "the most is") {
			t.Errorf("%v", err)
		}
	}
}

func TestNoRowAfterTheEnd(t *testing.T) {
	every(t, func(t *testing.T, format recipe.Format) {
		w, err := NewWriter(io.Discard, format)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteRow([]byte(special()[1])); !errors.Is(err, errClosed) {
			t.Errorf("%v", err)
		}
	})
}

// full is a volume that has room for so many bytes.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestFullVolume(t *testing.T) {
	lines := corpus(6000)
	every(t, func(t *testing.T, format recipe.Format) {
		whole := len(write(t, format, lines))
		for _, room := range []int{0, 1, 100, whole / 2, whole - 1} {
			w, err := NewWriter(&full{room}, format)
			for i := 0; err == nil && i < len(lines); i++ {
				err = w.WriteRow([]byte(lines[i]))
			}
			if err == nil {
				err = w.Close()
			}
			if !errors.Is(err, errFull) {
				t.Errorf("room for %d of %d bytes: %v", room, whole, err)
			}
		}
	})
}

func TestUnknownFormat(t *testing.T) {
	const want = `the output format "Avro" is not known`
	if _, err := NewWriter(io.Discard, "Avro"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
	for _, err := range Rows(strings.NewReader(""), 0, "Avro") {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}

func ExampleRows() {
	var file bytes.Buffer
	w, _ := NewWriter(&file, recipe.Parquet)
	_ = w.WriteRow([]byte(`{"id":"gsm8k_0","dataset":"gsm8k","domain":"math","question":"How many?","reference_answer":"72","answer_type":"numeric","metadata":{"source":"gsm8k","original_id":"0"}}` + "\n"))
	_ = w.Close()
	for line, err := range Rows(bytes.NewReader(file.Bytes()), int64(file.Len()), recipe.Parquet) {
		fmt.Printf("%s%v\n", line, err)
	}
	// Output:
	// {"id":"gsm8k_0","dataset":"gsm8k","domain":"math","question":"How many?","reference_answer":"72","answer_type":"numeric","metadata":{"source":"gsm8k","original_id":"0"}}
	// <nil>
}
