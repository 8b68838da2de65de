package dedup

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// benchTexts returns short questions in several scripts.
func benchTexts() map[string]string {
	return map[string]string{
		"ascii":    prose,
		"quotes":   "“Natalia” sold clips to 48 of her friends in April — and then she sold half as many clips in May; that’s it.",
		"german":   "Natalia verkaufte im April 48 Klammern an ihre Freundinnen, danach für die Hälfte des Größten übrigen Teils.",
		"russian":  "Наталья продала в апреле скрепки сорока восьми подругам, а в мае вдвое меньше. Сколько скрепок она продала?",
		"mandarin": "娜塔莉亚四月份向她的四十八个朋友出售了发夹，五月份的销量减少了一半。她两个月一共卖出了多少个发夹？",
	}
}

func benchmarkForm(b *testing.B, form func(dst []byte, text string) []byte) {
	for name, text := range benchTexts() {
		b.Run(name, func(b *testing.B) {
			buffer := form(nil, text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				buffer = form(buffer[:0], text)
			}
		})
	}
}

func BenchmarkNormalize(b *testing.B) { benchmarkForm(b, AppendNormal) }

func BenchmarkQuestion(b *testing.B) { benchmarkForm(b, AppendQuestion[string]) }

func BenchmarkNGrams(b *testing.B) {
	g, normal := newGrams(13), AppendNormal(nil, prose)
	hashes := g.appendHashes(nil, normal)
	b.SetBytes(int64(len(prose)))
	for b.Loop() {
		hashes = g.appendHashes(hashes[:0], normal)
	}
}

func BenchmarkMatch(b *testing.B) {
	rows := questions(b)
	bytes := 0
	for _, row := range rows {
		bytes += len(row)
	}
	for name, ngrams := range map[string]*recipe.NGrams{"equal": nil, "13-grams": {N: 13, Percent: 50}} {
		b.Run(name, func(b *testing.B) {
			p, err := NewProbes(recipe.WordsV1, ngrams)
			if err != nil {
				b.Fatal(err)
			}
			for i, row := range rows {
				if i%4 == 0 {
					p.Add(0, row)
				}
			}
			m := p.NewMatcher()
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				for _, row := range rows {
					m.Match(row)
				}
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	rows := questions(b)
	bytes := 0
	for _, row := range rows {
		bytes += len(row)
	}
	b.SetBytes(int64(bytes))
	for b.Loop() {
		p, err := NewProbes(recipe.WordsV1, &recipe.NGrams{N: 13, Percent: 50})
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range rows {
			p.Add(0, row)
		}
		b.ReportMetric(float64(p.owners.count), "n-grams")
	}
}

func BenchmarkSketch(b *testing.B) {
	for name, shape := range map[string]struct{ bands, rows int }{"16x8": {16, 8}, "20x5": {20, 5}, "32x4": {32, 4}} {
		b.Run(name, func(b *testing.B) {
			s := sketcher(b, 5, shape.bands, shape.rows)
			var keys []uint64
			b.SetBytes(int64(len(prose)))
			b.ReportAllocs()
			for b.Loop() {
				keys = s.AppendBands(keys[:0], s.Sketch(prose))
			}
		})
	}
}
