package decode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// endless is a large file without the memory of one: a head, a block over and over, a tail.
type endless struct {
	head, block, tail string
	blocks            int64
}

func (e endless) size() int64 {
	return int64(len(e.head)) + e.blocks*int64(len(e.block)) + int64(len(e.tail))
}

func (e endless) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		part := e.part(off + int64(n))
		if part == "" {
			return n, io.EOF
		}
		n += copy(p[n:], part)
	}
	return n, nil
}

// part returns what is at an offset, up to the end of its piece.
func (e endless) part(off int64) string {
	if off < int64(len(e.head)) {
		return e.head[off:]
	}
	off -= int64(len(e.head))
	if off < e.blocks*int64(len(e.block)) {
		return e.block[off%int64(len(e.block)):]
	}
	off -= e.blocks * int64(len(e.block))
	if off < int64(len(e.tail)) {
		return e.tail[off:]
	}
	return ""
}

// TestMemoryDoesNotGrow reads files of 64 MB in each JSON form and looks at the heap on the way: a build must fit into the
// memory of its pod whatever the size of its sources.
func TestMemoryDoesNotGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 200 MB")
	}
	const total, most = 64 << 20, 16 << 20
	row := `{"a":"` + strings.Repeat("text ", 100) + `","b":[` + strings.Repeat("1,", 500) + `2]}`
	question := `{"id":"i","question":"q","answers":[]}`
	article := `{"title":"t","paragraphs":[{"context":"` + strings.Repeat("text ", 2000) + `","qas":[` + question + `]}]}`
	for _, c := range []struct {
		name   string
		file   endless
		fields []decoded.Field
	}{
		{"JSON Lines", endless{"", row + "\n", "", total / int64(len(row)+1)}, decoded.Required("a")},
		{"an array", endless{"[" + row, "," + row, "]", total / int64(len(row)+1)}, decoded.Required("a")},
		{"SQuAD", endless{`{"data":[` + article, "," + article, "]}", total / int64(len(article)+1)}, decoded.Required("question", "context")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, during runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var rows, peak int64
			for _, err := range Rows(context.Background(), File{Name: c.name, Data: c.file, Size: c.file.size()}, c.fields) {
				if err != nil {
					t.Fatal(err)
				}
				if rows++; rows%2000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&during)
					peak = max(peak, int64(during.HeapAlloc)-int64(before.HeapAlloc))
				}
			}
			if want := c.file.blocks; rows < want || rows > want+1 {
				t.Errorf("%d rows, not %d", rows, want)
			}
			if peak > most {
				t.Errorf("the heap grew by %d bytes", peak)
			}
		})
	}
}

// TestReaderAt reads the stand-in itself back.
func TestReaderAt(t *testing.T) {
	e := endless{"head", "block", "tail", 3}
	got, err := io.ReadAll(io.NewSectionReader(e, 0, e.size()))
	if err != nil || string(got) != "headblockblockblocktail" {
		t.Errorf("%s, %v", got, err)
	}
}

func ExampleRows() {
	text := `{"question": "How many?", "answer": "#### 72", "source": {"page": 7}}` + "\n" + `{"question": "How much?", "answer": "#### 10", "source": {"page": 8}}`
	file := File{Name: "train.jsonl", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
	for row, err := range Rows(context.Background(), file, decoded.Required("source.page", "answer")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.Where(), row.Values)
	}
	// Output:
	// train.jsonl, line 1 [7 #### 72]
	// train.jsonl, line 2 [8 #### 10]
}

func ExampleRows_missingField() {
	text := `{"problem": "How many?", "solution": "72"}`
	file := File{Name: "train.jsonl", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
	for _, err := range Rows(context.Background(), file, decoded.Required("question")) {
		fmt.Println(err)
	}
	// Output:
	// train.jsonl, line 1: there is no field "question"; the fields of the file are "problem", "solution"; choose the preset or mapping that fits them
}
