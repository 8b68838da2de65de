package decode

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
)

// BenchmarkRows measures whole files in memory. Bytes are those of the file as it is; rows/op and allocations per row are
// the second line of interest.
func BenchmarkRows(b *testing.B) {
	flat := flatten(b, "squad2/dev-v2.0.json", "id", "title", "context", "question", "answers")
	wide := wideRows()
	math := real(b, "math/train.jsonl")
	for _, c := range []struct {
		name   string
		data   []byte
		fields []decoded.Field
	}{
		{"jsonl gsm8k, all fields", real(b, "gsm8k/train.jsonl"), decoded.Required("question", "answer")},
		{"jsonl math, one of four fields", real(b, "math/train.jsonl"), decoded.Required("level")},
		{"jsonl math, all four fields", real(b, "math/train.jsonl"), decoded.Required("problem", "solution", "level", "type")},
		{"jsonl hotpotqa-like, context skipped", wide, decoded.Required("question", "answer", "type")},
		{"jsonl squad2, flat", flat, decoded.Required("id", "title", "context", "question", "answers")},
		{"array hotpotqa", real(b, "hotpotqa/hotpot_dev_v1_simplified.json"), decoded.Required("question", "answer")},
		{"array hotpotqa, indented", real(b, "hotpotqa/hotpotqa_train.json"), decoded.Required("question", "answer", "context")},
		{"array at a path", slices.Concat([]byte(`{"data":{"rows":`), real(b, "hotpotqa/hotpotqa_train.json"), []byte("}}")), decoded.Required("question", "answer", "context")},
		{"csv math, all four fields", commas(b, "math/train.jsonl", "problem", "solution", "level", "type"), decoded.Required("problem", "solution", "level", "type")},
		{"csv gsm8k, one of two fields", commas(b, "gsm8k/train.jsonl", "question", "answer"), decoded.Required("question")},
		{"jsonl math, gzip", zipped(string(math)), decoded.Required("problem", "solution", "level", "type")},
		{"jsonl math, zstd", zstandard(string(math)), decoded.Required("problem", "solution", "level", "type")},
		{"squad2, nested", real(b, "squad2/dev-v2.0.json"), decoded.Required("context", "question", "answers")},
		{"parquet gsm8k, two nested columns", real(b, "parquet/gsm8k-train.parquet"), decoded.Required("extra_info.question", "extra_info.answer")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			var rows int64
			for b.Loop() {
				rows = 0
				file := memory(c.data)
				if strings.HasSuffix(c.name, "a path") {
					file.Path = []string{"data", "rows"}
				}
				for _, err := range Rows(context.Background(), file, c.fields) {
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

// commas returns a file's rows as CSV with the named columns, all of them texts.
func commas(tb testing.TB, name string, columns ...string) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(columns)
	for row, err := range Rows(context.Background(), memory(real(tb, name)), decoded.Required(columns...)) {
		if err != nil {
			tb.Fatal(err)
		}
		texts := make([]string, len(columns))
		for i, v := range row.Values {
			texts[i] = v.(string)
		}
		_ = w.Write(texts)
	}
	w.Flush()
	return out.Bytes()
}

// wideRows returns rows of the size and shape of HotpotQA's distractor configuration, most of which is not wanted.
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

// real reads a file of whole public data sets.
func real(tb testing.TB, name string) []byte {
	tb.Helper()
	return realrows.Read(tb, name)
}
