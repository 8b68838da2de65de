package mapping

import (
	"context"
	"slices"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// BenchmarkMapRows maps real rows, already decoded: the time of one operation is that of one row.
func BenchmarkMapRows(b *testing.B) {
	for _, c := range []struct{ file, preset string }{
		{"gsm8k/train.jsonl", "gsm8k"},
		{"math/train.jsonl", "math"},
		{"squad2/dev-v2.0.json", "squad2"},
		{"hotpotqa/hotpot_dev_v1_simplified.json", "hotpotqa"},
		{"hotpotqa/hotpotqa_train.json", "hotpotqa-context"},
		{"mbpp/sanitized-mbpp.json", "mbpp"},
	} {
		b.Run(c.preset, func(b *testing.B) {
			p, err := Lookup(c.preset)
			if err != nil {
				b.Fatal(err)
			}
			var rows []decoded.Row
			for row, err := range decode.Rows(context.Background(), open(b, c.file), p.Fields()) {
				if err != nil {
					b.Fatal(err)
				}
				row.Values = slices.Clone(row.Values)
				rows = append(rows, row)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if _, _, err := Map(p, rows[n], Origin{c.preset, "d", int64(n)}); err != nil {
					b.Fatal(err)
				}
				n = (n + 1) % len(rows)
			}
		})
	}
}
