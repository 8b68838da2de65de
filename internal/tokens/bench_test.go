package tokens

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

func BenchmarkCount(b *testing.B) {
	data := corpora(b)
	for name, tokenizer := range map[string]recipe.Tokenizer{
		"estimate": {}, "o200k_base": {Encoding: "o200k_base"}, "cl100k_base": {Encoding: "cl100k_base"},
	} {
		counter, err := New(tokenizer, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, set := range []string{"gsm8k", "math", "squad2"} {
			b.Run(name+"/"+set, func(b *testing.B) {
				bytes := 0
				for _, text := range data[set] {
					bytes += len(text)
				}
				b.SetBytes(int64(bytes))
				b.ReportAllocs()
				for b.Loop() {
					for _, text := range data[set] {
						counter.Count(text)
					}
				}
			})
		}
	}
}

func BenchmarkInit(b *testing.B) {
	for _, name := range []string{"o200k_base", "cl100k_base"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := counterOf(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
