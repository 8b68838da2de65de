package decode

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkRows measures whole files in memory. Bytes are those of the file as it is; rows/op and allocations per row are
// the second line of interest.
func BenchmarkRows(b *testing.B) {
	flat := flatten(b, "squad2/dev-v2.0.json", "id", "title", "context", "question", "answers")
	wide := wideRows()
	for _, c := range []struct {
		name   string
		data   []byte
		fields []Field
	}{
		{"jsonl gsm8k, all fields", real(b, "gsm8k/train.jsonl"), Required("question", "answer")},
		{"jsonl math, one of four fields", real(b, "math/train.jsonl"), Required("level")},
		{"jsonl math, all four fields", real(b, "math/train.jsonl"), Required("problem", "solution", "level", "type")},
		{"jsonl hotpotqa-like, context skipped", wide, Required("question", "answer", "type")},
		{"jsonl squad2, flat", flat, Required("id", "title", "context", "question", "answers")},
		{"array hotpotqa", real(b, "hotpotqa/hotpot_dev_v1_simplified.json"), Required("question", "answer")},
		{"array hotpotqa, indented", real(b, "hotpotqa/hotpotqa_train.json"), Required("question", "answer", "context")},
		{"squad2, nested", real(b, "squad2/dev-v2.0.json"), Required("context", "question", "answers")},
		{"parquet gsm8k, two nested columns", real(b, "parquet/gsm8k-train.parquet"), Required("extra_info.question", "extra_info.answer")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			var rows int64
			for b.Loop() {
				rows = 0
				for _, err := range Rows(context.Background(), memory(c.data), c.fields) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
			}
			b.ReportMetric(float64(rows), "rows/op")
		})
	}
}

// wideRows are rows of the size and shape of HotpotQA's distractor configuration, most of which is not wanted.
func wideRows() []byte {
	var rows bytes.Buffer
	sentence := strings.Repeat("the quick brown fox — ein schneller Fuchs — jumps over the lazy dog ", 2)[:130]
	sentences := strings.Repeat(fmt.Sprintf("[%q, %q, %q, %q], ", sentence, sentence, sentence, sentence), 10)
	for i := range 4000 {
		fmt.Fprintf(&rows, `{"id": "hp%x", "question": "Q%d %s", "answer": "yes", "type": "bridge", "level": "hard", "supporting_facts": {"title": ["a", "b"], "sent_id": [0, 1]}, "context": {"title": ["t0", "t1"], "sentences": [%s]}}`+"\n",
			i, i, sentence[:90], strings.TrimSuffix(sentences, ", "))
	}
	return rows.Bytes()
}

func memory(data []byte) File {
	return File{Name: "test", Data: bytes.NewReader(data), Size: int64(len(data))}
}

// real reads a file of whole public data sets, which lie beside the repository and are no part of it.
func real(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(name)))
	if err != nil {
		tb.Skipf("the real rows are not here: %v", err)
	}
	return data
}
